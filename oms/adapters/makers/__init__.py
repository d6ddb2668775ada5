"""RFQ makers over HTTP."""
