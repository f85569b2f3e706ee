"""The objective: where the sample and the model meet. One number, and what a pass adds up for it."""
