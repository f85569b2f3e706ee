"""Training: the wiring of models that are networks, as ``fitting`` is of the others."""
