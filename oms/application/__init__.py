"""Command handlers: they load, decide through the core, record, and act through ports."""
