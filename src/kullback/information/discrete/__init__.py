"""Entropy, divergence and mutual information estimated from counts of symbols."""
