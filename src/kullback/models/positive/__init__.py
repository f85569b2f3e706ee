"""Distributions of positive outcomes."""
