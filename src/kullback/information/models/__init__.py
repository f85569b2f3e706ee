"""Entropies and divergences of models: closed forms, integrals, sums and simulation."""
