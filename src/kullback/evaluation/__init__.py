"""Loss reports of classifiers on held-out rows: irreducible loss, excess loss and calibration."""
