"""Models ``q(θ)``: families whose parameters each have a source."""
