"""Loss and errors of a regression on rows of a table, for ``train`` and ``evaluate``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import kullback
from kullback._core.printable import printable
from kullback._core.units import nats_per
from kullback.cli import process


def evaluate_regression(
    fit: kullback.TrainedFit,
    columns: Mapping[str, Any],
    target: str,
    weights: str | None,
    unit: str,
) -> dict[str, Any]:
    """Score a regression on rows that it was not trained on.

    Args:
        fit: the regression.
        columns: the rows, with the outcome.
        target: the column of the outcome.
        weights: the column of the weights, or None.
        unit: of the cross-entropy.

    Returns:
        The document for ``--json``: cross-entropy (mean −log density), that of one normal
        distribution with the mean and the variance of these rows, root mean squared error, mean
        absolute error, and R² = 1 − mean squared error / variance of the outcome.
    """
    import numpy as np

    from kullback.data.arrays import to_numbers
    from kullback.data.checks import column_label

    loss = kullback.estimate_cross_entropy(fit.model, columns, target, weights=weights, unit=unit)
    y = to_numbers(columns[target], column_label(target))
    weight = (
        np.ones(len(y)) if weights is None else to_numbers(columns[weights], column_label(weights))
    )
    residual = y - fit.predict(columns)
    squared = float(np.average(residual**2, weights=weight))
    variance = float(np.var(y)) if weights is None else float(np.cov(y, ddof=0, aweights=weight))
    varies = variance > 0.0
    baseline = 0.5 * math.log(2.0 * math.pi * math.e * variance) if varies else math.nan
    return {
        "label": fit.label,
        "unit": unit,
        "rows": len(y),
        "cross_entropy": {
            "value": loss.value,
            "stderr": loss.stderr,
            "interval": list(loss.interval),
            "method": loss.method,
        },
        "baseline": baseline / nats_per(unit),
        "rmse": math.sqrt(squared),
        "mean_absolute_error": float(np.average(np.abs(residual), weights=weight)),
        "r2": 1.0 - squared / variance if varies else math.nan,
        "notes": list(loss.assumptions),
    }


def print_regression(found: dict[str, Any]) -> None:
    """Print the document of ``evaluate_regression`` as text."""
    unit, loss = found["unit"], found["cross_entropy"]

    def shown(value: float) -> str:
        return "unknown" if math.isnan(value) else f"{value:.6g}"

    lines = [
        f"{printable(found['label'])}: {found['rows']:,} rows",
        "",
        f"cross-entropy              {shown(loss['value'])} {unit} ± {shown(loss['stderr'])}",
        f"one normal distribution    {shown(found['baseline'])} {unit}",
        f"root mean squared error    {shown(found['rmse'])}",
        f"mean absolute error        {shown(found['mean_absolute_error'])}",
        f"R²                         {shown(found['r2'])}",
        "",
        *found["notes"],
    ]
    process.write("\n".join(lines))
