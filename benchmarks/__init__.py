"""Measurements of `oms`, each beside its closest peer in the same run. Not shipped; `oms` imports none of it."""
