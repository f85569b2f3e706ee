"""Families of whole numbers."""
