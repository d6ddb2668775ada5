"""The terminal: parse, call, print."""
