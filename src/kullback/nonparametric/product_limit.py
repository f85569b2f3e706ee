"""The product-limit estimate of right-censored, delayed rows, and of left-censored ones."""

from __future__ import annotations

import numpy as np

from kullback._core.arrays import Vector
from kullback.nonparametric.codes import Coded
from kullback.nonparametric.steps import Steps

# Weights with fractions leave rounding where the rows at risk end.
_ROUNDING = 1e-12


def product_limit(rows: Coded) -> Steps:
    """Estimate the distribution of exact and right-censored rows, with or without delayed entry.

    With d the weight observed at t and n that of the rows at risk there, S(t) = Π (1 − d/n), and by
    Greenwood's formula Var S(t) = S(t)² Σ d/(n(n − d)). A row is at risk at t if its outcome is t
    or later, or it is censored later or, with open ends, at t, and if t lies in its window.
    Sources: E. L. Kaplan & P. Meier (1958), JASA 53, 457–481; M. Greenwood (1926), The natural
    duration of cancer; with delayed entry D. Lynden-Bell (1971), MNRAS 155, 95–118.
    """
    exact = rows.lower == rows.upper
    codes, place = np.unique(rows.lower, return_inverse=True)
    events = np.bincount(place, rows.weights * exact, codes.size)
    # rows still at risk after each code; then those that had not entered are taken off
    left = np.bincount(place, rows.weights, codes.size)
    after = np.concatenate([np.cumsum(left[::-1])[::-1][1:], [0.0]])
    censored = np.bincount(place, rows.weights * ~exact, codes.size)
    entered = rows.window_lower > rows.window_lower.min()
    order = np.argsort(rows.window_lower[entered], kind="stable")
    entries = rows.window_lower[entered][order]
    later = np.concatenate([[0.0], np.cumsum(rows.weights[entered][order][::-1])])[::-1]
    at = np.flatnonzero(events > 0.0)
    rest: Vector = after[at] - later[np.searchsorted(entries, codes[at], side="right")]
    d: Vector = events[at].astype(np.float64)
    rest = np.where(rest > _ROUNDING * (rest + d), rest, 0.0)
    at_risk: Vector = rest + d
    survival = np.cumprod(rest / at_risk).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):  # after the last row at risk
        stderr: Vector = survival * np.sqrt(np.cumsum(d / (at_risk * rest)))
    before = np.concatenate([[1.0], survival[:-1]])
    mass: Vector = before * (d / at_risk)
    lower = upper = rows.values[codes[at] // 2]
    notes: tuple[str, ...] = ()
    gone = np.flatnonzero(survival == 0.0)
    if gone.size and gone[0] < at.size - 1:
        where, beyond = lower[gone[0]], float(d[gone[0] + 1 :].sum())
        notes = (
            f"at {where:g} no row at risk was left, so that the estimate ends there, though rows "
            f"of weight {beyond:.12g} were observed beyond: the risk sets at that end are too "
            "small.",
        )
    last = survival[-1] if at.size else 1.0
    if last > 0.0:  # somewhere beyond the last row that is censored
        end = rows.values[codes[np.flatnonzero(censored)[-1]] // 2]
        lower, upper = np.append(lower, end), np.append(upper, np.inf)
        mass, survival = np.append(mass, last), np.append(survival, 0.0)
        stderr = np.append(stderr, np.nan)
        at_risk, d = np.append(at_risk, np.nan), np.append(d, np.nan)
    return Steps(
        lower,
        upper,
        mass,
        1.0 - survival,
        survival,
        stderr,
        "Kaplan–Meier estimate",
        float(rows.weights.sum()),
        at_risk=at_risk,
        events=d,
        notes=notes,
    )


def turned(steps: Steps) -> Steps:
    """Turn the estimate of rows with the opposite sign into that of the rows."""

    def back(values: Vector, last: float) -> Vector:
        """Values up to each mass, from those of the opposite rows beyond theirs."""
        return np.concatenate([values[:-1][::-1], [last]])

    assert steps.at_risk is not None
    assert steps.events is not None
    return Steps(
        -steps.upper[::-1],
        -steps.lower[::-1],
        steps.mass[::-1],
        back(steps.survival, 1.0),
        back(steps.cdf, 0.0),
        back(steps.stderr, 0.0),
        steps.method,
        steps.weight,
        at_risk=steps.at_risk[::-1],
        events=steps.events[::-1],
        turned=True,
        notes=steps.notes,
    )
