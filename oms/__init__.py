"""`oms`: quote every venue, split, pass one gate, settle atomically, hedge the rest."""
