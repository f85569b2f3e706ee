"""Entropy of samples of symbols from their counts: estimates, standard errors, assumptions.

Which to use:
    plug-in       the entropy of the observed shares. Right where n is far above the number of
                  symbols squared; too low by about (K − 1)/(2n) otherwise.
    miller-madow  the plug-in estimate with that much added. For few symbols.
    grassberger   also right where many symbols were seen only a few times. For most samples.
    chao-shen     allows for symbols that were not observed. For samples that miss a part of them.
    shrinkage     shrunk towards the uniform distribution over the symbols; least variance.
    nsb           Bayesian, with the posterior's standard deviation. For samples of fewer rows than
                  symbols, best with the number of symbols known.
    auto          one of these, by the share of the distribution that the sample covers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError, KullbackError, did_you_mean
from kullback.information.discrete.chao_shen import chao_shen
from kullback.information.discrete.fingerprint import Fingerprint
from kullback.information.discrete.jackknife import CountGroups, LeaveOneOut
from kullback.information.discrete.nsb import posterior_moments
from kullback.information.discrete.plug_in import grassberger, miller_madow, plug_in
from kullback.information.discrete.selection import CountSummary, assumptions, choose
from kullback.information.discrete.shrinkage import shrinkage

Counts: TypeAlias = NDArray[Any]

METHODS: Mapping[str, Callable[[CountGroups, float | None], LeaveOneOut]] = {
    "plug-in": plug_in,
    "miller-madow": miller_madow,
    "grassberger": grassberger,
    "chao-shen": chao_shen,
    "shrinkage": shrinkage,
}
NAMES = (*METHODS, "nsb")
# Counts that are estimated from together: arrays of 1 MiB stay near a core.
_CELLS = 1 << 17


@final
@dataclass(frozen=True, eq=False)
class DiscreteEntropy:
    """An entropy estimated from counts, in nats.

    Attributes:
        value: the estimate; an array where several samples were given.
        stderr: its standard error, of the same shape; NaN for a sample of one row, and of Chao and
            Shen's estimate where no symbol was seen twice.
        method: the estimator, "auto" resolved.
        assumptions: the assumptions of value and error, a sentence each.
    """

    value: float | Vector
    stderr: float | Vector
    method: str
    assumptions: tuple[str, ...]


def entropy_of_counts(
    counts: Any, *, method: str = "auto", support: int | None = None
) -> DiscreteEntropy:
    """Estimate the entropy −Σ p log p, in nats, of the distribution that counts were drawn from.

    The standard error is the jackknife's, corrected for the second order (see `standard_error`);
    of NSB it is the posterior's standard deviation.

    Args:
        counts: how often each symbol was seen, along the last axis; the axes before it are separate
            samples. Zeros are symbols that were not observed, or padding. Only the plug-in estimate
            takes counts that are not whole (sums of weights).
        method: "plug-in", "miller-madow", "grassberger", "chao-shen", "shrinkage", "nsb" or "auto".
        support: the number of possible symbols, where known: for "shrinkage" and "nsb".

    Raises:
        DataError: counts that are negative, not finite, not whole where they have to be, or all
            zero; or more symbols observed than possible.
        KullbackError: an unknown method.

    Sources: Miller (1955); Grassberger (2003); Chao & Shen (2003); Hausser & Strimmer (2009);
    Nemenman, Shafee & Bialek (2002).

    >>> found = entropy_of_counts([4, 2, 1, 1], method="plug-in")
    >>> round(found.value, 6), round(found.stderr, 6)
    (1.213008, 0.312044)
    """
    check_method(method)
    table, lead = _as_table(counts)
    size = None if support is None else _whole_support(support)
    _check_counts(table, lead)
    if not _is_whole(table):
        return _of_weights(table, lead, method)
    table = table.astype(np.int64, copy=False)
    summary = CountSummary.of(table)
    _check_summary(summary, lead, size)
    reason: tuple[str, ...] = ()
    if method == "auto":
        method, why = choose(summary, size)
        reason = (why,)
    value, stderr = estimate(table, method, size)
    sentences = reason + assumptions(summary, method, size, stderr)
    return DiscreteEntropy(_shaped(value, lead), _shaped(stderr, lead), method, sentences)


def check_method(method: str) -> None:
    """Check the name of an estimator.

    Raises:
        KullbackError: for an unknown name.
    """
    if method not in (*NAMES, "auto"):
        known = ", ".join(f'"{name}"' for name in (*NAMES, "auto"))
        raise KullbackError(
            f'method="{method}" is not an estimator of entropy'
            f"{did_you_mean(method, NAMES) or '.'} Use one of {known}."
        )


def estimate(
    counts: NDArray[np.int64], method: str, support: float | None
) -> tuple[Vector, Vector]:
    """Estimate entropies and their standard errors, in nats.

    Args:
        counts: shape (samples, symbols), each sample with at least one row.
        method: an estimator by name, not "auto".
        support: the number of symbols, or None.

    Raises:
        DataError: for NSB without a known number of symbols, and a sample of distinct symbols only.
    """
    samples, symbols = counts.shape
    if method == "nsb":
        return _nsb(Fingerprint.of(counts), support)
    step = max(_CELLS // symbols, 1)
    values, errors = [], []
    for first in range(0, samples, step):
        groups = CountGroups.of(counts[first : first + step])
        found = METHODS[method](groups, support)
        values.append(found.value)
        errors.append(standard_error(groups, method, found))
    return np.concatenate(values), np.concatenate(errors)


def standard_error(groups: CountGroups, method: str, found: LeaveOneOut) -> Vector:
    """The jackknife's standard error, corrected for the second order.

    Where the distribution is nearly uniform, H is nearly stationary in p, and the estimate varies
    through its second-order term only, with variance (k − 1)/(2n²) (Harris 1975). The jackknife
    counts that part twice (Efron & Stein 1981), so it is taken out twice and put in once: the rest,
    the first-order part, is at least 0. Grassberger's alternating terms add ¼ n^−2 for each symbol
    seen more than once. Shrinkage is not a smooth function of the shares, and keeps its jackknife.
    """
    variance = found.variance(groups)
    if method == "shrinkage":
        return np.sqrt(variance)
    n, symbols, once = groups.summary.rows, groups.summary.symbols, groups.summary.singletons
    second = (symbols - 1.0) / (2.0 * n * n)
    first = variance - 2.0 * second
    total = np.where(first < 0.0, 0.0, first) + second
    if method == "chao-shen":
        # where no symbol was seen twice, the data do not determine the error
        total = np.where(once == n, np.nan, total)
    if method == "grassberger":
        total += (symbols - once) / (4.0 * n * n)
    return np.asarray(np.sqrt(total))


def _nsb(prints: Fingerprint, support: float | None) -> tuple[Vector, Vector]:
    if support == 1.0:
        return np.zeros(prints.samples), np.zeros(prints.samples)
    distinct = np.flatnonzero(prints.observed == prints.sizes)
    if support is None and distinct.size:
        of = f" of sample {distinct[0]}" if prints.samples > 1 else ""
        raise DataError(
            f"no symbol{of} was seen twice, so that nothing bounds the entropy from above: "
            'method="nsb" then needs the number of symbols, as support='
        )
    return posterior_moments(prints, math.inf if support is None else support)


def _as_table(counts: Any) -> tuple[Counts, tuple[int, ...]]:
    """Counts as samples × symbols, and the shape of the samples."""
    table = np.asarray(counts)
    if table.dtype.kind not in "iufb" or table.ndim == 0 or table.size == 0:
        raise DataError(
            f"counts must be numbers along a last axis of symbols, not {table.dtype} of shape "
            f"{table.shape}"
        )
    return table.reshape(-1, table.shape[-1]), table.shape[:-1]


def _check_counts(table: Counts, lead: tuple[int, ...]) -> None:
    for wrong, what in ((~np.isfinite(table), "is not finite"), (table < 0, "is negative")):
        if wrong.any():
            row, symbol = (int(x) for x in np.argwhere(wrong)[0])
            raise DataError(
                f"count {symbol}{_sample(row, lead, 'of')} {what} ({table[row, symbol]}); a count "
                "is how many rows had the symbol"
            )


def _check_summary(summary: CountSummary, lead: tuple[int, ...], support: float | None) -> None:
    """Refuse samples without rows, or with more symbols than possible."""
    if not summary.rows.all():
        row = int(np.argmin(summary.rows))
        raise DataError(f"the counts{_sample(row, lead, 'of')} are all zero; give at least one row")
    row = int(np.argmax(summary.symbols))
    if support is not None and summary.symbols[row] > support:
        raise DataError(
            f"support={support:.0f} symbols, and {int(summary.symbols[row])} different ones were "
            f"seen{_sample(row, lead, 'in')}; give the number of possible symbols, unseen ones "
            "included"
        )


def _sample(row: int, lead: tuple[int, ...], preposition: str) -> str:
    """Name one of several samples in a message: " of sample (2, 1)"."""
    if not lead:
        return ""
    index = tuple(int(i) for i in np.unravel_index(row, lead))
    return f" {preposition} sample {index[0] if len(index) == 1 else index}"


def _whole_support(support: int) -> float:
    if isinstance(support, bool) or support < 1 or support != int(support):
        raise DataError(
            f"support is the number of symbols, a whole number from 1 on; not {support!r}"
        )
    return float(support)


def _is_whole(table: Counts) -> bool:
    if table.dtype.kind != "f":
        return True
    # Floats beyond 2^53 are all whole, and leaving one row out does not change them.
    return bool(np.all(table == np.floor(table))) and float(table.max()) <= 2.0**53


def _of_weights(table: Counts, lead: tuple[int, ...], method: str) -> DiscreteEntropy:
    """The plug-in estimate from sums of weights."""
    if method not in ("plug-in", "auto"):
        first = table[table != np.floor(table)][:1]
        found = f" ({first[0]:g})" if first.size else ""
        raise DataError(
            f'method="{method}" needs counts of rows, and these are not whole{found}; for weights '
            'that are not whole use method="plug-in"'
        )
    n = table.sum(axis=1, keepdims=True)
    _check_summary(CountSummary(n[:, 0], np.count_nonzero(table, axis=1), n[:, 0]), lead, None)
    shares = table / n
    logs = np.log(np.where(shares > 0.0, shares, 1.0))
    value = -np.sum(shares * logs, axis=1)
    variance = np.sum(shares * (logs + value[:, None]) ** 2, axis=1) / n[:, 0]
    sentences = (
        "rows are independent draws from one distribution",
        "weights are not whole: the plug-in estimate, with the delta method's standard error for "
        "as many rows as the weights add up to",
    )
    stderr = np.sqrt(variance)
    return DiscreteEntropy(_shaped(value, lead), _shaped(stderr, lead), "plug-in", sentences)


def _shaped(values: Vector, lead: tuple[int, ...]) -> float | Vector:
    return values.reshape(lead) if lead else float(values[0])
