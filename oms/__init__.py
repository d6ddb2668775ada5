"""`oms`: quote every venue, split, pass one gate, settle atomically, hedge the rest."""

__version__ = "0.1.0"
