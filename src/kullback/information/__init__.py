"""Information: of probability arrays, of models and of samples, in nats until it is shown."""
