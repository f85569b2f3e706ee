"""Reports: pure functions of a fit's summary, and the progress bar."""
