"""Distributions on the whole line."""
