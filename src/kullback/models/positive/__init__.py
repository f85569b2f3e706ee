"""Families of positive outcomes."""
