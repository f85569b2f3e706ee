"""Special functions and log tails in JAX, accurate to two derivatives: see README.md."""
