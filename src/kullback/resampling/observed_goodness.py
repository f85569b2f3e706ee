"""Goodness of fit of rows that are truncated, censored to one side, or in cells.

A truncated outcome x in the window [a, b] is compared as u = (F(x) − F(a))/(F(b) − F(a)), which is
uniform under the model, and a limit of censoring likewise. With G the product-limit estimate of the
distribution of u (E. L. Kaplan and P. Meier, 1958), n rows, and T the largest u, or 1 where that
was seen:

    Kolmogorov–Smirnov   D  = sup |G − u| up to T
    Cramér–von Mises     W² = n ∫₀ᵀ (G − u)² du
    Anderson–Darling     A² = n ∫₀ᵀ (G − u)²/(u (1 − u)) du

Without censoring they are those of exact rows. (J. A. Koziol and S. B. Green, 1976, "A Cramér–von
Mises statistic for randomly censored data".) Rows in cells are counted in them: Σ (O − E)²/E.
P-values come from samples of the model, observed as the rows were and fitted again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback.models.model import Model
from kullback.resampling.cells import LEAST_EXPECTED
from kullback.resampling.distances import NAMES
from kullback.resampling.observed_draws import ObservedRows
from kullback.resampling.replicates import Resampling
from kullback.results.goodness_of_fit import GoodnessOfFit, GoodnessOfFitTest

_INSTEAD = "Compare it with other models by kl.compare, or look at fit.plot()."


def observed_goodness_of_fit(
    resampling: Resampling, named: str, n: int, seed: int, cells: Any
) -> GoodnessOfFit:
    """Compute the statistics, and their p-values from n samples observed as the rows were.

    Args:
        resampling: the fit's model and rows.
        named: the fitted model as text.
        n: the number of samples.
        seed: of the samples.
        cells: must be None: cells are those of the rows.

    Raises:
        KullbackError: for rows without a statistic.
    """
    rows, model, vector = resampling.observed, resampling.fitted, resampling.vector
    if cells is not None:
        raise KullbackError("cells are for rows that are exact and not truncated: leave it out.")
    notes: list[str] = []
    counted = None
    if rows.celled.all():
        counted = _Cells.of(rows, model)
        df = counted.count - 1 - vector.n_free - len(vector.on_bound)
        if df < 1:
            raise KullbackError(
                f"{counted.count} cells of at least {LEAST_EXPECTED:g} expected rows leave no "
                "degrees of freedom for the estimated parameters."
            )
    else:
        _refuse_others(rows, model)

    def statistics(numbers: Vector, of: ObservedRows) -> dict[str, float]:
        fitted = resampling.model.fixed_at(vector.split(numbers))
        if counted is not None:
            return {"chi_square": counted.chi_square(of, fitted)}
        return dict(zip(NAMES, distances(of, fitted), strict=True))

    own = statistics(resampling.estimate, rows)
    above = dict.fromkeys(own, 1)
    failures: dict[int, str] = {}
    for numbers, drawn in resampling.observed_replicates(n, seed, failures):
        if np.isnan(numbers).any():
            continue
        for name, value in statistics(numbers, drawn).items():
            above[name] += value >= own[name]
    usable = n - len(failures)
    if failures:
        notes.append(
            f"{len(failures)} of {n} samples could not be fitted and are left out, for example "
            f"because {next(iter(failures.values())).rstrip('.')}."
        )
    if rows.right.any() or rows.left.any():
        notes.append(
            "Distances are those of the product-limit estimate, as far as the rows go; limits of "
            "censoring are drawn from their own."
        )

    def test(name: str) -> GoodnessOfFitTest | None:
        if name not in own:
            return None
        p = above[name] / (usable + 1.0) if usable else None
        return GoodnessOfFitTest(own[name], p, df if name == "chi_square" else None)

    return GoodnessOfFit(
        model=named,
        n=rows.lower.size,
        n_bootstrap=n,
        failed=len(failures),
        kolmogorov_smirnov=test("kolmogorov_smirnov"),
        cramer_von_mises=test("cramer_von_mises"),
        anderson_darling=test("anderson_darling"),
        chi_square=test("chi_square"),
        cells="" if counted is None else counted.described,
        notes=tuple(notes),
    )


def _refuse_others(rows: ObservedRows, model: Model) -> None:
    """Raise for rows whose distances have no method here."""
    if model.discrete:
        what = "counts must be exact and not truncated, or all in cells"
    elif model.atoms:
        what = "with a probability at 0, rows must be exact and not truncated, or all in cells"
    elif model.period < np.inf:
        what = "angles must be exact and not truncated, or all in cells"
    elif rows.celled.any():
        what = "some outcomes were seen, and others lie between two ends"
    elif rows.left.any() and rows.right.any():
        what = "the rows are censored to both sides"
    else:
        return
    raise KullbackError(f"goodness of fit has no statistic for these rows: {what}. {_INSTEAD}")


def distances(rows: ObservedRows, model: Model) -> tuple[float, float, float]:
    """Return D, W² and A² of rows that are seen, or censored to one side.

    Args:
        rows: the rows.
        model: a model with every number fixed.
    """
    u, v = _given_windows(rows, model)
    if rows.left.any():
        u, v = v, u
    order = np.argsort(u, kind="stable")
    u, v, seen = u[order], v[order], rows.seen[order]
    n = u.size
    events, first = np.unique(u[seen], return_index=True)
    rest = v[seen][first]
    deaths: Vector = np.diff(np.append(first, np.count_nonzero(seen)) * 1.0)
    risk = n - np.searchsorted(u, events, side="left")
    g: Vector = np.concatenate([[0.0], 1.0 - np.cumprod(1.0 - deaths / risk)])
    if deaths[-1] == risk[-1]:  # the largest was seen
        ends, rests = np.append(events, 1.0), np.append(rest, 0.0)
    else:
        ends, rests = np.append(events, u[n - 1]), np.append(rest, v[n - 1])
    starts = np.concatenate([[0.0], events])
    largest = max(np.max(g[1:] - events), np.max(ends - g))
    squares = np.sum((ends - g) ** 3 - (starts - g) ** 3) / 3.0
    # ∫ (g − u)²/(u (1 − u)) du = g² log u − (1 − g)² log(1 − u) − u; each log where its factor is 0
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.where(g > 0.0, g * g * (np.log(ends) - np.log(starts)), 0.0)
        begin = np.concatenate([[1.0], rest])
        down = np.where(g < 1.0, (1.0 - g) ** 2 * (np.log(begin) - np.log(rests)), 0.0)
        weighted = np.sum(up + down) - ends[-1]
    return float(largest), float(n * squares), float(n * weighted)


def _given_windows(rows: ObservedRows, model: Model) -> tuple[Vector, Vector]:
    """The distribution function of each outcome or limit given its window, and 1 less it."""
    x = np.where(rows.left, rows.upper, rows.lower)
    low, at, high = (
        (np.asarray(model.cdf(end)), np.asarray(model.survival(end)))
        for end in (rows.window_lower, x, rows.window_upper)
    )
    whole = _between(low, high)
    u, v = (_between(*ends) / whole for ends in ((low, at), (at, high)))
    return np.clip(u, 0.0, 1.0), np.clip(v, 0.0, 1.0)  # rounding may leave the range


@final
@dataclass(frozen=True, eq=False)
class _Cells:
    """Cells that hold every possible outcome, joined until enough rows are expected in each.

    Attributes:
        lower: the lower ends of all cells, gaps between those of the rows included.
        upper: their upper ends.
        joined: the number of the joined cell that each is part of.
    """

    lower: Vector
    upper: Vector
    joined: NDArray[np.intp]

    @classmethod
    def of(cls, rows: ObservedRows, model: Model) -> _Cells:
        """Take the cells of the rows, and the gaps between them, and join them.

        Raises:
            KullbackError: for cells that overlap, and rows in different windows.
        """
        windows = np.unique(np.stack([rows.window_lower, rows.window_upper]), axis=1)
        if windows.shape[1] > 1:
            raise KullbackError(
                f"goodness of fit counts rows in cells in one window, but the rows have "
                f"{windows.shape[1]} windows. {_INSTEAD}"
            )
        lower, upper = rows.cells
        step = 1.0 if model.support.whole else 0.0
        low = np.concatenate([windows[0], upper + step])
        high = np.concatenate([lower - step, windows[1]])
        gap = low <= high if model.support.whole else low < high
        lower, upper = np.append(lower, low[gap]), np.append(upper, high[gap])
        order = np.argsort(lower)
        lower, upper = lower[order], upper[order]
        expected = rows.lower.size * _shares(lower, upper, model)
        joined, number, filled = np.zeros(lower.size, dtype=np.intp), 0, 0.0
        for i, more in enumerate(expected.tolist()):
            joined[i], filled = number, filled + more
            if filled >= LEAST_EXPECTED and expected[i + 1 :].sum() >= LEAST_EXPECTED:
                number, filled = number + 1, 0.0
        return cls(lower, upper, joined)

    @property
    def count(self) -> int:
        """The number of joined cells."""
        return int(self.joined[-1]) + 1

    @property
    def described(self) -> str:
        """What the cells are."""
        return (
            f"{self.count}, those of the rows and the gaps between them, joined from the least "
            f"upwards until {LEAST_EXPECTED:g} rows are expected"
        )

    def chi_square(self, rows: ObservedRows, model: Model) -> float:
        """Σ (O − E)²/E of a sample under a model."""
        at = np.searchsorted(self.lower, rows.lower, side="right") - 1
        observed = np.bincount(self.joined[at], minlength=self.count)
        shares = _shares(self.lower, self.upper, model)
        expected = rows.lower.size * np.bincount(self.joined, shares, self.count)
        return float(np.sum((observed - expected) ** 2 / expected))


def _shares(lower: Vector, upper: Vector, model: Model) -> Vector:
    """The probability of each of several cells that hold every possible outcome."""
    below = np.ceil(lower) - 1.0 if model.support.whole else lower
    low, high = ((np.asarray(model.cdf(e)), np.asarray(model.survival(e))) for e in (below, upper))
    share = _between(low, high)
    out: Vector = share / share.sum()
    return out


def _between(low: tuple[Vector, Vector], high: tuple[Vector, Vector]) -> Vector:
    """The probability between two points, from the cdf and the survival function at each."""
    # from the smaller ones, which keep their digits
    share: Vector = np.where(high[0] < low[1], high[0] - low[0], low[1] - high[1])
    return share
