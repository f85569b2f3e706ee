"""Entropies, divergences and mutual information of arrays, models and samples, in nats inside."""
