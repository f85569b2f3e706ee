"""The likelihood-ratio test of one set of parameters for all groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback.data.checks import and_more, count_of
from kullback.results.fit import Fit
from kullback.results.test_result import TestResult, chi_squared_test

# Groups that a message names.
_SHOWN = 5

# The pooled log-likelihood is larger by rounding alone up to this, relative to its size.
_ROUNDING = 1e-9

# Rows of a group for each parameter below which the chi-squared distribution is a poor one.
_FEW = 10


def check_groups(
    keys: Sequence[Any], converged: NDArray[np.bool_], *, exclude_failed: bool
) -> NDArray[np.bool_]:
    """Return the groups that are tested.

    Raises:
        KullbackError: a fit did not converge and is not to be excluded, or fewer than two are left.
    """
    failed = np.flatnonzero(~converged)
    if failed.size and not exclude_failed:
        names = and_more([repr(keys[i]) for i in failed[:_SHOWN].tolist()], failed.size)
        raise KullbackError(
            f"{count_of(failed.size, 'group')} of {len(keys):,} did not converge: {names}. "
            "exclude_failed=True tests the others, without the rows of these."
        )
    if np.sum(converged) < 2:
        raise KullbackError(
            f"a test needs two groups or more that converged, got {int(np.sum(converged))}."
        )
    return converged


def pooled_test(
    pooled: Fit, by: tuple[str, ...], log_likelihood: Vector, n: Vector, excluded: int
) -> TestResult:
    """Test one fit to the rows of all groups against their own fits.

    Args:
        pooled: the fit to all rows of the groups.
        by: the key columns.
        log_likelihood: of each group.
        n: the total weight of each group.
        excluded: the number of groups that are left out.

    Raises:
        KullbackError: the statistic is not chi-squared, or the pooled fit did not converge.
    """
    form = pooled.form
    pooled.sample_info.refuse_sampling("a likelihood-ratio test")
    if form.penalised:
        raise KullbackError(
            f"{form.name} was fitted with a penalty, and not by maximum likelihood."
        )
    kinds = form.order_statistics
    ends = [name for name in pooled.vector.on_bound if kinds.get(name) in ("minimum", "maximum")]
    if ends:
        raise KullbackError(
            f"the estimate of {' and '.join(ends)} is the smallest or largest outcome: the "
            "likelihood ratio is then not chi-squared. Fix it at a number."
        )
    if not pooled.convergence.converged:
        raise KullbackError(
            f"the fit to the rows of all groups did not converge: {pooled.convergence.reason}"
        )
    gain = float(np.sum(log_likelihood)) - pooled.log_likelihood
    if gain < -_ROUNDING * max(abs(pooled.log_likelihood), 1.0):
        raise KullbackError(
            "the likelihood of one fit to all rows is larger than that of the groups' own: a "
            "group's fit is a local maximum."
        )
    notes = []
    if excluded:
        notes.append(f"{count_of(excluded, 'group')} that did not converge left out")
    few = int(np.sum(n < _FEW * pooled.parameter_count))
    if few:
        notes.append(
            f"{count_of(few, 'group')} with fewer than {_FEW} rows for each parameter: the "
            "chi-squared distribution holds for large groups"
        )
    df = (n.size - 1) * pooled.parameter_count
    hypothesis = f"the same {form.name} in {n.size:,} groups by {', '.join(by)}"
    return chi_squared_test(
        max(2.0 * gain, 0.0), df, hypothesis, "likelihood-ratio test", tuple(notes)
    )
