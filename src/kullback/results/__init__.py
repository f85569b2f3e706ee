"""Results: the immutable fit, its convergence, its uncertainty and its decomposition."""
