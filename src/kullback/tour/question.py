"""What steps four to six are about: a column of numbers, and a model of it with one parameter θ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

import kullback as kl
from kullback import Model
from kullback._core.arrays import Vector

# The page draws one bar a count and holds one number for each, so there must not be too many.
_MOST_COUNTS = 500

# e^−700 is the last that a double holds with all its digits, give or take.
_SMALLEST_LOG = -700.0

# Longer names would push the numbers off a narrow screen.
_LONGEST_NAME = 60

# Rows that are multiplied in step five: enough for a curve with a clear top.
_FEW = 50


@final
@dataclass(frozen=True, eq=False)
class Question:
    """A column of numbers and a family with one free parameter, θ.

    Attributes:
        y: the numbers.
        label: what they are called, safe to print.
        given: whether they are the reader's own, and not the tour's.
        family: name of the family.
        parameter: its free parameter.
        fixed: its other parameter and the number that it is fixed at; None where it has none.
        estimate: of θ, by ``kl.fit``.
        low: first θ of the grid of the curves.
        step: from one θ to the next.
        intervals: how many steps there are.
    """

    y: Vector
    label: str
    given: bool
    family: str
    parameter: str
    fixed: tuple[str, float] | None
    estimate: float
    low: float
    step: float
    intervals: int

    @property
    def counts(self) -> bool:
        """Whether outcomes have probabilities, and not densities."""
        return self.family in ("Bernoulli", "Poisson")

    @property
    def free(self) -> str:
        """The model with θ unknown, as Python."""
        return f"kl.{self.family}({self._fix()})"

    def at(self, theta: str) -> str:
        """Give the model with its parameter set, as Python.

        Args:
            theta: the parameter's value, as Python.
        """
        fix = self._fix()
        return f"kl.{self.family}({self.parameter}={theta}{', ' if fix else ''}{fix})"

    def parameters(self, theta: float) -> dict[str, float]:
        """Give the family's parameters by name.

        Args:
            theta: the free one.
        """
        return {self.parameter: theta, **(dict([self.fixed]) if self.fixed else {})}

    @property
    def digits(self) -> int:
        """How many decimals the numbers on the grid have."""
        return max(0, -math.floor(math.log10(self.step) + 1e-9))

    @property
    def grid(self) -> Vector:
        """The values of θ at which curves are drawn."""
        return np.round(self.low + self.step * np.arange(self.intervals + 1), self.digits + 2)

    @property
    def guess(self) -> float:
        """A θ that is easy to say and some way off the best, as somebody's first guess would be."""
        away = 20.0 * self.step  # a tenth of the range
        if self.estimate + away > self.low + self.step * (self.intervals - 1):
            away = -away
        coarse = 10.0 * self.step
        return round(round((self.estimate + away) / coarse) * coarse, self.digits) + 0.0

    @property
    def stride(self) -> int:
        """How far apart the rows of step five are: few, and from all over the column.

        Few enough that their likelihood is a number that a double can hold.
        """
        stride = max(1, len(self.y) // _FEW)
        best = _model(self.family, **self.parameters(self.estimate))
        while True:
            few = self.y[::stride]
            if len(few) == 1 or abs(float(np.sum(best.log_density(few)))) < -_SMALLEST_LOG:
                return stride
            stride *= 2

    def _fix(self) -> str:
        return f"{self.fixed[0]}={self.fixed[1]!r}" if self.fixed else ""


def tours_own() -> Question:
    """Give the tour's own numbers: 1,000 draws from a distribution that is not of the family."""
    return _question(
        kl.NegativeBinomial(mean=3.0, size=4.0).sample(1_000, seed=4), "y", given=False
    )


def ask(data: Vector, name: str | None) -> Question:
    """Choose a family for a reader's numbers.

    Args:
        data: the column.
        name: what it is called.

    Raises:
        DataError: where there are no numbers, or some are not finite, or too extreme for all of the
            tour's families.
    """
    y = np.asarray(data, dtype=float)
    label = f"“{printable(name)}”" if name else "the column"
    if y.ndim != 1 or y.size == 0:
        raise kl.DataError(f"{label} has shape {y.shape}; the tour needs a column with rows in it.")
    if not np.all(np.isfinite(y)):
        row = int(np.argmin(np.isfinite(y)))
        raise kl.DataError(
            f"{label} has {float(y[row])!r} in row {row}; the tour needs finite numbers. Leave "
            "such rows out."
        )
    return _question(y, label, given=True)


def printable(name: str) -> str:
    """Make a name safe to print: no control characters, and not longer than a line takes.

    Args:
        name: a column's name, as it was found in a file.
    """
    safe = "".join(letter if letter.isprintable() else "�" for letter in name)
    return safe if len(safe) <= _LONGEST_NAME else safe[: _LONGEST_NAME - 1] + "…"


def _question(y: Vector, label: str, *, given: bool) -> Question:
    family, parameter, fixed, estimate = _chosen(y, label)
    low, high = _range(family, estimate, fixed)
    step = _round_number((high - low) / 200.0)
    first = math.floor(low / step)
    if family == "Exponential":  # a rate of 0 is none
        first = max(first, 1)
    intervals = math.ceil(high / step - 1e-9) - first
    return Question(
        y, label, given, family, parameter, fixed, estimate, first * step, step, intervals
    )


def _chosen(y: Vector, label: str) -> tuple[str, str, tuple[str, float] | None, float]:
    """Choose the family: of those that fit the kind of number, the one nearest to the data."""
    if np.all((y == 0.0) | (y == 1.0)):
        return "Bernoulli", "probability", None, _fitted("Bernoulli", y, "probability")[0]
    if np.all((y >= 0.0) & (y == np.round(y)) & (y <= _MOST_COUNTS)):
        rate, _ = _fitted("Poisson", y, "rate")
        # one far away has a probability that a double can't hold: counts, but not Poisson's
        if rate == 0.0 or kl.Poisson(rate=rate).log_density(float(np.max(y))) > _SMALLEST_LOG:
            return "Poisson", "rate", None, rate
    found: list[tuple[float, tuple[str, str, tuple[str, float] | None, float]]] = []
    if np.all(y >= 0.0) and np.any(y > 0.0):
        rate, loss = _fitted("Exponential", y, "rate")
        found.append((loss, ("Exponential", "rate", None, rate)))
    scales = [("Normal", y)] + ([("LogNormal", np.log(y))] if np.all(y > 0.0) else [])
    for family, numbers in scales:
        with np.errstate(over="ignore"):  # then it is infinite, and the family is left out
            scale = float(f"{np.std(numbers):.4g}")
        if scale > 0.0 and math.isfinite(scale):
            loc, loss = _fitted(family, y, "loc", scale=scale)
            found.append((loss, (family, "loc", ("scale", scale), loc)))
    if not found and np.all(y == y[0]):  # one number again and again has no spread of its own
        return "Normal", "loc", ("scale", 1.0), float(y[0])
    if not found:
        raise kl.DataError(
            f"the numbers of {label} are too large for the tour; divide them by "
            f"{np.max(np.abs(y)):g}."
        )
    return min(found, key=lambda one: one[0])[1]


def _fitted(family: str, y: Vector, parameter: str, **fixed: float) -> tuple[float, float]:
    fit = kl.fit(_model(family, **fixed), y)
    return float(fit.params[parameter]), fit.cross_entropy


def _model(family: str, **parameters: float) -> Model:
    model: Model = getattr(kl, family)(**parameters)
    return model


def _range(family: str, estimate: float, fixed: tuple[str, float] | None) -> tuple[float, float]:
    """Give the θ between which curves are drawn, so that the top stands out among 50 rows."""
    if family == "Bernoulli":
        return 0.0, 1.0
    if family == "Exponential":
        return 0.0, 3.0 * estimate
    if family == "Poisson":
        spread = 4.0 * math.sqrt(estimate) if estimate > 0.0 else 1.0
        return max(0.0, estimate - spread), estimate + spread
    spread = 2.0 * (fixed[1] if fixed else 1.0)
    return estimate - spread, estimate + spread


def _round_number(size: float) -> float:
    """Give the smallest of 1, 2 or 5 times a power of ten that is not smaller."""
    power = 10.0 ** math.floor(math.log10(size))
    factor = next(f for f in (1.0, 2.0, 5.0, 10.0) if f * power >= size * (1.0 - 1e-9))
    return float(f"{factor * power:.0e}")
