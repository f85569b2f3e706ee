"""Factors that are learned from the rows: centring, polynomials and splines.

What they learn are a few numbers, which a fit keeps and saves: other rows get the same columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, NoReturn, TypeAlias, final

import numpy as np

from kullback._core.arrays import Vector, namespace
from kullback._core.errors import DataError, ModelError
from kullback.models.formula.factors import Learned, Numeric
from kullback.models.formula.natural_spline import curvatures, natural_spline
from kullback.models.formula.syntax import Call, Listing, Name, Node, Number, Operation

State: TypeAlias = tuple[tuple[float, ...], ...]
"""What is learned, as a saved fit keeps it."""

# The options of each function, in the order of arguments without a name.
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "center": (),
    "scale": (),
    "poly": ("degree",),
    "bs": ("df", "knots", "degree", "include_intercept"),
    "cs": ("df", "knots"),
}

# More columns of one variable are noise, or a mistake.
_MOST = 100


@final
@dataclass(frozen=True)
class Basis(Learned):
    """Functions of a number of a row, with what they learn.

    Attributes:
        node: how the formula writes it.
        argument: the number.
        state: what it has learned, None before.
    """

    node: Call
    argument: Numeric
    state: State | None = None

    def __post_init__(self) -> None:
        """Check the options."""
        if not 1 <= self.size <= _MOST:
            self._refuse(f"has {self.size} columns; it may have from 1 to {_MOST}")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that it reads."""
        return self.argument.columns

    @property
    def stage(self) -> int:
        """How many passes over the rows it needs before the one in which it learns."""
        return self.argument.stage

    @cached_property
    def options(self) -> dict[str, Any]:
        """The options by name, as numbers."""
        names = OPTIONS[self.node.function]
        if len(self.node.arguments) > len(names) + 1:
            self._refuse(f"has too many arguments; it takes {', '.join(('a column', *names))}")
        given = dict(zip(names, self.node.arguments[1:], strict=False))
        for name, value in self.node.options:
            if name not in names or name in given:
                self._refuse(f"has {name!r} wrongly; it takes {', '.join(('a column', *names))}")
            given[name] = value
        return {name: self._constant(value) for name, value in given.items()}

    def _constant(self, node: Node) -> Any:
        if isinstance(node, Listing):
            return tuple(float(self._constant(v)) for v in node.values)
        if isinstance(node, Operation) and node.left is None and isinstance(node.right, Number):
            return -node.right.value if node.operator == "-" else node.right.value
        if isinstance(node, Name) and node.name in ("True", "False"):
            return node.name == "True"
        if not isinstance(node, Number):
            self._refuse(f"needs numbers as options, got {node}")
        return int(node.value) if node.value.is_integer() else node.value

    def _refuse(self, why: str) -> NoReturn:
        raise ModelError(f"{self.node} {why}.")

    def _whole(self, name: str, default: int | None, least: int) -> int:
        value = self.options.get(name, default)
        if type(value) is not int or value < least:
            self._refuse(f"needs {name} as a whole number of at least {least}")
        return int(value)

    @property
    def degree(self) -> int:
        """The degree of polynomials, or of the pieces of a spline."""
        return self._whole("degree", 3 if self.node.function == "bs" else None, 1)

    @property
    def _first(self) -> int:
        """The columns of a spline without inner knots, beside the constant."""
        if self.node.function == "cs":
            return 1
        constant = self.options.get("include_intercept", False)
        if not isinstance(constant, bool):
            self._refuse("needs include_intercept as True or False")
        return self.degree + constant

    @cached_property
    def size(self) -> int:
        """The number of columns."""
        if self.node.function in ("center", "scale"):
            return 1 + len(self.options)
        if self.node.function == "poly":
            return self.degree
        knots = self.options.get("knots")
        if (knots is None) == ("df" not in self.options):
            self._refuse("needs either df, the number of columns, or knots, such as knots=[1, 2]")
        if knots is None:
            return self._whole("df", None, self._first)
        if not isinstance(knots, tuple) or not _ascending(knots):
            self._refuse("needs knots as ascending numbers, such as knots=[1, 2]")
        return len(knots) + self._first

    @property
    def labels(self) -> tuple[str, ...]:
        """A label for each column."""
        if self.node.function in ("center", "scale"):
            return (str(self.node),)
        return tuple(f"{self.node}[{k}]" for k in range(1, self.size + 1))

    # ---- learning --------------------------------------------------------------------------

    def learned(self, values: Vector, weights: Vector) -> Basis:
        """Return it with what it learns from distinct ascending values and their weights.

        Raises:
            DataError: for too few different values, or knots beyond them.
        """
        return self.with_state(getattr(self, f"_learn_{self.node.function}")(values, weights))

    def with_state(self, state: State) -> Basis:
        """Return it with what was learned before.

        Raises:
            ModelError: for numbers that it cannot have learned.
        """
        sizes = {
            "center": (1,),
            "scale": (1, 1),
            "poly": (self.size, self.size + 1),
            "bs": (self.size - self._first if self.node.function == "bs" else 0, 2),
            "cs": (self.size + 1,),
        }[self.node.function]
        right = tuple(map(len, state)) == sizes and all(map(math.isfinite, sum(state, ())))
        if right and self.node.function in ("scale", "poly"):
            right = all(v > 0.0 for v in state[1])
        if right and self.node.function == "bs":
            low, high = state[1]
            right = _ascending((low, *state[0], high), strictly=False) and low < high
        if right and self.node.function == "cs":
            right = _ascending(state[0])
        if not right:
            self._refuse("cannot have learned these numbers from rows")
        return replace(self, state=state)

    def _too_few(self, needs: str) -> NoReturn:
        raise DataError(f"{self.node} needs rows with {needs}.")

    def _learn_center(self, values: Vector, weights: Vector) -> State:
        return ((float(np.average(values, weights=weights)),),)

    def _learn_scale(self, values: Vector, weights: Vector) -> State:
        mean = float(np.average(values, weights=weights))
        total = float(weights.sum())
        if len(values) < 2 or total <= 1.0:
            self._too_few("two different values")
        variance = float(weights @ (values - mean) ** 2) / (total - 1.0)
        return ((mean,), (math.sqrt(variance),))

    def _learn_poly(self, values: Vector, weights: Vector) -> State:
        """The three-term recurrence of the polynomials orthogonal over the rows, by Stieltjes."""
        if len(values) <= self.size:
            self._too_few(f"more than {self.size} different values")
        before, here = np.zeros_like(values), np.ones_like(values)
        centres, norms = [], [float(weights.sum())]
        for k in range(self.size):
            square = weights * here * here
            centres.append(float(square @ values) / norms[k])
            back = norms[k] / norms[k - 1] if k else 0.0
            before, here = here, (values - centres[k]) * here - back * before
            norms.append(float(weights @ (here * here)))
        return (tuple(centres), tuple(norms))

    def _learn_bs(self, values: Vector, weights: Vector) -> State:
        low, high = float(values[0]), float(values[-1])
        return (self._inner_knots(values, weights), (low, high))

    def _learn_cs(self, values: Vector, weights: Vector) -> State:
        knots = (float(values[0]), *self._inner_knots(values, weights), float(values[-1]))
        if not _ascending(knots):
            self._too_few("more different values: two of its knots, which are quantiles, coincide")
        return (knots,)

    def _inner_knots(self, values: Vector, weights: Vector) -> tuple[float, ...]:
        """The knots that are given, or quantiles at equal steps."""
        if len(values) < 2:
            self._too_few("two different values")
        given = self.options.get("knots")
        if given is None:
            count = self.size - self._first
            return tuple(quantiles(values, weights, np.arange(1, count + 1) / (count + 1)).tolist())
        for knot in given:
            if not values[0] < knot < values[-1]:
                raise DataError(
                    f"{self.node}: the knot {knot:g} lies outside the range of the rows, "
                    f"{values[0]:g} to {values[-1]:g}."
                )
        return tuple(map(float, given))

    # ---- columns ---------------------------------------------------------------------------

    def evaluate(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the columns of rows, with NumPy or JAX."""
        assert self.state is not None  # it has learned
        (x,) = self.argument.evaluate(row)
        state, which = self.state, self.node.function
        if which == "center":
            return (x - state[0][0],)
        if which == "scale":
            return ((x - state[0][0]) / state[1][0],)
        if which == "poly":
            return _polynomials(x, *state)
        if which == "cs":
            return natural_spline(x, np.array(state[0]), self._curvatures)[1:]
        found = _b_splines(x, state[0], state[1], self.degree)
        return found if len(found) == self.size else found[1:]

    @cached_property
    def _curvatures(self) -> Vector:
        assert self.state is not None  # it has learned
        return curvatures(np.array(self.state[0]))

    @property
    def range(self) -> tuple[float, float] | None:
        """The ends beyond which it has no value; None where it has values everywhere."""
        if self.node.function != "bs" or self.state is None:
            return None
        return self.state[1][0], self.state[1][1]


def quantiles(values: Vector, weights: Vector, shares: Vector) -> Vector:
    """Return quantiles of ascending values, of which one of weight w counts as w equal ones.

    They interpolate between order statistics (type 7 of R. J. Hyndman and Y. Fan 1996).
    """
    cumulative = np.cumsum(weights)
    at = shares * max(float(cumulative[-1]) - 1.0, 0.0)
    below = np.floor(at)
    last = len(values) - 1
    low = values[np.minimum(np.searchsorted(cumulative, below, side="right"), last)]
    high = values[np.minimum(np.searchsorted(cumulative, below + 1.0, side="right"), last)]
    out: Vector = low + (at - below) * (high - low)
    return out


def _ascending(values: tuple[float, ...], *, strictly: bool = True) -> bool:
    return all(a < b or (a == b and not strictly) for a, b in pairwise(values))


def _polynomials(x: Any, centres: tuple[float, ...], norms: tuple[float, ...]) -> tuple[Any, ...]:
    before, here, out = 0.0 * x, 0.0 * x + 1.0, []
    for k, centre in enumerate(centres):
        back = norms[k] / norms[k - 1] if k else 0.0
        before, here = here, (x - centre) * here - back * before
        out.append(here / math.sqrt(norms[k + 1]))
    return tuple(out)


def _b_splines(
    x: Any, inner: tuple[float, ...], ends: tuple[float, ...], degree: int
) -> tuple[Any, ...]:
    """The B-splines of Cox and de Boor's recurrence; NaN beyond the ends."""
    xp = namespace(x)
    low, high = ends
    knots = [low] * (degree + 1) + list(inner) + [high] * (degree + 1)
    last = max(i for i, (a, b) in enumerate(pairwise(knots)) if a < b)
    inside = (x >= low) & (x <= high)
    x = xp.where(inside, x, low)
    found = [
        ((x >= knots[i]) & ((x < knots[i + 1]) | (i == last))) * 1.0 if a < b else 0.0 * x
        for i, (a, b) in enumerate(pairwise(knots))
    ]
    for k in range(1, degree + 1):
        found = [
            _weighted(x - knots[i], knots[i + k] - knots[i], found[i])
            + _weighted(knots[i + k + 1] - x, knots[i + k + 1] - knots[i + 1], found[i + 1])
            for i in range(len(found) - 1)
        ]
    return tuple(xp.where(inside, value, xp.nan) for value in found)


def _weighted(distance: Any, width: float, value: Any) -> Any:
    return distance / width * value if width > 0.0 else 0.0 * value
