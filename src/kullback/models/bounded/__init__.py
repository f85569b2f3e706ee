"""Families of outcomes in a bounded range."""
