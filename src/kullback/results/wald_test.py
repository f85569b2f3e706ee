"""The Wald test of linear restrictions on the numbers of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kullback._core.domains import Interval
from kullback._core.errors import KullbackError
from kullback._core.hessians import SINGULAR
from kullback.models.source import numbers_of
from kullback.objective.evaluated import CovarianceKind
from kullback.results.coefficient_names import names_of
from kullback.results.covariance import cautions_of
from kullback.results.restrictions import Restriction, parse_restrictions
from kullback.results.test_result import TestResult, chi_squared_test

if TYPE_CHECKING:  # Fit.test calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers


def wald_test(fit: FitNumbers, texts: Sequence[str], kind: CovarianceKind | None) -> TestResult:
    """Return the test of restrictions; see ``Fit.test``."""
    if not texts:
        raise KullbackError("name what to test: fit.test('shape = 1').")
    if not fit.convergence.converged:
        raise KullbackError(f"the fit did not converge ({fit.convergence.reason}).")
    names, model = fit.names, fit.model
    found = names_of(fit)
    fixed = [n for c in fit.vector.coefficients for n in numbers_of(c) if n not in names]
    restrictions = parse_restrictions(
        texts, found.numbers, fixed, found.ambiguous, found.references
    )
    for restriction in restrictions:
        _refuse_edge(fit, restriction)
    _refuse_few_clusters(fit, kind, len(restrictions))
    at = {name: i for i, name in enumerate(names)}
    matrix = np.zeros((len(restrictions), len(names)))
    for row, restriction in zip(matrix, restrictions, strict=True):
        for name, factor in restriction.factors.items():
            row[at[name]] = factor
    estimates = np.array([model.coefficients[name] for name in names])
    gap = matrix @ estimates - np.array([r.value for r in restrictions])
    variance = matrix @ fit.covariance(kind) @ matrix.T
    scale = np.sqrt(np.diag(variance))
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = variance / np.outer(scale, scale)
    if not np.all(np.isfinite(unit)):
        raise KullbackError("the estimates that are tested have no covariance, and no Wald test.")
    if np.linalg.eigvalsh(unit)[0] <= SINGULAR * len(restrictions):
        raise KullbackError(
            "the restrictions follow from one another, or contradict each other: leave out those "
            "that the others imply."
        )
    z = gap / scale
    statistic = float(z @ np.linalg.solve(unit, z))
    hypothesis = _hypothesis(texts, found.numbers)
    return chi_squared_test(
        statistic, len(restrictions), hypothesis, "Wald test", cautions_of(fit, kind)
    )


def _hypothesis(texts: Sequence[str], numbers: Mapping[str, Sequence[str]]) -> str:
    """What is tested: each restriction as it was written, and of a term how many coefficients."""
    shown = []
    for text in map(str.strip, texts):
        many = 1 if "=" in text else len(numbers.get(text, ()))
        of = f" ({many} coefficients)" if many > 1 else ""
        shown.append(text if "=" in text else f"{text} = 0{of}")
    return ", ".join(shown)


def _refuse_few_clusters(fit: FitNumbers, kind: CovarianceKind | None, restrictions: int) -> None:
    """Raise for as many restrictions as clusters, whose covariance has a smaller rank."""
    clusters = fit.clusters
    if clusters is None or (kind or fit.covariance_kind) != "clustered":
        return
    if restrictions >= clusters.count:
        raise KullbackError(
            f"{restrictions} restrictions cannot be tested together with {clusters.count} "
            "clusters: their covariance has fewer dimensions. Test fewer of them."
        )


def _refuse_edge(fit: FitNumbers, restriction: Restriction) -> None:
    """Raise for a number that is restricted to a bound of its domain, or beyond it."""
    named = [name for name, factor in restriction.factors.items() if factor]
    domains = {c.name: c.domain for c in fit.vector.free}
    domain = domains.get(named[0]) if len(named) == 1 else None
    if not isinstance(domain, Interval):
        return
    value = restriction.value / restriction.factors[named[0]]
    value = float(np.ldexp(value, -fit.power * fit.form.dimensions.get(named[0], 0)))
    if not domain.lower < value < domain.upper:
        raise KullbackError(
            f"{restriction.text!r} is on a bound of {named[0]} or beyond it, where no Wald test "
            f"holds: it needs {domain.phrase(named[0])}. Fit the model without it, and use "
            "kl.likelihood_ratio_test."
        )
