"""The objective: where sample and model meet. One number, and what a pass adds up for it."""
