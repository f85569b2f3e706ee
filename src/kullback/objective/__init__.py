"""The objective: the cross-entropy of a sample and a model, and the sums over rows for it."""
