"""Coefficients that a search takes towards an end of their domain, with ever larger likelihood."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import Interval
from kullback.data.observation import Observed
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.positive.log_normal import LogNormal
from kullback.models.real.normal import Normal
from kullback.models.source import Coefficient
from kullback.models.truncated import Truncated
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.sample_summary import SampleSummary
from kullback.solvers.solver import Outcome, Solution

# A coefficient on a logarithmic scale whose Newton step is still this long, where the gradient has
# vanished, has no finite estimate: it diverges.
_DIVERGING = 1e-3

# A coefficient on a logarithmic scale that came this far from its start, a factor of 1e10, without
# an end of the search: starts are equivariant, and no estimate is so far from them.
_FAR = 23.0

# A search that ends nearer to the smallest outcome than this, or farther than that, in spans of the
# sample, has run there.
_AT_THE_END, _FAR_BELOW = 1e-6, 1e3

# On the way to an exponential tail a scale grows by such a factor (its logarithm), and the location
# moves by so many of these scales.
_WIDER, _SHIFTED = math.log(5.0), 5.0

# What the far tail of a family becomes, and models with such a tail.
_CUT_TAILS: Mapping[type[object], tuple[str, str]] = {
    Normal: (
        "an exponential distribution",
        "kl.Exponential(rate=...), kl.Gamma(mean=...) or kl.Weibull(scale=...)",
    ),
    LogNormal: ("a power law", "kl.Pareto(), kl.Lomax() or kl.Burr()"),
}

# A slope of no more than this, relative to 1 + |value|, is the rounding of the sums.
_ROUNDING = 1e-15


@final
@dataclass(frozen=True)
class Diverging:
    """A coefficient that tends to an end of its domain, with ever larger likelihood.

    Attributes:
        name: of the coefficient.
        value: where the search stopped.
        end: the end of the domain that it tends to.
        attained: whether that end is in the domain, so that the estimate is there.
    """

    name: str
    value: float
    end: float
    attained: bool

    @property
    def limit(self) -> str:
        """What it does: diverge, or tend to a finite end."""
        if math.isinf(self.end):
            return f"diverges to {'−' if self.end < 0.0 else ''}infinity"
        return f"tends to {self.end:g}"


def diverging_coefficient(
    vector: ParameterVector, solution: Solution[Evaluation]
) -> Diverging | None:
    """Find a coefficient that diverges.

    Either the gradient has vanished and the Newton step has not, or the search did not end: the
    likelihood is unbounded (where too many rows tie for a Cauchy, say).
    """
    step = solution.estimate - solution.best.at
    moved = solution.best.at - solution.start
    # at the end of a logarithmic scale all derivatives underflow
    bend = solution.best.hessian.diagonal()
    flat = solution.outcome is Outcome.CONVERGED and not bool((np.abs(bend) > 0.0).all())
    endless = flat or solution.outcome is Outcome.STEP_LIMIT
    if not endless and bool((np.abs(step) <= _DIVERGING).all()):  # the usual case
        return None
    values = vector.split(vector.constrained(solution.best.at))
    found: list[Diverging] = []
    for c, place in vector.slices:
        domain, own = c.domain, step[place]
        far = endless and went_far(solution, c, place)
        if not domain.bounded or (bool(np.all(np.abs(own) <= _DIVERGING)) and not far):
            continue
        value = float(values[c.name][0])
        if not isinstance(domain, Interval):
            found.append(Diverging(c.name, value, 0.0, attained=False))
            continue
        # far out the slope is rounding alone: then the end is not that of its sign, but that on
        # whose side the search got so far
        left = abs(float(solution.best.gradient[place][0]))
        rounding = left <= _ROUNDING * (1.0 + abs(solution.best.value))
        up = bool((moved[place] if far else solution.best.at[place] if rounding else own)[0] > 0.0)
        end = domain.upper if up else domain.lower
        holds = domain.holds_upper if up else domain.holds_lower
        found.append(Diverging(c.name, value, end, attained=holds and math.isfinite(end)))
    # of several that diverge together, one that stops at its bound, or else the one that grows
    found.sort(key=lambda diverging: (not diverging.attained, math.isfinite(diverging.end)))
    return found[0] if found else None


def went_far(solution: Solution[Evaluation], coefficient: Coefficient, place: slice) -> bool:
    """Whether a search took a coefficient so far that no estimate can be there."""
    moved = np.abs(solution.best.at[place] - solution.start[place])
    return coefficient.domain.bounded and bool(np.any(moved > _FAR))


def in_a_cut_tail(
    model: Model,
    summary: SampleSummary,
    vector: ParameterVector,
    solution: Solution[Evaluation],
) -> tuple[str, ...]:
    """Return reason and advice where the cuts leave nothing but a tail that becomes exponential.

    Far out, a normal density falls like e^(−|loc| x / scale²): loc and scale then diverge together.
    That of a log-normal falls like a power.

    Args:
        model: the model.
        summary: of the rows.
        vector: the coefficients.
        solution: where the search stopped.
    """
    windows = any(isinstance(kind, Observed) and kind.window for kind in summary.kinds)
    base = model.base if isinstance(model, Truncated) else model if windows else None
    moved = solution.best.at - solution.start
    by_name = {c.name: place for c, place in vector.slices}
    limit, instead = _CUT_TAILS.get(type(base), ("", ""))
    if not limit or not {"loc", "scale"} <= set(by_name):
        return ()
    place, width = by_name["loc"].start, by_name["scale"]
    scale = vector.split(vector.constrained(solution.best.at))["scale"]
    wider, shift = moved[width], float(moved[place]) / float(scale[0])
    if wider.size != 1 or not (wider[0] > _WIDER and abs(shift) > _SHIFTED):
        return ()
    sign = "−" if shift < 0.0 else ""
    return (
        f"loc diverges to {sign}infinity and scale to infinity, towards {limit}",
        f"What the cuts leave of these rows falls off like {limit}, the limit of this family's far "
        "tail: the likelihood keeps increasing towards it, or its maximum is too far out to be "
        f"distinguished. Fit a model with such a tail, such as {instead}, within the same ends, or "
        "fix scale.",
    )


def at_an_end(
    model: Model, summary: SampleSummary, vector: ParameterVector, values: Mapping[str, Vector]
) -> tuple[str, ...]:
    """Return reason and advice where a coefficient ran to or from an end that the sample sets.

    Args:
        model: the model, with the domains of its coefficients.
        summary: of the rows.
        vector: the coefficients, in the domains that the sample leaves.
        values: where the search ended.
    """
    given = {c.name: c.domain for c in model.vector.free}
    for c in vector.free:
        if not isinstance(c.domain, Interval) or c.domain == given[c.name]:
            continue
        gap = (c.domain.upper - float(values[c.name][0])) / (summary.maximum - summary.minimum)
        if gap <= _AT_THE_END:
            return (
                f"no maximum: the likelihood keeps increasing as {c.name} tends to the minimum of "
                "the sample",
                "Where the density is infinite at its end, as that of a shape below 1, the "
                "likelihood is unbounded there, and these rows have no local maximum apart from "
                f"it. Bound the shape, kl.Param(lower=...), fix {c.name}, or give rounded rows as "
                "intervals.",
            )
        if gap >= _FAR_BELOW:
            return (
                f"no maximum: the likelihood keeps increasing as {c.name} diverges to −infinity",
                "In that limit the distribution has no end: fit one of all numbers, such as "
                f"kl.Normal(), or fix {c.name}.",
            )
    return ()
