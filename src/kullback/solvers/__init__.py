"""Solvers: they propose the next point from sums over the rows."""
