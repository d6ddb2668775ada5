"""A piece of a chain in a file: reading it, serving it to Anvil as a node, and recording a new one.

`format` is the file, `server` serves it in this process, `serve` in one of its own, `recorder` writes it.
"""
