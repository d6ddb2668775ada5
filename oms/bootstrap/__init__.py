"""The composition root: reads configuration, opens chains, starts services, wires the desk.

The only place that names adapters. It decides nothing about orders.
"""
