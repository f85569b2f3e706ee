"""Special functions and log tails in JAX, with two derivatives: what `jax.scipy` lacks."""
