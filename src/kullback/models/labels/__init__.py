"""Families of class labels."""
