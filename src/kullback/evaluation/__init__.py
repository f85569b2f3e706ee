"""The loss report of a classifier on held-out rows: what is noise, what is the model's waste."""
