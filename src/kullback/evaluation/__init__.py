"""The account of a classifier's loss on held-out rows: what is noise, what is the model's waste."""
