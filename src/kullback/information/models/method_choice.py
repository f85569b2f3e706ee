"""The ladder: closed form, then quadrature or a sum, then simulation, and what each reports."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, final, get_args

from kullback._core.errors import ModelError, did_you_mean
from kullback._core.units import nats_per
from kullback.information.estimate import Estimate
from kullback.information.models.exact import Exact
from kullback.information.models.integrate import available
from kullback.information.models.monte_carlo import Simulated
from kullback.models.model import Model

Method: TypeAlias = Literal["auto", "closed form", "quadrature", "monte carlo"]

# Draws of a simulation: the standard error is then 0.003 standard deviations of a log-density.
DRAWS = 100_000

# A closed form that keeps fewer digits than this, as may be between nearly equal models, gives way
# to the quadrature: the tests ask 1e-10 of every rung.
_DIGITS = 1e-10

# A quadrature with a larger relative error says so in words.
_DOUBTFUL = 1e-8


@final
@dataclass(frozen=True)
class Options:
    """What a caller may choose, checked.

    Attributes:
        unit: nats, bits or hartleys.
        level: of the interval.
        method: "auto" or a rung.
        draws: of a simulation.
        seed: of a simulation.
    """

    unit: str
    level: float
    method: str
    draws: int
    seed: Any

    def __post_init__(self) -> None:
        nats_per(self.unit)
        known = get_args(Method)
        if self.method not in known:
            choices = ", ".join(repr(name) for name in known)
            hint = did_you_mean(self.method, known)
            raise ModelError(f"there is no method={self.method!r}{hint or '.'} Use {choices}.")
        if not 0.0 < self.level < 1.0:
            raise ModelError(f"level={self.level!r} is not a probability between 0 and 1.")
        if self.draws < 2:
            raise ModelError(f"draws={self.draws!r}: a standard error needs two draws or more.")

    def estimate(
        self, value: float, error: float, method: str, notes: tuple[str, ...] = ()
    ) -> Estimate:
        """Build an estimate in the unit asked for, from nats."""
        ends = (value - error, value + error) if math.isfinite(value) else (value, value)
        out = Estimate(value, error, ends, method, "nats", notes, self.level)
        return out.to(self.unit)

    def exact(self, found: Exact, size: float) -> Estimate:
        """A closed form: exact, unless cancellation took digits, or it is beyond the doubles."""
        if math.isinf(found.value):
            note = "the value is finite, but larger than any double, 1.8e308"
            return self.estimate(found.value, 0.0, found.method, (note,))
        if sound(found, size):
            return self.estimate(found.value, 0.0, found.method)
        note = "differences of large numbers leave it as many digits as its error says"
        return self.estimate(found.value, found.error, found.method, (note,))

    def numeric(self, value: float, error: float, method: str) -> Estimate:
        """A quadrature or a sum, with its bound."""
        notes: tuple[str, ...] = ("the error is a bound on the numerical error",)
        if error > _DOUBTFUL * max(1.0, abs(value)):
            notes = (*notes, "the numerical error is larger than usual: check by method=")
        return self.estimate(value, error, method, notes)

    def simulated(self, found: Simulated, *notes: str) -> Estimate:
        """A mean over draws."""
        interval = found.interval(self.level)
        method = f"Monte Carlo, {found.draws:,} draws, seed {self.seed}"
        if math.isinf(found.value):
            notes = (*notes, "a draw had probability zero under the second model")
            interval = (math.inf, math.inf)
        else:
            notes = (*notes, "the standard error holds if the terms have a finite variance")
        out = Estimate(found.value, found.stderr, interval, method, "nats", notes, self.level)
        return out.to(self.unit)


@final
@dataclass(frozen=True)
class Rungs:
    """The ways to one quantity.

    Attributes:
        closed: in closed form; None where there is none.
        numeric: by quadrature or a sum.
        simulated: by draws.
    """

    closed: Callable[[], Exact | None]
    numeric: Callable[[], Estimate]
    simulated: Callable[[], Estimate]


def sound(found: Exact, size: float) -> bool:
    """Say whether a closed form has kept its digits: relative to its value, or to ``size``."""
    return found.error <= _DIGITS * max(size, abs(found.value))


def climb(
    options: Options,
    name: str,
    p: Model,
    rungs: Rungs,
    doubts: tuple[str, ...] = (),
    size: float = 1.0,
) -> Estimate:
    """Take the first rung that serves, or the one asked for.

    Args:
        options: what was asked for.
        name: what messages call the quantity.
        p: the model that expectations are over.
        rungs: the ways to it.
        doubts: why it may be infinite without anything having told so.
        size: what errors are relative to where the value is smaller.

    Raises:
        ModelError: where the rung asked for does not serve, or there are doubts.
    """
    if options.method == "monte carlo":
        return rungs.simulated()
    exact = rungs.closed() if options.method in ("auto", "closed form") else None
    if options.method == "closed form" and exact is None:
        raise ModelError(f"{name} has no closed form here. Use method='auto' or 'quadrature'.")
    if exact is not None:
        found = options.exact(exact, size)
        if options.method == "closed form" or sound(exact, size):
            return found
    if doubts:
        raise ModelError(
            f"it cannot be decided whether {name} is finite: {doubts[0]}. "
            f"method='monte carlo' gives an average over draws, which does not tell either."
        )
    # simulation is for what cannot be integrated, not for an integral that failed
    if options.method == "auto" and not (p.discrete or available(p)):
        return rungs.simulated() if exact is None else found
    by_numbers = rungs.numeric()
    if exact is None:
        return by_numbers
    error = float(cast("float", by_numbers.stderr)) * nats_per(options.unit)
    return by_numbers if error < exact.error else found
