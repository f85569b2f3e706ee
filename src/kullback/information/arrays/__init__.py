"""Entropies and divergences of arrays: probabilities or logits in, numbers out."""
