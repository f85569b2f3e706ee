"""Entropy, divergence and mutual information estimated from distances to nearest neighbours."""
