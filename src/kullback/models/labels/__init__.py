"""Distributions of class labels."""
