"""The distribution of rows without a model: exact, censored and truncated ones."""
