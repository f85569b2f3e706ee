"""Tests of one fit against another: the likelihood-ratio test of nested models, and Vuong's."""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np

from kullback._core.errors import KullbackError
from kullback._core.validation import check_choice
from kullback.data.beside import BesideSample
from kullback.engines.choice import engine_for
from kullback.objective.loss_moments import Losses
from kullback.refitting import SampleProblem
from kullback.results.fit import Fit
from kullback.results.nesting import on_edge
from kullback.results.problem import problem_of, refuse_clusters
from kullback.results.test_result import TestResult, chi_squared_test

# The smaller model's log-likelihood is larger by rounding alone up to this, relative to its size.
_ROUNDING = 1e-9
# Differences whose standard deviation is below this, relative to the losses, are rounding.
_EQUAL = 1e-9
CORRECTIONS = ("none", "aic", "bic")


def likelihood_ratio_test(small: Fit, large: Fit) -> TestResult:
    """Test whether a model that is a special case of another fits as well.

    The statistic is 2 (log L(large) − log L(small)), in large samples chi-squared with as many
    degrees of freedom as the large model has more free parameters. Where the small model is at a
    bound of one parameter of the large one, as a Poisson model is of negative binomial ones, it is
    an equal mixture with that of one degree less (S. G. Self and K.-Y. Liang 1987).

    Args:
        small: the special case, fitted to the same rows.
        large: the model with more free parameters: of the same family with fewer of them fixed,
            tied or without columns, or of a family known to contain the other.

    Returns:
        The statistic with its p-value.

    Raises:
        KullbackError: for models that are not known to be nested, other rows, fits that did not
            converge or have a penalty, and a small model at several bounds.

    Example:
        >>> import kullback as kl
        >>> x = [0.2, 1.1, 0.7, 2.9, 0.4, 1.6, 0.9, 0.3, 1.2, 0.7]
        >>> print(kl.likelihood_ratio_test(kl.fit(kl.Exponential(), x), kl.fit(kl.Gamma(), x)))
        likelihood-ratio test: Exponential, not Gamma: statistic 2.2545, chi-squared(1), p = 0.133
    """
    _check_fits(small, large)
    edge = on_edge(small, large)
    df = large.parameter_count - small.parameter_count
    if df <= 0:
        raise KullbackError(
            f"the first model has {small.parameter_count} free parameters and the second "
            f"{large.parameter_count}: the special case comes first."
        )
    for fit in (small, large):
        at_limit = edge and fit is large and _runs_to(large, small)
        if not fit.convergence.converged and not at_limit:
            raise KullbackError(f"{fit.form!r} did not converge ({fit.convergence.reason}).")
    gain = large.log_likelihood - small.log_likelihood
    if gain < -_ROUNDING * max(abs(small.log_likelihood), 1.0):
        raise KullbackError(
            f"the likelihood of {large.form!r} is smaller than that of its special case: its fit "
            "is a local maximum. Fit it from other starting values."
        )
    hypothesis = f"{small.form.name}, not {large.form.name}"
    if small.form.name == large.form.name:
        hypothesis = f"{small.form!r}, not {large.form!r}"
    return chi_squared_test(
        max(2.0 * gain, 0.0), df, hypothesis, "likelihood-ratio test", boundary=edge
    )


def vuong_test(first: Fit, second: Fit, *, correction: str = "none") -> TestResult:
    """Test whether two models that are not nested are equally near the distribution of the rows.

    With m the difference of a row's log-densities, z = Σ w m / √(W Var(m)), for W = Σ w, is normal
    in large samples if both have the same cross-entropy; it is positive where the first is better.
    Source: Q. H. Vuong (1989), Econometrica 57, 307–333.

    Args:
        first: a fit.
        second: another, to the same rows.
        correction: subtracted from Σ w m, for the numbers of parameters: "none", "aic" (their
            difference) or "bic" (half of it times log W).

    Returns:
        z with its two-sided p-value.

    Raises:
        KullbackError: for nested models, models with the same density at every row, other rows, and
            fits without their rows, that did not converge or have a penalty.

    Example:
        >>> import kullback as kl
        >>> x = [0.2, 1.1, 0.7, 2.9, 0.4, 1.6, 0.9, 0.3, 1.2, 0.7]
        >>> print(kl.vuong_test(kl.fit(kl.Gamma(), x), kl.fit(kl.LogNormal(), x)))
        Vuong's test: Gamma as good as LogNormal: statistic -0.30623, normal, p = 0.759
          it holds where the two differ at their best: z is not normal if they coincide there
    """
    _check_fits(first, second)
    check_choice("correction", correction, CORRECTIONS)
    for fit in (first, second):
        if not fit.convergence.converged:
            raise KullbackError(f"{fit.form!r} did not converge ({fit.convergence.reason}).")
    if _nested(first, second) or _nested(second, first):
        raise KullbackError(
            f"{first.form.name} and {second.form.name} are nested, and z is then not normal: use "
            "kl.likelihood_ratio_test."
        )
    weight, mean, variance = _differences(first, second)
    size = max(abs(first.cross_entropy), abs(second.cross_entropy), 1.0)
    if not math.isfinite(mean) or not math.sqrt(variance) > _EQUAL * size:
        raise KullbackError(
            f"{first.model!r} and {second.model!r} have the same density at every row, "
            "and z has no value."
        )
    more = first.parameter_count - second.parameter_count
    penalty = {"none": 0.0, "aic": more, "bic": 0.5 * more * math.log(weight)}[correction]
    z = (weight * mean - penalty) / math.sqrt(weight * variance)
    p = 2.0 * statistics.NormalDist().cdf(-abs(z))
    notes: tuple[str, ...] = (
        "it holds where the two differ at their best: z is not normal if they coincide there",
    )
    if correction != "none":
        notes = (f"corrected for the numbers of parameters as {correction.upper()} does", *notes)
    hypothesis = f"{first.form.name} as good as {second.form.name}"
    return TestResult(z, 0, p, "normal", hypothesis, "Vuong's test", notes)


def _check_fits(*fits: Any) -> None:
    """Raise unless these are fits of the likelihood to the same rows."""
    for fit in fits:
        if not isinstance(fit, Fit):
            raise KullbackError(
                f"needs two fits, as kl.fit returns them, got {type(fit).__name__}."
            )
        fit.sample_info.refuse_sampling("a test of likelihoods")
        refuse_clusters(fit, "a test of likelihoods")
        if fit.form.penalised:
            raise KullbackError(
                f"{fit.form.name} was fitted with a penalty, and not by maximum likelihood."
            )
    a, b = (fit.sample_info for fit in fits)
    for what in ("label", "rows", "weight", "dropped", "levels", "inexact"):
        ours, theirs = getattr(a, what), getattr(b, what)
        if ours != theirs:
            raise KullbackError(
                f"the fits are of different rows: {what} is {ours!r} in the first and {theirs!r} "
                "in the second."
            )
    entropies, compared = (a.entropy, b.entropy), False
    if None not in entropies:
        same, compared = a.entropy == b.entropy, True
    elif a.values is not None and b.values is not None:
        ours, theirs = (np.ldexp(f.sample_info.values, f.power) for f in fits)
        same, compared = np.array_equal(ours, theirs), True
    if compared and not same:
        raise KullbackError("the fits are of different rows: their outcomes differ.")
    if not compared and all(isinstance(fit.problem, SampleProblem) for fit in fits):
        _differences(*fits)  # the losses of both on the rows of one


def _runs_to(large: Fit, small: Fit) -> bool:
    """Whether a fit did not converge because its likelihood rises towards the smaller model."""
    limits = [name for name, limit in large.form.limits.items() if limit == small.form.name]
    return any(name in large.convergence.reason for name in limits)


def _nested(small: Fit, large: Fit) -> bool:
    try:
        on_edge(small, large)
    except KullbackError:
        return False
    return True


def _differences(first: Fit, second: Fit) -> tuple[float, float, float]:
    """The total weight, and mean and variance of log q₁ − log q₂ over the rows, in one pass."""
    one, two = (problem_of(fit, "Vuong's test") for fit in (first, second))
    if not (isinstance(one, SampleProblem) and isinstance(two, SampleProblem)):
        raise KullbackError("Vuong's test needs fits of rows, as kl.fit returns them.")
    sample, columns = one.sample, set(one.sample.schema.columns)
    if not set(second.model.columns) <= columns:
        sample = BesideSample(one.sample, two.sample)
    engine = (one.engine or engine_for)(sample)
    losses = Losses((second.model, first.model))
    origin = second.cross_entropy - first.cross_entropy
    moments = losses.unpack(engine.reduce(losses, losses.arguments(origin)), origin)
    size = max(abs(first.cross_entropy), abs(second.cross_entropy), 1.0)
    if abs(moments.mean - origin) > _EQUAL * size:
        raise KullbackError(
            "the fits are of different rows: the losses of both models on those of one do "
            "not have the mean that they had when they were fitted."
        )
    return moments.weight, moments.mean, moments.variance
