"""Modules of neural networks, separate from the models because they need Equinox."""
