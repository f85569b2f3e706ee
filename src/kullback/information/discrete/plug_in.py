"""Entropy estimates of the form log n − Σ n_i L(n_i) / n: plug-in, Miller–Madow, Grassberger."""

from __future__ import annotations

import math

import numpy as np

from kullback._core.arrays import Vector
from kullback.information.discrete.jackknife import CountGroups, LeaveOneOut


def plug_in(groups: CountGroups, support: float | None = None) -> LeaveOneOut:  # noqa: ARG001
    """The entropy of the observed shares: log n − Σ n_i log n_i / n.

    Without a row of a symbol seen j times the sum is smaller by j log j − (j − 1) log(j − 1).
    """
    n = groups.summary.rows
    value = np.log(n) - groups.sum(groups.evaluate(_count_log_count)) / n
    return LeaveOneOut(value, groups.evaluate(_step) / np.maximum(n - 1.0, 1.0)[:, None])


def miller_madow(groups: CountGroups, support: float | None = None) -> LeaveOneOut:
    """The plug-in estimate plus (k − 1)/(2n), with k symbols observed (Miller 1955)."""
    plain, n = plug_in(groups, support), groups.summary.rows
    fewer = 0.5 * (groups.counts == 1) / np.maximum(n - 1.0, 1.0)[:, None]
    correction = (groups.summary.symbols - 1.0) / (2.0 * n)
    return LeaveOneOut(plain.value + correction, plain.without - fewer)


def grassberger(groups: CountGroups, support: float | None = None) -> LeaveOneOut:
    """Grassberger (2003): log n − Σ n_i G(n_i) / n.

    G(j) = ψ(j) + ½ (−1)^j [ψ((j + 1)/2) − ψ(j/2)] = ψ(⌊j/2⌋ + ½) + log 2. Its alternating terms,
    which the jackknife would put at 1/n, are not in the changes: those are Miller–Madow's, and
    `estimators.standard_error` adds the terms' variance.
    """
    n = groups.summary.rows
    value = np.log(n) - groups.sum(groups.evaluate(_count_g)) / n
    return LeaveOneOut(value, miller_madow(groups, support).without)


def _count_log_count(count: Vector) -> Vector:
    return np.asarray(count * np.log(np.maximum(count, 1.0)))


def _count_g(count: Vector) -> Vector:
    from scipy.special import digamma

    return np.asarray(count * (digamma(np.floor(0.5 * count) + 0.5) + math.log(2.0)))


def _step(count: Vector) -> Vector:
    """The difference j log j − (j − 1) log(j − 1), which keeps its digits where j is large."""
    count, rest = np.maximum(count, 1.0), np.maximum(count - 1.0, 1.0)
    return np.asarray(np.log(count) + np.where(count > 1.0, rest * np.log(count / rest), 0.0))
