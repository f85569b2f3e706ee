"""The modules of networks, apart from the models: they need Equinox, which the models do not."""
