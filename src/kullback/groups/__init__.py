"""Thousands of fits in one call: one model, fitted to every group of rows."""
