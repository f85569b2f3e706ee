"""Engines: they add up a statistic over a sample, in memory or in files."""
