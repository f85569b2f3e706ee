"""The convergence check: whether a solver ended at the maximum-likelihood estimate, and why not."""

from __future__ import annotations

import math

import numpy as np

from kullback._core.domains import Domain, Interval
from kullback._core.hessians import SINGULAR, scaled_eigenvalues
from kullback.models.caution import Caution
from kullback.models.forms import SaturatedForm
from kullback.models.linear import INTERCEPT
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.class_shares import ClassShares
from kullback.objective.cross_entropy import Evaluation
from kullback.results.common_outcomes import no_maximum_in_common
from kullback.results.convergence import Convergence
from kullback.results.diverging import Diverging, diverging_coefficient, went_far
from kullback.solvers.solver import Outcome, Solution

# In standard deviations of a row: a gradient that has vanished, and one that the rounding of the
# estimate leaves behind and that the user should know of.
_VANISHED, _COARSE = 1e-6, 1e-3

# Where all rows allow some outcome and none was observed itself, a cross-entropy of no more than
# this is on its way to 0, which it does not reach: of 10^9 rows one that is not certain costs more.
_CERTAIN = 1e-12

# How many classes a message lists.
_SHOWN = 5

_REASONS = {
    Outcome.STEP_LIMIT: "the step limit was reached",
    Outcome.STALLED: "no step decreased the cross-entropy further",
    Outcome.NOT_FINITE: "the cross-entropy or its derivatives are not finite",
}


def assess_convergence(
    model: Model,
    vector: ParameterVector,
    evaluation: Evaluation,
    solution: Solution[Evaluation] | None,
    solver: str,
    starts: int,
    agreed: int,
    separated: tuple[str, ...] = (),
    common: tuple[float, float] | None = None,
) -> Convergence:
    """Assess whether a solver converged.

    Args:
        model: the model.
        vector: its coefficients, with those on a bound.
        evaluation: the cross-entropy and its derivatives at the estimate.
        solution: where the solver ended; None where no coefficient was free.
        solver: its name.
        starts: number of starting points.
        agreed: number of starting points that led to this estimate.
        separated: the coefficients of a direction along which the loss falls for ever.
        common: the ends of the outcomes that all rows allow; None where there are none.
    """
    eigenvalues = scaled_eigenvalues(evaluation.hessian)
    smallest = float(eigenvalues[0]) if eigenvalues.size else math.nan
    scale = np.sqrt(np.abs(np.diag(evaluation.hessian)))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = float(np.linalg.norm(evaluation.gradient / scale)) if eigenvalues.size else 0.0
    bounds, advice = on_bounds(model, vector)
    caution = None
    if solution is not None:
        caution = model.caution(vector.split(vector.constrained(solution.estimate)))
    better_said = caution is not None and caution.instead
    if separated and not better_said:
        converged, reason = _assess_separated(model, vector, solution, separated, advice)
    elif common is not None and solution is not None and evaluation.cross_entropy <= _CERTAIN:
        converged, reason = False, no_maximum_in_common(vector, solution, common, advice)
    else:
        converged, reason = _assess(model, vector, solution, caution, smallest, slope, advice)
    if starts > 1 and agreed < starts and converged:
        advice.append(
            f"{starts - agreed} of {starts} starting points led to a lower likelihood: it has "
            f"several local maxima, and a higher one than this cannot be ruled out."
        )
    if model.penalised and converged:
        reason += ", with its ridge penalty"
        advice.append(
            f"The ridge penalty moves the coefficients of {' and '.join(model.penalised)} towards "
            "0: standard errors and intervals are conditional on it, without this bias."
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


def at_class_shares(form: SaturatedForm, at: ClassShares) -> Convergence:
    """Describe an estimate that is the shares of the classes."""
    unseen = np.flatnonzero(at.shares == 0.0).tolist()
    advice: tuple[str, ...] = ()
    if unseen:
        names = [repr(form.class_name(code)) for code in unseen[:_SHOWN]]
        more = f" and {len(unseen) - _SHOWN:,} more" if len(unseen) > _SHOWN else ""
        advice = (
            f"The sample has no weight in {', '.join(names)}{more}: the estimate of such a class "
            "is 0, a bound, and has no standard error.",
        )
    return Convergence(
        converged=True,
        reason="the gradient vanishes at a strict minimum of the cross-entropy",
        advice=advice,
        gradient_norm=0.0,
        smallest_eigenvalue=at.smallest_eigenvalue,
        bounds=tuple(
            f"probabilities[{form.class_name(code)!r}] = 0, its lower bound" for code in unseen
        ),
        solver="closed form",
        steps=1,
        starts=1,
        agreed=1,
        passes=0,
        compile_seconds=0.0,
        run_seconds=0.0,
    )


def on_bounds(model: Model, vector: ParameterVector) -> tuple[tuple[str, ...], list[str]]:
    """Describe the estimates at an order statistic or on a bound, with advice."""
    if not vector.on_bound:
        return (), []
    planes = [name for name, value in vector.on_bound.items() if value.size > 1]
    values = {n: float(v[0]) for n, v in vector.on_bound.items() if n not in planes}
    # an order statistic of the sample, unless a bound of the user's lies before it
    stopped = {c.name: _bound(c.domain, values.get(c.name)) for c in vector.coefficients}
    statistics = [n for n in values if n in model.order_statistics and not stopped[n]]
    at_bound = [name for name in values if name not in statistics]
    bounds = (
        *(
            f"{n} = {values[n]:.6g}, the {model.order_statistics[n]} of the sample"
            for n in statistics
        ),
        *(f"{n}, the plane of least absolute deviations" for n in planes),
        *(f"{n} = {values[n]:.6g}, its {stopped[n]} bound" for n in at_bound),
    )
    advice: list[str] = []
    statistics += planes
    if statistics:
        names = " and ".join(statistics)
        advice.append(
            f"The likelihood is not smooth in {names}, so the Hessian gives no standard error for "
            f"{'it' if len(statistics) == 1 else 'them'}; the other standard errors hold {names} "
            f"fixed."
        )
    if at_bound:
        names = " and ".join(at_bound)
        advice.append(
            f"The likelihood still increases at the bound of {names}: an estimate on a bound has "
            f"no standard error, and the other standard errors hold {names} fixed."
        )
    return bounds, advice


def _bound(domain: Domain, value: float | None) -> str:
    """Return "lower" or "upper" for a value at an end of an interval, else an empty string."""
    if not isinstance(domain, Interval) or value is None:
        return ""
    return "lower" if value == domain.lower else "upper" if value == domain.upper else ""


def _assess(
    model: Model,
    vector: ParameterVector,
    solution: Solution[Evaluation] | None,
    caution: Caution | None,
    smallest: float,
    slope: float,
    advice: list[str],
) -> tuple[bool, str]:
    """Return whether the solver converged and the reason, and append advice."""
    if solution is None:
        return True, "every parameter is fixed, on a bound, or an order statistic of the sample"
    diverging = diverging_coefficient(vector, solution)
    if diverging is not None and not (caution is not None and caution.instead):
        advice.append(
            f"The likelihood keeps increasing as {diverging.name} {diverging.limit} (stopped at "
            f"{diverging.value:.3g}). {_limit_advice(model, diverging)}"
        )
        return False, f"no maximum: {diverging.name} {diverging.limit}"
    ended = solution.outcome is Outcome.CONVERGED and diverging is None
    if caution is not None and not (caution.unfinished and ended):
        advice.append(caution.text)
        if caution.no_maximum:
            return False, caution.reason if caution.instead else f"no maximum: {caution.reason}"
    if ended:
        return _assess_minimum(smallest, slope, advice)
    far = [c.name for c, place in vector.slices if went_far(solution, c, place)]
    if far:
        values = vector.split(vector.constrained(solution.best.at))
        reached = " and ".join(f"{name} to {float(values[name][0]):.3g}" for name in far)
        advice.append(
            f"The search moved {reached}, where derivatives exceed the range of double precision: "
            f"there may be no maximum, or none within that range."
        )
    advice.append(
        "Try another starting value, kl.Param(start=...), bounds, kl.Param(lower=..., upper=...), "
        "or a simpler model; rescale data that are very large or very small."
    )
    return False, _REASONS[solution.outcome]


def _assess_separated(
    model: Model,
    vector: ParameterVector,
    solution: Solution[Evaluation] | None,
    names: tuple[str, ...],
    advice: list[str],
) -> tuple[bool, str]:
    """Describe a likelihood that increases for ever along a direction of the coefficients."""
    listed = ", ".join(names[:_SHOWN])
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    diverge = "diverges" if len(names) == 1 else "diverge together"
    constants = [c.name for c in vector.free if f"{c.name}[{INTERCEPT}]" in names]
    if solution is not None and len(names) == len(constants) == 1:
        # no column matters: the parameter itself tends to an end of its domain
        place = next(p for c, p in vector.slices if c.name == constants[0]).start
        end = math.inf if solution.best.at[place] > 0.0 else 0.0
        instead = _limit_advice(model, Diverging(constants[0], math.nan, end, attained=False))
        advice.append(
            f"The likelihood keeps increasing as {listed} diverges, and with it {constants[0]} of "
            f"every row tends to an end of its domain. {instead}"
        )
        return False, f"no maximum: {listed} diverges"
    parameters = " and ".join(dict.fromkeys(name.partition("[")[0] for name in names))
    advice.append(
        f"The likelihood keeps increasing as {listed}{more} {diverge}, and with "
        f"{'it' if len(names) == 1 else 'them'} {parameters} of some rows towards an end of its "
        "domain: columns that predict outcomes perfectly do that, and levels without events. Leave "
        "a column out, join levels, or choose a simpler model."
    )
    return False, f"no maximum: the rows are separated by {listed}{more}"


def _assess_minimum(smallest: float, slope: float, advice: list[str]) -> tuple[bool, str]:
    """Assess a point where the gradient has vanished: is it a strict minimum?"""
    if math.isnan(smallest):
        advice.append(
            "The second derivatives exceed the range of double precision, so there are no standard "
            "errors: multiply the data by a constant that brings them near 1."
        )
        return False, "the second derivatives are not finite"
    if abs(smallest) <= SINGULAR:
        advice.append(
            "Either the likelihood does not change along some combination of the parameters: then "
            "fix one of them, or choose a simpler model. Or their estimates are too strongly "
            "correlated for double precision to give standard errors, as those of a very narrow "
            "distribution are: then the estimates hold, and kl.Normal describes such rows as well."
        )
        return False, (
            "the gradient vanishes, but the curvature along some combination of the parameters is "
            "lost in rounding"
        )
    if not smallest > SINGULAR:
        advice.append(
            "The Hessian is singular or indefinite: the likelihood does not change along some "
            "combination of the parameters. Fix one of them, or choose a simpler model."
        )
        return False, "flat: the gradient vanishes, but not at a strict minimum"
    if slope <= _VANISHED:
        return True, "the gradient vanishes at a strict minimum of the cross-entropy"
    if slope > _COARSE:
        advice.append(
            "Double precision has too few digits for this estimate: the nearest double is off by "
            f"about {slope:.1g} standard deviations of a row. Subtract a constant from the data."
        )
    return True, (
        "the gradient vanishes, up to the rounding of the estimate, at a strict minimum of the "
        "cross-entropy"
    )


def _limit_advice(model: Model, diverging: Diverging) -> str:
    name = diverging.name
    towards = 0.0 if name.endswith("dispersion") else math.inf
    limit = model.limits.get(name) if diverging.end == towards else None
    if limit is not None:
        return f"In that limit the model is {limit}: fit kl.{limit}() instead, or fix {name}."
    return f"Fix {name}, or choose a simpler model."
