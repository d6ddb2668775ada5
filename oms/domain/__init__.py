"""The desk's value types. No behaviour beyond their own arithmetic."""
