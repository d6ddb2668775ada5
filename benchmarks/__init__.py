"""Measurements of `oms`, each beside its closest peer in the same run. Not shipped, and imported by nothing in `oms`."""
