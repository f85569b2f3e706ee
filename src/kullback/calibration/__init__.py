"""Recalibration: maps of a classifier's probabilities, fitted to held-out labels."""
