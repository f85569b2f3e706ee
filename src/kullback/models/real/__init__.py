"""Families of outcomes on the whole line."""
