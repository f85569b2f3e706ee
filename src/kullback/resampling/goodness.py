"""Goodness-of-fit tests whose p-values allow for estimated parameters.

The fitted model's own samples are fitted again, and their statistics computed with their own
estimates (W. Stute, W. González Manteiga, M. Presedo Quindimil, 1993, "Bootstrap based
goodness-of-fit tests"): tables for known parameters give p-values that are far too large. With B
samples, p = (1 + #{T* ≥ T})/(B + 1).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError, ModelError
from kullback.engines.local import threads_or_all
from kullback.models.row_functions import NOT_PROVIDED
from kullback.resampling.cells import LEAST_EXPECTED, MOST_VALUES, by_rule, counted, in_cells
from kullback.resampling.distances import NAMES, distances, distances_of_one
from kullback.resampling.observed_goodness import observed_goodness_of_fit
from kullback.resampling.replicates import Resampling
from kullback.results.goodness_of_fit import GoodnessOfFit, GoodnessOfFitTest


@final
@dataclass(eq=False)
class _Statistics:
    """Which statistics are computed, and how; ``df`` is known after the sample's own."""

    resampling: Resampling
    ends: Vector | None
    notes: list[str] = field(default_factory=list)
    cells: str = ""
    df: int | None = None

    @property
    def estimated(self) -> int:
        """The number of estimated parameters."""
        vector = self.resampling.vector
        return vector.n_free + len(vector.on_bound)

    def of_sample(self, y: Vector) -> dict[str, Vector]:
        """Return the statistics of the sample itself, and decide which there are."""
        model, theta = self.resampling.model, self.resampling.estimate[:, None]
        found: dict[str, Vector] = {}
        if model.discrete:
            self.notes.append(
                "Counts are compared by chi-square alone: the other tests are of continuous "
                "distributions."
            )
        elif model.period < np.inf:
            self.notes.append("Angles have no smallest one: only cells can be tested.")
        elif model.atoms:
            self.notes.append("With a probability at 0, only cells can be tested.")
        else:
            found = self._distances(theta, y)
        found |= self._chi_square(theta, y, first=True)
        return found

    def of_replicates(self, theta: Vector, y: Vector, names: list[str]) -> dict[str, Vector]:
        """Return the same statistics of replicates."""
        found: dict[str, Vector] = {}
        if set(names) & set(NAMES):
            with ThreadPoolExecutor(threads_or_all(None)) as pool:
                every = distances(self.resampling.model, theta, y, pool)
            found = dict(zip(NAMES, every, strict=True))
        if "chi_square" in names:
            found |= self._chi_square(theta, y, first=False)
        return found

    def _distances(self, theta: Vector, y: Vector) -> dict[str, Vector]:
        try:
            every = distances_of_one(self.resampling.model, theta[:, 0], y[:, 0])[:, None]
        except ModelError as error:
            if error.reason != NOT_PROVIDED:
                raise
            self.notes.append(f"{self.resampling.model.name} has no distribution function.")
            return {}
        found = dict(zip(NAMES, every, strict=True))
        if not np.isfinite(found["anderson_darling"][0]):
            del found["anderson_darling"]
            self.notes.append(
                "Anderson–Darling is not defined: an estimate is the smallest or the largest "
                "outcome, where the statistic is infinite."
            )
        return found

    def _chi_square(self, theta: Vector, y: Vector, *, first: bool) -> dict[str, Vector]:
        model = self.resampling.model
        if self.ends is not None:
            if first:
                named = ", ≤ ".join(
                    f"{end:g}" for end in np.ldexp(self.ends, self.resampling.power)
                )
                self._describe(len(self.ends) + 1, f"x ≤ {named}, and above")
            return {"chi_square": in_cells(model, theta, self.ends, counted(y, self.ends))}
        if not model.discrete:
            return {}
        counts = _tally(y, model.support.lower)
        with ThreadPoolExecutor(threads_or_all(None)) as pool:
            statistic, cells = by_rule(model, theta, counts, pool)
        if not first:
            return {"chi_square": statistic}
        df = int(cells[0]) - 1 - self.estimated
        if df < 1:
            self.notes.append(
                f"Chi-square has no degrees of freedom: {int(cells[0])} cells of at least "
                f"{LEAST_EXPECTED:g} expected rows for {self.estimated} estimated parameters."
            )
            return {}
        self._describe(
            int(cells[0]),
            f"values joined from the least upwards until {LEAST_EXPECTED:g} rows are expected, "
            "the remainder joined to the last",
        )
        return {"chi_square": statistic}

    def _describe(self, cells: int, rule: str) -> None:
        self.df = cells - 1 - self.estimated
        if self.df < 1:
            raise KullbackError(
                f"{cells} cells leave no degrees of freedom for {self.estimated} estimated "
                f"parameters: give at least {self.estimated + 2} cells."
            )
        self.cells = f"{cells}, {rule}"


def goodness_of_fit(
    resampling: Resampling, named: str, n: int, seed: int, cells: Any
) -> GoodnessOfFit:
    """Compute the statistics, and their p-values from n samples of the fitted model.

    Args:
        resampling: the fit's model and rows.
        named: the fitted model as text.
        n: the number of samples.
        seed: of the samples.
        cells: of the chi-square statistic: None for the rule for counts, a number of cells of equal
            probability, or their upper ends.

    Raises:
        KullbackError: for cells that cannot be used.
    """
    if not resampling.known.summary.all_exact:
        return observed_goodness_of_fit(resampling, named, n, seed, cells)
    y = _sorted_rows(resampling)
    statistics = _Statistics(resampling, _ends(resampling, cells))
    own = statistics.of_sample(y[:, None])
    above = dict.fromkeys(own, 1)
    failures: dict[int, str] = {}
    if own and n:
        for theta, draws in resampling.batches(n, seed, failures):
            made = np.flatnonzero(~np.isnan(theta).any(axis=0))
            if made.size < theta.shape[1]:
                theta, draws = theta[:, made], draws[:, made]
            if made.size:
                found = statistics.of_replicates(theta, draws, list(own))
                for name in own:
                    above[name] += int(np.count_nonzero(found[name] >= own[name][0]))
    usable = n - len(failures)
    if failures:
        statistics.notes.append(
            f"{len(failures)} of {n} samples could not be fitted and are left out, for example "
            f"because {next(iter(failures.values())).rstrip('.')}."
        )

    def test(name: str) -> GoodnessOfFitTest | None:
        if name not in own:
            return None
        p = above[name] / (usable + 1.0) if usable else None
        df = statistics.df if name == "chi_square" else None
        return GoodnessOfFitTest(float(own[name][0]), p, df)

    return GoodnessOfFit(
        model=named,
        n=y.size,
        n_bootstrap=n,
        failed=len(failures),
        kolmogorov_smirnov=test("kolmogorov_smirnov"),
        cramer_von_mises=test("cramer_von_mises"),
        anderson_darling=test("anderson_darling"),
        chi_square=test("chi_square"),
        cells=statistics.cells,
        notes=tuple(statistics.notes),
    )


def _sorted_rows(resampling: Resampling) -> Vector:
    """Return all outcomes, ascending, each as often as its weight says."""
    parts = []
    for chunk in resampling.sample.chunks():
        y, weight = chunk.fields["y"], chunk.weight
        if weight is not None and bool(np.any(weight != np.floor(weight))):
            part = weight[weight != np.floor(weight)][0]
            raise KullbackError(
                f"goodness of fit counts rows, but a row has weight {part:g}: give whole numbers, "
                "how often each row was observed."
            )
        parts.append(y if weight is None else np.repeat(y, weight.astype(np.intp)))
    rows: Vector = np.sort(np.concatenate(parts))
    return rows


def _ends(resampling: Resampling, cells: Any) -> Vector | None:
    """Return the upper ends of the cells, in the unit of the rows."""
    if cells is None:
        return None
    model = resampling.fitted
    if isinstance(cells, int | np.integer) and not isinstance(cells, bool):
        if model.discrete or model.atoms:
            raise KullbackError(
                f"cells={cells} of equal probability are for continuous outcomes: "
                f"{'leave it out for cells by the expected counts, or ' * model.discrete}give the "
                "upper ends, cells=[2, 5, 9]."
            )
        if cells < 2:
            raise KullbackError(f"cells must be at least 2, got {cells}.")
        return model.quantiles_at(np.arange(1.0, cells) / cells)
    ends = np.asarray(cells, dtype=np.float64)
    if ends.ndim != 1 or ends.size == 0 or not np.all(np.diff(ends) > 0.0):
        raise KullbackError(
            f"cells must be a number of cells, or their upper ends, ascending, got {cells!r}."
        )
    return np.ldexp(ends, -resampling.power)


def _tally(y: Vector, least: float) -> Vector:
    """Return how often each whole number from the least possible one occurs in every column."""
    codes = (y - least).astype(np.intp)
    values = int(codes.max()) + 1
    if values > MOST_VALUES:
        raise KullbackError(
            f"the counts go up to {y.max():,.0f}: give the upper ends of cells, cells=[...], for a "
            "chi-square test."
        )
    size = y.shape[1]
    at = codes * size + np.arange(size)
    return np.bincount(at.reshape(-1), minlength=values * size).reshape(values, size).astype(float)
