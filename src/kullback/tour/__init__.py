"""The tour: why we minimise cross-entropy, run in a terminal and on one HTML page."""
