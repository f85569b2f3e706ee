"""Distributions on a bounded range."""
