"""Exact pool and book mathematics, integer for integer as the venue settles."""
