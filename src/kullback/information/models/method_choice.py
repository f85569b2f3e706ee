"""Choose between a closed form, quadrature or a sum, and simulation, and report the choice."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple, final

from kullback._core.errors import ModelError, did_you_mean
from kullback._core.units import nats_per
from kullback.information.estimate import Estimate
from kullback.information.models.integrate import available
from kullback.information.models.monte_carlo import Simulated
from kullback.models.model import Model

METHODS = ("auto", "closed form", "quadrature", "monte carlo")

# Draws of a simulation: the standard error is then 0.003 standard deviations of a log-density.
DRAWS = 100_000
# A closed form with a larger relative error, as may be between nearly equal models, is replaced by
# the quadrature: the tests require 1e-10 of every method.
_CLOSED_FORM_ERROR = 1e-10
# A quadrature with a larger relative error gets a note.
_QUADRATURE_ERROR = 1e-8


class ClosedForm(NamedTuple):
    """A value in closed form, in nats, with a bound on its rounding error."""

    value: float
    error: float
    method: str = "closed form"

    def is_accurate(self, size: float) -> bool:
        """Say whether its error is small, relative to the value or to ``size``."""
        return self.error <= _CLOSED_FORM_ERROR * max(size, abs(self.value))


@final
@dataclass(frozen=True)
class Options:
    """The options of a measure of models (see ``dispatch.ModelOptions``), checked."""

    unit: str = "nats"
    level: float = 0.95
    method: str = "auto"
    draws: int = DRAWS
    seed: Any = 0

    def __post_init__(self) -> None:
        nats_per(self.unit)
        if self.method not in METHODS:
            hint = did_you_mean(self.method, METHODS) or "."
            choices = ", ".join(map(repr, METHODS))
            raise ModelError(f"method={self.method!r} does not exist{hint} Use {choices}.")
        if not 0.0 < self.level < 1.0:
            raise ModelError(f"level must lie in (0, 1), got {self.level}.")
        if self.draws < 2:
            raise ModelError(f"draws must be at least 2 for a standard error, got {self.draws}.")

    def estimate(self, value: float, error: float, method: str, *notes: str) -> Estimate:
        """Build an estimate with a bound on its error, in ``unit``, from nats."""
        ends = (value - error, value + error) if math.isfinite(value) else (value, value)
        return Estimate(value, error, ends, method, "nats", notes, self.level).to(self.unit)

    def closed_form(self, found: ClosedForm, size: float) -> Estimate:
        """Build an estimate from a closed form, with an error only where cancellation made one."""
        value, error, method = found
        if math.isinf(value):
            note = "the value is finite, but larger than any double, 1.8e308"
            return self.estimate(value, 0.0, method, note)
        if found.is_accurate(size):
            return self.estimate(value, 0.0, method)
        note = "differences of large numbers leave it as many digits as its error says"
        return self.estimate(value, error, method, note)

    def numerical(self, value: float, error: float, method: str) -> Estimate:
        """Build an estimate from a quadrature or a sum, with its bound."""
        notes: tuple[str, ...] = ("the error is a bound on the numerical error",)
        if error > _QUADRATURE_ERROR * max(1.0, abs(value)):
            notes = (*notes, "the numerical error is larger than usual: check by method=")
        return self.estimate(value, error, method, *notes)

    def simulated(self, found: Simulated, *notes: str) -> Estimate:
        """Build an estimate from a mean over draws."""
        value, stderr, draws = found
        method = f"Monte Carlo, {draws:,} draws, seed {self.seed}"
        if math.isinf(value):
            notes = (*notes, "a draw had probability zero under the second model")
            interval = (math.inf, math.inf)
        else:
            notes = (*notes, "the standard error holds if the terms have a finite variance")
            half = NormalDist().inv_cdf(0.5 + 0.5 * self.level) * stderr
            interval = (value - half, value + half)
        return Estimate(value, stderr, interval, method, "nats", notes, self.level).to(self.unit)


def choose(
    options: Options,
    name: str,
    p: Model,
    closed_form: Callable[[], ClosedForm | None],
    numerical: Callable[[], tuple[float, float]],
    simulated: Callable[[], Simulated],
    *,
    undecided: tuple[str, ...] = (),
    size: float = 1.0,
) -> Estimate:
    """Estimate by the first method that serves, or by the one in ``options``.

    The value by quadrature or a sum (``numerical``) comes with its error; a closed form is None
    where there is none. Errors are relative to ``size`` where the value is smaller. The sentences
    in ``undecided`` are reasons why the expectation under p may be infinite.

    Raises:
        ModelError: where the requested method is not available, or the value may be infinite.
    """
    if options.method == "monte carlo":
        return options.simulated(simulated(), *undecided)
    exact = closed_form() if options.method in ("auto", "closed form") else None
    if options.method == "closed form" and exact is None:
        raise ModelError(f"{name} has no closed form here. Use method='auto' or 'quadrature'.")
    if exact is not None:
        found = options.closed_form(exact, size)
        if options.method == "closed form" or exact.is_accurate(size):
            return found
    if undecided:
        raise ModelError(
            f"it cannot be decided whether {name} is finite: {undecided[0]}. "
            f"method='monte carlo' gives an average over draws, which does not decide it either."
        )
    # simulation is for models that cannot be integrated, not for an integral that failed
    if options.method == "auto" and not (p.discrete or available(p)):
        return options.simulated(simulated()) if exact is None else found
    value, error = numerical()
    if exact is not None and not error < exact.error:
        return found
    return options.numerical(value, error, "sum over outcomes" if p.discrete else "quadrature")
