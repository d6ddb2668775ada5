"""Ethereum nodes and forks: reading, loading pools, simulating and sending."""
