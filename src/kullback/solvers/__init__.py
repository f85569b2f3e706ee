"""Solvers: they decide the next point from sums, without knowing where the rows are."""
