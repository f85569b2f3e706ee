"""The data and model of steps five to seven: a column, and a family with one parameter θ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

import kullback as kl
from kullback.tour.column import MOST_COUNTS, Column, read_column

# e^−700 is about the smallest number that a double holds with all its digits.
_SMALLEST_LOG = -700.0

# Rows that are multiplied in step six: enough for a curve with a clear top.
_FEW = 50


@final
@dataclass(frozen=True, eq=False)
class Question:
    """A column of numbers or labels and a family with one free parameter, θ.

    Attributes:
        y: the numbers, or the codes 0, 1, ... of the labels, of which 0 is the most frequent.
        label: name of the column, safe to print.
        levels: the labels in the order of their codes; None for numbers.
        from_reader: whether the column is the reader's, and not the tour's.
        family: name of the family.
        parameter: its free parameter.
        fixed: its other parameter and its fixed value; None for a family of one parameter.
        estimate: of θ, by ``kl.fit``.
        low: first θ of the grid of the curves.
        step: from one θ to the next.
        intervals: how many steps there are.
    """

    y: NDArray[np.float64]
    label: str
    levels: tuple[str, ...] | None
    from_reader: bool
    family: str
    parameter: str
    fixed: tuple[str, float] | None
    estimate: float
    low: float
    step: float
    intervals: int

    @property
    def counts(self) -> bool:
        """Whether outcomes have probabilities instead of densities."""
        return self.family in ("Bernoulli", "Poisson", "Categorical")

    @property
    def free(self) -> str:
        """Python code of the model with θ free."""
        return f"kl.{self.family}({self._fix()})"

    @property
    def of_fit(self) -> str:
        """Python code of the estimated θ."""
        if self.levels is not None:
            return 'fit.params["probabilities"][0]'
        return f'fit.params["{self.parameter}"]'

    def at(self, theta: str) -> str:
        """Return Python code of the model with its parameter set.

        Args:
            theta: Python code of the parameter's value.
        """
        if self.levels is not None:  # the other labels share the rest equally
            others = len(self.levels) - 1
            rest = f"[(1 - {theta}) / {others}] * {others}" if others > 1 else f"[1 - {theta}]"
            return f"kl.Categorical(probabilities=[{theta}] + {rest})"
        fix = self._fix()
        return f"kl.{self.family}({self.parameter}={theta}{', ' if fix else ''}{fix})"

    def model(self, theta: float) -> kl.Model:
        """Return the model with its parameter set.

        Args:
            theta: the parameter's value.
        """
        if self.levels is not None:
            others = len(self.levels) - 1
            return kl.Categorical(probabilities=[theta, *[(1.0 - theta) / others] * others])
        parameters = {self.parameter: theta}
        if self.fixed:
            parameters[self.fixed[0]] = self.fixed[1]
        return _model(self.family, **parameters)

    @property
    def digits(self) -> int:
        """How many decimals the numbers on the grid have."""
        return max(0, -math.floor(math.log10(self.step) + 1e-9))

    @property
    def grid(self) -> NDArray[np.float64]:
        """The values of θ at which curves are drawn."""
        return np.round(self.low + self.step * np.arange(self.intervals + 1), self.digits + 2)

    @property
    def guess(self) -> float:
        """A round θ at some distance from the best one, for an initial guess."""
        away = 20.0 * self.step  # a tenth of the range
        if self.estimate + away > self.low + self.step * (self.intervals - 1):
            away = -away
        coarse = 10.0 * self.step
        return round(round((self.estimate + away) / coarse) * coarse, self.digits) + 0.0

    @property
    def stride(self) -> int:
        """The distance between the rows of step six, which are spread over the column.

        They are few enough that a double can hold their likelihood.
        """
        stride = max(1, len(self.y) // _FEW)
        best = self.model(self.estimate)
        while True:
            few = self.y[::stride]
            if len(few) == 1 or abs(float(np.sum(best.log_density(few)))) < -_SMALLEST_LOG:
                return stride
            stride *= 2

    def _fix(self) -> str:
        return f"{self.fixed[0]}={self.fixed[1]!r}" if self.fixed else ""


def tours_own() -> Question:
    """Return the tour's own numbers: 1,000 draws from a distribution outside the family."""
    y = kl.NegativeBinomial(mean=3.0, size=4.0).sample(1_000, seed=4)
    return question_of(Column(y, "y", None), from_reader=False)


def ask(data: Any, name: str | None) -> Question:
    """Choose a family for a reader's numbers or labels.

    Args:
        data: the column.
        name: of the column.

    Raises:
        DataError: where the tour cannot use the column; the message gives the reason.
    """
    return question_of(read_column(data, name))


def question_of(column: Column, *, from_reader: bool = True) -> Question:
    """Choose a family for a column.

    Args:
        column: numbers or labels.
        from_reader: whether they are the reader's.
    """
    family, parameter, fixed, estimate = _chosen(column)
    low, high = _range(family, estimate, fixed)
    step = _round_number((high - low) / 200.0)
    first = math.floor(low / step)
    if family == "Exponential":  # a rate of 0 is not allowed
        first = max(first, 1)
    return Question(
        column.y,
        column.label,
        column.levels,
        from_reader,
        family,
        parameter,
        fixed,
        estimate,
        first * step,
        step,
        math.ceil(high / step - 1e-9) - first,
    )


def _chosen(column: Column) -> tuple[str, str, tuple[str, float] | None, float]:
    """Choose the family: of those with the right support, the one of smallest cross-entropy."""
    y = column.y
    if column.levels is not None:
        share = float(np.mean(y == 0.0))
        return "Categorical", f"probability of “{column.levels[0]}”", None, share
    if np.all((y == 0.0) | (y == 1.0)):
        return "Bernoulli", "probability", None, _fitted("Bernoulli", y, "probability")[0]
    if np.all((y >= 0.0) & (y == np.round(y)) & (y <= MOST_COUNTS)):
        rate, _ = _fitted("Poisson", y, "rate")
        # an outlier's Poisson probability may underflow a double: then another family is taken
        if rate == 0.0 or kl.Poisson(rate=rate).log_density(float(np.max(y))) > _SMALLEST_LOG:
            return "Poisson", "rate", None, rate
    candidates: list[tuple[float, tuple[str, str, tuple[str, float] | None, float]]] = []
    if np.all(y >= 0.0) and np.any(y > 0.0):
        rate, loss = _fitted("Exponential", y, "rate")
        candidates.append((loss, ("Exponential", "rate", None, rate)))
    scales = [("Normal", y)] + ([("LogNormal", np.log(y))] if np.all(y > 0.0) else [])
    for family, numbers in scales:
        with np.errstate(over="ignore"):  # an infinite scale leaves the family out
            scale = float(f"{np.std(numbers):.4g}")
        if scale > 0.0 and math.isfinite(scale):
            loc, loss = _fitted(family, y, "loc", scale=scale)
            candidates.append((loss, (family, "loc", ("scale", scale), loc)))
    if not candidates and np.all(
        y == y[0]
    ):  # equal numbers have a spread of 0, which is not a scale
        return "Normal", "loc", ("scale", 1.0), float(y[0])
    return min(candidates, key=lambda one: one[0])[1]


def _fitted(
    family: str, y: NDArray[np.float64], parameter: str, **fixed: float
) -> tuple[float, float]:
    fit = kl.fit(_model(family, **fixed), y)
    return float(fit.params[parameter]), fit.cross_entropy


def _model(family: str, **parameters: float) -> kl.Model:
    model: kl.Model = getattr(kl, family)(**parameters)
    return model


def _range(family: str, estimate: float, fixed: tuple[str, float] | None) -> tuple[float, float]:
    """Return the ends of the curves' θ, so that the maximum is visible with 50 rows."""
    if family in ("Bernoulli", "Categorical"):
        return 0.0, 1.0
    if family == "Exponential":
        return 0.0, 3.0 * estimate
    if family == "Poisson":
        spread = 4.0 * math.sqrt(estimate) if estimate > 0.0 else 1.0
        return max(0.0, estimate - spread), estimate + spread
    spread = 2.0 * (fixed[1] if fixed else 1.0)
    return estimate - spread, estimate + spread


def _round_number(size: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(size))
    factor = next(f for f in (1.0, 2.0, 5.0, 10.0) if f * power >= size * (1.0 - 1e-9))
    return float(f"{factor * power:.0e}")
