"""``kl.empirical``: the distribution of rows without a model, with its errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import ArrayLike, Vector
from kullback._core.display import Display, Displayed, Table
from kullback._core.errors import KullbackError
from kullback._core.validation import check_choice, check_level
from kullback.data.checks import and_more, name_of_column
from kullback.data.frames import new_frame
from kullback.data.open import open_sample
from kullback.data.roles import Roles
from kullback.nonparametric.bounds import cdf_bounds
from kullback.nonparametric.estimate import estimate
from kullback.nonparametric.steps import Steps
from kullback.pictures.empirical_figure import empirical_figure
from kullback.results.band import Band

_QUARTILES = (0.25, 0.5, 0.75)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Empirical(Displayed):
    """The distribution of rows without a model: masses on outcomes, and on intervals between them.

    Inside an interval the rows do not say where its mass lies; there ``cdf``, ``survival`` and
    ``quantile`` are NaN, and ``to_frame`` has its ends.

    Attributes:
        label: name of the outcome.
        source: where the rows came from.
        rows: number of rows.
        dropped: number of rows left out because a value was missing.
        level: of intervals and bands.
        steps: the masses.
    """

    label: str
    source: str
    rows: int
    dropped: int
    level: float
    steps: Steps

    @property
    def method(self) -> str:
        """Name of the estimate: the empirical distribution function, Kaplan–Meier or Turnbull."""
        return self.steps.method

    @property
    def weight(self) -> float:
        """The weight of all rows."""
        return self.steps.weight

    @property
    def kinds(self) -> dict[str, int]:
        """The number of rows of each kind: "exact", "right-censored", ..."""
        return dict(self.steps.kinds or {})

    @property
    def within(self) -> tuple[float, float]:
        """The smallest and largest end of the rows' windows: the distribution is that in between.

        Of rows that are seen only from an entry on, it is given that the outcome is above the
        least entry; (−inf, inf) where a row has no window.
        """
        return self.steps.within

    @property
    def at(self) -> Vector:
        """The outcomes at which the distribution function is known to have stepped up."""
        return self.steps.upper[np.isfinite(self.steps.upper)]

    @property
    def notes(self) -> tuple[str, ...]:
        """What limits the estimate, a sentence each."""
        notes = list(self.steps.notes)
        low, high = self.within
        if np.isfinite(low) or np.isfinite(high):
            ends = [f"above {low:g}"] * bool(np.isfinite(low))
            ends += [f"up to {high:g}"] * bool(np.isfinite(high))
            notes.append(f"All rows are truncated: probabilities are given an outcome {ends[0]}")
            notes[-1] += f" and {ends[1]}." if len(ends) > 1 else "."
        if self.dropped:
            notes.append(f"{self.dropped:,} rows with missing values were left out.")
        return tuple(notes)

    # ---- the distribution ------------------------------------------------------------------

    def cdf(self, x: ArrayLike) -> Any:
        """Return the probability of an outcome up to x; of x's shape, NaN where it is unknown."""
        return self._of(x, self.steps.cdf, 0.0)

    def survival(self, x: ArrayLike) -> Any:
        """Return the probability of an outcome above x; of x's shape, NaN where it is unknown."""
        return self._of(x, self.steps.survival, 1.0)

    def stderr(self, x: ArrayLike) -> Any:
        """Return the standard error of both at x; NaN where it is unknown."""
        return self._of(x, self.steps.stderr, 0.0)

    def _of(self, x: ArrayLike, values: Vector, first: float) -> Any:
        points = np.asarray(x, dtype=np.float64)
        out = self.steps.of(points, values, first)
        return out if points.ndim else float(out)

    def quantile(self, u: ArrayLike) -> Any:
        """Return the smallest outcome up to which the probability is at least u.

        Returns:
            The outcomes, of u's shape; NaN where one lies inside an interval of ``to_frame``, as it
            does beyond the last row where that is right-censored.

        Raises:
            KullbackError: for a probability outside [0, 1].
        """
        out = self.steps.quantile(_probabilities(u))
        return out if out.ndim else float(out)

    def quantile_interval(self, u: ArrayLike, level: float | None = None) -> Vector:
        """Return the confidence interval of a quantile, by inverting the pointwise band.

        It holds the outcomes whose interval for the distribution function holds u. Source:
        R. Brookmeyer & J. Crowley (1982), Biometrics 38, 29–41.

        Returns:
            Shape (..., 2) for u of shape (...); an end that is unknown is NaN.

        Raises:
            KullbackError: for a probability outside [0, 1] or a level outside (0, 1).
        """
        points = _probabilities(u)
        lower, upper, _ = self._bounds(level, simultaneous=False)
        ends = [self.steps.quantile(points, bound) for bound in (upper, lower)]
        return np.stack(ends, axis=-1)

    def band(
        self, what: str = "cdf", level: float | None = None, simultaneous: bool = False
    ) -> Band:
        """Return the confidence band of the distribution function or of the survival function.

        Of exact rows, from the binomial distribution (Clopper & Pearson 1934). Of censored and
        truncated ones S^exp(±z σ/(S log S)), symmetric for log(−log S), with σ by Greenwood's
        formula, of a Turnbull estimate from the information of its masses; NaN, with a note, where
        that would be wrong: for outcomes that were looked at at many different times.

        Args:
            what: "cdf" or "survival".
            level: coverage probability; None for that of this result.
            simultaneous: True for a band that holds all points together: of exact rows with equal
                levels (Aldor-Noiman et al. 2013; at levels other than 0.95 by the inequality of
                Dvoretzky, Kiefer, Wolfowitz and Massart), of a Kaplan–Meier estimate with equal
                precision (V. N. Nair 1984), NaN at the ends, where few rows are at risk. None is
                known of a Turnbull estimate.

        Raises:
            KullbackError: for another curve, a level outside (0, 1), or an unknown band.
        """
        check_choice("what", what, ("cdf", "survival"))
        if simultaneous and self.steps.at_risk is None:
            raise KullbackError(
                "no simultaneous band of a Turnbull estimate is known: leave simultaneous out for "
                "one of each point by itself."
            )
        lower, upper, how = self._bounds(level, simultaneous=simultaneous)
        value = self.steps.cdf
        if what == "survival":
            value, lower, upper = self.steps.survival, 1.0 - upper, 1.0 - lower
        known = self.level if level is None else level
        notes = (how, *self.notes)
        at = np.isfinite(self.steps.upper)
        ends = (value[at], lower[at], upper[at])
        return Band(self.at, *ends, what, known, simultaneous, notes)

    def _bounds(self, level: float | None, *, simultaneous: bool) -> tuple[Vector, Vector, str]:
        if level is not None:
            check_level(level)
        return cdf_bounds(
            self.steps, self.level if level is None else level, simultaneous=simultaneous
        )

    # ---- presentation ----------------------------------------------------------------------

    def to_frame(self) -> Any:
        """Return one row a mass: pandas where it is installed, else an Arrow table.

        Columns: ``lower``, ``upper``: the ends of the interval of the mass (the upper one belongs
        to it), equal for a point; ``mass``; ``cdf``, ``survival`` at ``upper``, with ``stderr``;
        ``cdf_lower``, ``cdf_upper``: the pointwise band; ``at_risk``, ``events``: weight of the
        rows at risk and of those observed there, except of a Turnbull estimate.
        """
        s = self.steps
        lower, upper, _ = self._bounds(None, simultaneous=False)
        columns = {
            "lower": s.lower,
            "upper": s.upper,
            "mass": s.mass,
            "cdf": s.cdf,
            "survival": s.survival,
            "stderr": s.stderr,
            "cdf_lower": lower,
            "cdf_upper": upper,
        }
        if s.at_risk is not None and s.events is not None:
            columns |= {"at_risk": s.at_risk, "events": s.events}
        return new_frame(columns)

    def plot(self, kind: str = "cdf", *, ax: Any = None) -> Any:
        """Draw the distribution function or the survival function with its pointwise band.

        Args:
            kind: "cdf" or "survival".
            ax: matplotlib axes to draw on.

        Returns:
            The matplotlib figure.

        Raises:
            KullbackError: for another kind, or without matplotlib.
        """
        name = name_of_column(self.label)
        return empirical_figure(self.steps, kind, name, self.level, self._title, ax)

    def summary(self) -> str:
        """Return the quartiles with their intervals, and what limits the estimate, as text."""
        return str(self._display())

    @property
    def _title(self) -> str:
        counts = [f"{n:,} {kind}" for kind, n in self.kinds.items()]
        some = f" ({and_more(counts, len(counts))})" if set(self.kinds) != {"exact"} else ""
        total = f", weight {self.weight:,.12g}" if self.weight != self.rows else ""
        method = self.method[:1].upper() + self.method[1:]
        return f"{method} of {self.rows:,} rows{some}{total}"

    def _display(self) -> Display:
        rows = []
        for u in _QUARTILES:
            low, high = self.quantile_interval(u)
            rows.append((f"{u:g}", _text(self.quantile(u)), f"{_text(low)} to {_text(high)}"))
        head = ("quantile", name_of_column(self.label), f"{100.0 * self.level:.4g}% interval")
        return Display(self._title, [Table(rows, head, (1, 2))], self.notes)


def empirical(
    data: Any,
    y: Any = None,
    *,
    event: Any = None,
    truncation: Any = None,
    weights: Any = None,
    missing: str = "error",
    level: float = 0.95,
    closed: bool = False,
) -> Empirical:
    """Estimate the distribution of rows of any kind without a model, by maximum likelihood.

    Of exact rows it is the share of rows up to each value. Of right-censored rows, also those that
    are seen only from an entry on (left-truncated), it is the Kaplan–Meier estimate
    S(t) = Π (1 − d/n) with Greenwood's errors (E. L. Kaplan & P. Meier 1958, JASA 53, 457–481); of
    left-censored and right-truncated rows the same from above. Of others, interval-censored ones
    among them, it is Turnbull's (B. W. Turnbull 1976, JRSS B 38, 290–295): the most likely
    distribution, whose Kuhn–Tucker conditions are checked.

    Lower ends are not among the outcomes that a row allows, as is usual: a right-censored row is at
    risk at its time, an interval says lower < X ≤ upper, and a row with an entry is at risk after
    it. ``kl.fit`` takes them as X ≥ lower, which differs for counts alone; ``closed=True`` does so.

    Args:
        data: as for ``kl.fit``: arrays, tables, CSV or Parquet files.
        y: the outcome's column, or two, ("lower", "upper"); not needed where there is only one.
        event: how each outcome was observed, as for ``kl.fit``: 1 itself, 0 right-censored, −1
            left-censored.
        truncation: two ends of the window in which each outcome had to lie, as for ``kl.fit``.
        weights: frequency weights: a row of weight k counts as k equal rows.
        missing: "error", or "drop" to leave out rows with missing values.
        level: coverage probability of intervals and bands.
        closed: whether lower ends are among the outcomes that a row allows.

    Returns:
        The estimate: ``cdf``, ``survival``, ``quantile``, ``band``, ``to_frame``, ``plot``.

    Raises:
        DataError: for data that cannot be used; for files too large for memory with more than a
            million distinct rows.
        KullbackError: for a level outside (0, 1).

    Example:
        >>> import kullback as kl
        >>> weeks = [6, 6, 6, 7, 10, 6, 9, 10, 11]
        >>> died = [1, 1, 1, 1, 1, 0, 0, 0, 0]
        >>> found = kl.empirical({"weeks": weeks, "died": died}, "weeks", event="died")
        >>> found
        Kaplan–Meier estimate of 9 rows (5 exact and 4 right-censored)
        >>> found.survival([6.0, 7.0, 10.0]).round(4)
        array([0.6667, 0.5333, 0.3556])
        >>> found.quantile(0.5), found.quantile_interval(0.5)
        (10.0, array([ 6., nan]))
    """
    check_level(level)
    roles = Roles(y=y, weights=weights, missing=missing, event=event, truncation=truncation)
    sample = open_sample(data, roles)
    if sample.levels is not None:
        raise KullbackError("kl.empirical takes numbers, but these rows hold labels.")
    steps = estimate(sample, closed=closed)
    rows = sum((steps.kinds or {}).values())
    return Empirical(sample.label, sample.describe_source(), rows, sample.dropped, level, steps)


def _probabilities(u: ArrayLike) -> Vector:
    points = np.asarray(u, dtype=np.float64)
    if not np.all((points >= 0.0) & (points <= 1.0)):
        raise KullbackError(f"u must hold probabilities in [0, 1], got {u!r}.")
    return points


def _text(value: float) -> str:
    return "unknown" if np.isnan(value) else f"{value:.6g}"
