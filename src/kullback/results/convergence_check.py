"""The judgement of where a solver ended: is it the maximum-likelihood estimate, and if not, why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from kullback._core.domains import Domain, Interval
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.source import Coefficient
from kullback.objective.cross_entropy import Evaluation
from kullback.results.convergence import Convergence
from kullback.results.uncertainty import SINGULAR, scaled_eigenvalues
from kullback.solvers.solver import Outcome, Solution

# A coefficient on a logarithmic scale whose Newton step is still this long, where the gradient has
# vanished, has no maximum: it runs away.
_RUNNING = 1e-3

# A coefficient on a logarithmic scale that came this far from its start, a factor of 1e10, without
# an end of the search: starts are equivariant, and no estimate is so far from them.
_FAR = 23.0

# In standard deviations of a row: a gradient that has vanished, and one that the rounding of the
# estimate leaves behind and that is worth a word.
_VANISHED, _COARSE = 1e-6, 1e-3


def assess_convergence(
    model: Model,
    vector: ParameterVector,
    evaluation: Evaluation,
    solution: Solution[Evaluation] | None,
    solver: str,
    starts: int,
    agreed: int,
) -> Convergence:
    """Judge where a solver ended."""
    eigenvalues = scaled_eigenvalues(evaluation.hessian)
    smallest = float(eigenvalues[0]) if eigenvalues.size else math.nan
    scale = np.sqrt(np.abs(np.diag(evaluation.hessian)))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = float(np.linalg.norm(evaluation.gradient / scale)) if eigenvalues.size else 0.0
    advice: list[str] = []
    on_bound = {name: float(value[0]) for name, value in vector.on_bound.items()}
    # an extreme of the sample, unless a bound of the user's is in its way
    stopped = {c.name for c in vector.coefficients if _at_an_end(c.domain, on_bound.get(c.name))}
    edges = [name for name in on_bound if name in model.order_statistics and name not in stopped]
    ends = [name for name in on_bound if name not in edges]
    bounds = (
        *(
            f"{name} = {on_bound[name]:.6g}, the {model.order_statistics[name]} of the sample"
            for name in edges
        ),
        *(f"{name} = {on_bound[name]:.6g}, an end of its range" for name in ends),
    )
    if edges:
        names = " and ".join(edges)
        advice.append(
            f"The likelihood is not smooth in {names}, so the curvature gives no standard error; "
            f"the other standard errors hold {names} fixed."
        )
    if ends:
        names = " and ".join(ends)
        advice.append(
            f"The likelihood still rises at the bound of {names}: no standard error is given for "
            f"an estimate on a bound, and the others hold {names} fixed."
        )
    converged, reason = _verdict(model, vector, solution, smallest, slope, advice)
    if starts > 1 and agreed < starts and converged:
        advice.append(
            f"{starts - agreed} of {starts} starts ended at another, worse point: the likelihood "
            f"has several peaks, and a better one than this cannot be ruled out."
        )
    return Convergence(
        converged=converged,
        reason=reason,
        advice=tuple(advice),
        gradient_norm=slope,
        smallest_eigenvalue=smallest,
        bounds=bounds,
        solver=solver,
        steps=solution.steps if solution else 1,
        starts=starts,
        agreed=agreed,
        passes=0,
        compile_seconds=0.0,
        run_seconds=0.0,
    )


def _verdict(
    model: Model,
    vector: ParameterVector,
    solution: Solution[Evaluation] | None,
    smallest: float,
    slope: float,
    advice: list[str],
) -> tuple[bool, str]:
    """Say whether the estimate stands, and why, adding advice."""
    if solution is None:
        return True, "every estimate is an order statistic of the sample, on a bound, or given"
    running = runaway(vector, solution)
    if running is not None:
        name, end = running.name, running.end
        where = "to infinity" if math.isinf(end) else f"towards {end:g}, which it may not reach"
        advice.append(
            f"The likelihood still rises as {name} goes {where} (here {running.value:.3g}): it has "
            f"no maximum inside. {_limit_advice(model, name, end)}"
        )
        return False, f"no maximum: {name} runs {where}"
    caution = model.caution(vector.split(vector.constrained(solution.estimate)))
    if caution is not None:
        advice.append(caution.text)
        if caution.no_maximum:
            return False, f"no maximum: {caution.reason}"
    if solution.outcome is Outcome.CONVERGED:
        if math.isnan(smallest):
            advice.append(
                "The second derivatives leave the range of doubles, so there are no standard "
                "errors: multiply the data by a constant that brings them near 1."
            )
            return False, "the curvature is not finite"
        if not smallest > SINGULAR:
            advice.append(
                "The curvature is singular or indefinite: some combination of the parameters makes "
                "no difference to the likelihood. Pin one of them, or take a simpler model."
            )
            return False, "flat: the gradient vanishes but the point is no strict minimum"
        if slope <= _VANISHED:
            return True, "the gradient vanishes at a strict minimum of the cross-entropy"
        if slope > _COARSE:
            advice.append(
                "Doubles have too few digits for this estimate: the nearest one is off by some "
                f"{slope:.1g} standard deviations of a row. Subtract a constant from the data."
            )
        return True, (
            "the gradient vanishes, to the rounding of the estimate, at a strict minimum of the "
            "cross-entropy"
        )
    words = {
        Outcome.STEP_LIMIT: "the limit of steps was reached",
        Outcome.STALLED: "no step lowered the cross-entropy further",
        Outcome.NOT_FINITE: "the cross-entropy or its derivatives are not finite",
    }
    far = [c.name for c, place in vector.slices if _went_far(solution, c, place)]
    if far:
        values = vector.split(vector.constrained(solution.best.at))
        places = " and ".join(f"{name} to {float(values[name][0]):.3g}" for name in far)
        advice.append(
            f"The search took {places}, where derivatives leave the range of doubles: there may be "
            f"no maximum, or none that doubles can hold."
        )
    advice.append(
        "Try another start, kl.Param(start=...), bounds, kl.Param(lower=..., upper=...), or a "
        "simpler model; data on a very large or very small scale may be rescaled."
    )
    return False, words.get(solution.outcome, solution.outcome.value)


def _at_an_end(domain: Domain, value: float | None) -> bool:
    return isinstance(domain, Interval) and value in (domain.lower, domain.upper)


# A slope of no more than this, relative to 1 + |value|, is the rounding of the sums.
_ROUNDING = 1e-15


@final
@dataclass(frozen=True)
class Runaway:
    """A coefficient that runs to an end of its domain.

    Attributes:
        name: of the coefficient.
        value: where it stopped.
        end: the end that it runs to.
        attained: whether that end is one of its values, so that the estimate is there.
    """

    name: str
    value: float
    end: float
    attained: bool


def runaway(vector: ParameterVector, solution: Solution[Evaluation]) -> Runaway | None:
    """Find a coefficient that runs away.

    Either the gradient has vanished and the Newton step has not, or the search went on and on: the
    likelihood has no bound (more rows at one value than a Cauchy can bear, say).
    """
    step = solution.estimate - solution.best.at
    moved = solution.best.at - solution.start
    endless = solution.outcome is Outcome.STEP_LIMIT
    values = vector.split(vector.constrained(solution.best.at))
    found: list[Runaway] = []
    for c, place in vector.slices:
        domain, own = c.domain, step[place]
        far = endless and _went_far(solution, c, place)
        if not domain.bounded or (bool(np.all(np.abs(own) <= _RUNNING)) and not far):
            continue
        value = float(values[c.name][0])
        if not isinstance(domain, Interval):
            found.append(Runaway(c.name, value, 0.0, attained=False))
            continue
        # far out nothing but rounding is left of the slope: then not its sign tells the end, but
        # the side on which the search got so far
        left = abs(float(solution.best.gradient[place][0]))
        rounding = left <= _ROUNDING * (1.0 + abs(solution.best.value))
        up = bool((moved[place] if far else solution.best.at[place] if rounding else own)[0] > 0.0)
        end = domain.upper if up else domain.lower
        holds = domain.holds_upper if up else domain.holds_lower
        found.append(Runaway(c.name, value, end, attained=holds and math.isfinite(end)))
    # of several that run together, one that stops at its bound, or else the one that grows
    found.sort(key=lambda runaway: (not runaway.attained, math.isfinite(runaway.end)))
    return found[0] if found else None


def _went_far(solution: Solution[Evaluation], coefficient: Coefficient, place: slice) -> bool:
    moved = np.abs(solution.best.at[place] - solution.start[place])
    return coefficient.domain.bounded and bool(np.any(moved > _FAR))


def _limit_advice(model: Model, name: str, end: float) -> str:
    limit = model.limits.get(name) if end == math.inf else None
    if limit is not None:
        return f"In that limit the model is {limit}: fit kl.{limit}() instead, or fix {name}."
    return f"Pin {name}, or take a simpler model."
