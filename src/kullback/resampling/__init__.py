"""Bootstrap replicates of a fit, and the tests that are made of them."""
