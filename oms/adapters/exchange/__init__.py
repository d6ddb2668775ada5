"""Exchanges, through ccxt's shapes, and the paper one."""
