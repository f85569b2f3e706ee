"""Engines: they add a statistic up over a sample, wherever its rows are."""
