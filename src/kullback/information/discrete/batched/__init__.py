"""The same estimates for many samples at once, by looking up a function of each count."""
