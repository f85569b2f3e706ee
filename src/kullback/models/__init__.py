"""Models: distributions whose parameters each have a source."""
