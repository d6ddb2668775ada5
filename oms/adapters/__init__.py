"""One package for each outside system."""
