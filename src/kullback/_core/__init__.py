"""Foundations that every layer may use: errors, array aliases, numerics, supports, units."""
