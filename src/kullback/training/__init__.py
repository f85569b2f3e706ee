"""Training of models with networks, called by ``kl.fit``."""
