"""Formulas: parameters that are linear in terms of columns."""
