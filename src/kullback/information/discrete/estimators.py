"""Entropy of samples of symbols from their counts: estimates, standard errors, and what they ask.

Which to use:
    plug-in       the entropy of the shares that were seen. Right where n is far above the number of
                  symbols squared; too low by about (K − 1)/(2n) otherwise.
    miller-madow  the plug-in estimate with that much added. For few symbols.
    grassberger   also right where many symbols were seen a few times only. For most samples.
    chao-shen     allows for symbols that were not seen. For samples that miss a part of them.
    shrinkage     pulled towards the uniform distribution over the symbols; least variance.
    nsb           Bayesian, with a posterior's standard deviation. For samples of fewer rows than
                  symbols, best with the number of symbols known.
    auto          one of these, by the share of the distribution that the sample covers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError, KullbackError, did_you_mean
from kullback.information.discrete.batched.chao_shen import chao_shen_of_many
from kullback.information.discrete.batched.plug_in import ADDITIVE, of_many
from kullback.information.discrete.batched.sparse_counts import without_zeros
from kullback.information.discrete.fingerprint import Fingerprint
from kullback.information.discrete.jackknife import METHODS, LeftOut, miller_madow
from kullback.information.discrete.nsb import posterior_moments
from kullback.information.discrete.selection import Seen, assumptions, choose

Counts: TypeAlias = NDArray[Any]

NAMES = (*METHODS, "nsb")
# Counts that are worked on together: 8 MiB, enough samples for what is done once for all of them.
_CELLS = 1 << 20


@final
@dataclass(frozen=True, eq=False)
class DiscreteEntropy:
    """An entropy estimated from counts, in nats.

    Attributes:
        value: the estimate; an array where several samples were given.
        stderr: its standard error, of the same shape; NaN for a sample of one row, and of Chao and
            Shen's estimate where no symbol was seen twice.
        method: the estimator, "auto" resolved.
        assumptions: what has to hold for value and error, a sentence each.
    """

    value: float | Vector
    stderr: float | Vector
    method: str
    assumptions: tuple[str, ...]


def entropy_of_counts(
    counts: Any, *, method: str = "auto", support: int | None = None
) -> DiscreteEntropy:
    """Estimate the entropy −Σ p log p, in nats, of the distribution that counts were drawn from.

    The standard error is the jackknife's, less what it adds where the estimate is flat (see
    `standard_error`); of NSB it is the posterior's standard deviation.

    Args:
        counts: how often each symbol was seen, along the last axis; the axes before it are samples
            of their own. Zeros are symbols that were not seen, or padding. Only the plug-in
            estimate takes counts that are not whole (sums of weights).
        method: "plug-in", "miller-madow", "grassberger", "chao-shen", "shrinkage", "nsb" or "auto".
        support: the number of symbols that there are, where it is known: for "shrinkage" and "nsb".

    Raises:
        DataError: counts that are negative, not finite, not whole where they have to be, or all
            zero; or more symbols seen than there are.
        KullbackError: an unknown method.

    Sources: Miller (1955); Grassberger (2003); Chao & Shen (2003); Hausser & Strimmer (2009);
    Nemenman, Shafee & Bialek (2002).

    >>> found = entropy_of_counts([4, 2, 1, 1], method="plug-in")
    >>> round(found.value, 6), round(found.stderr, 6)
    (1.213008, 0.312044)
    """
    check_method(method)
    table, lead = _as_table(counts)
    limits = Limits(lead, None if support is None else _whole_support(support))
    reason: tuple[str, ...] = ()
    many = _of_many(table, method, limits)
    if many is None:
        _check_counts(table, lead)
        if not _is_whole(table):
            return _of_weights(table, lead, method)
        table = table.astype(np.int64, copy=False)
        if method == "auto":
            seen = Seen.of(table)
            limits.check(seen)
            method, why = choose(seen, limits.support)
            reason = (why,)
            many = _of_many(table, method, limits)
    value, stderr, seen = many or _in_parts(without_zeros(table), method, limits)
    words = reason + assumptions(seen, method, limits.support, stderr)
    return DiscreteEntropy(_shaped(value, lead), _shaped(stderr, lead), method, words)


@final
@dataclass(frozen=True, eq=False)
class Limits:
    """What every sample has to keep to.

    Attributes:
        lead: the shape of the samples, for messages.
        support: the number of symbols that there are, where known.
    """

    lead: tuple[int, ...]
    support: float | None

    def check(self, seen: Seen, first: int = 0) -> None:
        """Refuse samples without rows, or with more symbols than there are.

        Args:
            seen: what was seen of some samples.
            first: the place of the first of them.

        Raises:
            DataError: a sample is one of these.
        """
        if not seen.rows.all():
            row = first + int(np.argmin(seen.rows))
            of = f"sample {_place(row, self.lead)} has" if self.lead else "the counts have"
            raise DataError(f"{of} no rows: every count is zero, and nothing can be estimated")
        if self.support is not None and int(seen.symbols.max()) > self.support:
            row = int(np.argmax(seen.symbols))
            of = f" in sample {_place(first + row, self.lead)}" if self.lead else ""
            raise DataError(
                f"support={self.support:.0f} symbols, and {int(seen.symbols[row])} different ones "
                f"were seen{of}; give the number of symbols that there are, those not seen included"
            )


def _of_many(table: Counts, method: str, limits: Limits) -> tuple[Vector, Vector, Seen] | None:
    """Estimate by looking the counts up, where there are enough of them, and all are counts."""
    if method == "chao-shen":
        many = chao_shen_of_many(without_zeros(table))
    else:
        many = of_many(table, method) if method in ADDITIVE else None
    if many is None:
        return None
    value, variance, sums = many
    seen = Seen(sums.sizes, sums.seen, sums.once)
    limits.check(seen)
    return value, corrected_error(variance, method, seen), seen


def _in_parts(table: NDArray[np.int64], method: str, limits: Limits) -> tuple[Vector, Vector, Seen]:
    """Estimate, some samples at a time."""
    # NSB's samples share their nodes, and it takes its own parts of them.
    step = len(table) if method == "nsb" else max(_CELLS // table.shape[1], 1)
    found = []
    for first in range(0, len(table), step):
        part = table[first : first + step]
        if not part.any():
            limits.check(Seen.of(part), first)
        prints = Fingerprint.of(part)
        seen = Seen(prints.sizes, prints.seen, prints.count_of(1.0))
        limits.check(seen, first)
        found.append((*estimate(prints, method, limits.support), seen))
    if len(found) == 1:
        return found[0]
    columns = [
        np.concatenate(arrays)
        for arrays in zip(
            *((value, stderr, s.rows, s.symbols, s.once) for value, stderr, s in found), strict=True
        )
    ]
    return columns[0], columns[1], Seen(*columns[2:])


def check_method(method: str) -> None:
    """Refuse an unknown estimator.

    Raises:
        KullbackError: it is none of them.
    """
    if method not in (*NAMES, "auto"):
        known = ", ".join(f'"{name}"' for name in (*NAMES, "auto"))
        raise KullbackError(
            f'method="{method}" is no estimator of entropy'
            f"{did_you_mean(method, NAMES) or '.'} Use one of {known}."
        )


def estimate(prints: Fingerprint, method: str, support: float | None) -> tuple[Vector, Vector]:
    """Estimate entropies and their standard errors from fingerprints, in nats.

    Args:
        prints: the samples' fingerprints.
        method: an estimator by name, not "auto".
        support: the number of symbols, or None.

    Raises:
        DataError: NSB without a known number of symbols, of a sample that saw none twice.
    """
    if method == "nsb":
        if support == 1.0:
            return np.zeros(prints.samples), np.zeros(prints.samples)
        if support is None and bool(np.any(prints.seen == prints.sizes)):
            which = int(np.flatnonzero(prints.seen == prints.sizes)[0])
            of = f" of sample {which}" if prints.samples > 1 else ""
            raise DataError(
                f"no symbol{of} was seen twice, so that nothing bounds the entropy from above: "
                'method="nsb" then needs the number of symbols, as support='
            )
        return posterior_moments(prints, math.inf if support is None else support)
    found = METHODS[method](prints, support)
    return found.value, standard_error(prints, method, found)


def standard_error(prints: Fingerprint, method: str, found: LeftOut) -> Vector:
    """The standard error, from the jackknife's and what `corrected_error` makes of it.

    Grassberger's alternating terms, which the jackknife would put at 1/n, are not in its jackknife:
    for it, Miller–Madow's is taken. Shrinkage is no smooth function of the shares, and keeps its
    jackknife.
    """
    if method == "shrinkage":
        return np.sqrt(found.variance(prints))
    smooth = miller_madow(prints) if method == "grassberger" else found
    seen = Seen(prints.sizes, prints.seen, prints.count_of(1.0))
    return corrected_error(smooth.variance(prints), method, seen)


def corrected_error(variance: Vector, method: str, seen: Seen) -> Vector:
    """The jackknife's standard error, corrected for the second order.

    Where the distribution is nearly uniform, H is nearly stationary in p, and the estimate varies
    through its second-order term only, with variance (k − 1)/(2n²) (Harris 1975). The jackknife
    counts that part twice (Efron & Stein 1981), so it is taken out twice and put in once: the rest,
    the first-order part, is at least 0. Grassberger's alternating terms add ¼ n^−2 for each symbol
    seen more than once.
    """
    n = seen.rows
    second = (seen.symbols - 1.0) / (2.0 * n * n)
    first = variance - 2.0 * second
    total = np.where(first < 0.0, 0.0, first) + second
    if method == "chao-shen":
        # where no symbol was seen twice, nothing tells how far the estimate may be off
        total = np.where(seen.once == n, np.nan, total)
    if method == "grassberger":
        total += (seen.symbols - seen.once) / (4.0 * n * n)
    return np.asarray(np.sqrt(total))


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
    if table.dtype.kind == "f" and not np.isfinite(table).all():
        raise _refused(table, ~np.isfinite(table), lead, "is not finite")
    if table.dtype.kind in "if" and table.min() < 0:
        raise _refused(table, table < 0, lead, "is negative")


def _refused(
    table: Counts, wrong: NDArray[np.bool_], lead: tuple[int, ...], what: str
) -> DataError:
    row, symbol = (int(x) for x in np.argwhere(wrong)[0])
    of = f" of sample {_place(row, lead)}" if lead else ""
    return DataError(
        f"count {symbol}{of} {what} ({table[row, symbol]}); a count says how many rows had the "
        "symbol"
    )


def _place(row: int, lead: tuple[int, ...]) -> str:
    index = tuple(int(i) for i in np.unravel_index(row, lead))
    return str(index[0]) if len(index) == 1 else str(index)


def _whole_support(support: int) -> float:
    if isinstance(support, bool) or support < 1 or support != int(support):
        raise DataError(
            f"support is the number of symbols, a whole number from 1 on; not {support!r}"
        )
    return float(support)


def _is_whole(table: Counts) -> bool:
    if table.dtype.kind != "f":
        return True
    # Beyond 2^53 floats are whole for want of digits, and leaving one row out changes nothing.
    return bool(np.all(table == np.floor(table))) and float(table.max()) <= 2.0**53


def _of_weights(table: Counts, lead: tuple[int, ...], method: str) -> DiscreteEntropy:
    """The plug-in estimate from sums of weights."""
    if method not in ("plug-in", "auto"):
        symbol = np.argwhere(table != np.floor(table))
        found = f" ({table[tuple(symbol[0])]:g})" if len(symbol) else ""
        raise DataError(
            f'method="{method}" needs counts of rows, and these are not whole{found}; with weights '
            'that are not counts only method="plug-in" has a meaning'
        )
    n = table.sum(axis=1, keepdims=True)
    Limits(lead, None).check(Seen(n[:, 0], np.count_nonzero(table, axis=1), n[:, 0]))
    shares = table / n
    logs = np.log(np.where(shares > 0.0, shares, 1.0))
    value = -np.sum(shares * logs, axis=1)
    variance = np.sum(shares * (logs + value[:, None]) ** 2, axis=1) / n[:, 0]
    words = (
        "rows are independent draws from one distribution",
        "weights are not whole: the plug-in estimate, with the delta method's standard error for "
        "as many rows as the weights add up to",
    )
    return DiscreteEntropy(_shaped(value, lead), _shaped(np.sqrt(variance), lead), "plug-in", words)


def _shaped(values: Vector, lead: tuple[int, ...]) -> float | Vector:
    return values.reshape(lead) if lead else float(values[0])
