"""The tour: why we minimise cross-entropy, in a terminal and on one HTML page."""
