"""Distributions of whole numbers."""
