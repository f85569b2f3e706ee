"""Results: the immutable fit, its certificate, its uncertainty and its ledger."""
