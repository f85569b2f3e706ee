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
from kullback.information.fingerprint import Fingerprint
from kullback.information.leave_one_out import METHODS, LeftOut, miller_madow
from kullback.information.nsb import posterior_moments

Counts: TypeAlias = NDArray[Any]

NAMES = (*METHODS, "nsb")
# Where the sample covers less than this of the distribution (Good 1953), Grassberger's bias exceeds
# a third of its standard error on Zipf's law (over 1,000 symbols, exponents 1 and 1.5), and the 95%
# interval holds less than 93%.
COVERED = 0.98
# With fewer symbols than this, the parities of the counts go together (their sum is n), and
# Grassberger's alternating terms, which average out over many symbols, leave a bias.
_MANY_SYMBOLS = 8
# Counts that are worked on together: 512 KiB, which stay in a core's cache.
_CELLS = 1 << 16
# A bias of this many standard errors takes a 95% interval down to 93%.
_HARMFUL_BIAS = 0.3


@final
@dataclass(frozen=True, eq=False)
class DiscreteEntropy:
    """An entropy estimated from counts, in nats.

    Attributes:
        value: the estimate; an array where several samples were given.
        stderr: its standard error, of the same shape; NaN for a sample of one row.
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
    table, lead = _checked(counts)
    if not _is_whole(table):
        return _of_weights(table, lead, method)
    table = table.astype(np.int64, copy=False)
    bound = Limits(lead, None if support is None else _whole_support(support))
    reason: tuple[str, ...] = ()
    known = bound.support
    if method == "auto":
        seen = Seen.of(table)
        bound.check(seen)
        method, why = choose(seen, known)
        reason = (why,)
    value, stderr, seen = _in_parts(table, method, bound)
    words = reason + _assumptions(seen, method, known, stderr)
    return DiscreteEntropy(_shaped(value, lead), _shaped(stderr, lead), method, words)


@final
@dataclass(frozen=True, eq=False)
class Seen:
    """What the choice of an estimator and its warnings rest on, for each sample.

    Attributes:
        rows: how many rows it has, n.
        symbols: how many different symbols it has, k.
        once: how many of them were seen once.
    """

    rows: NDArray[Any]
    symbols: NDArray[Any]
    once: NDArray[Any]

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> Seen:
        """Look at counts of shape (samples, symbols)."""
        rows, symbols = counts.sum(axis=1), np.count_nonzero(counts, axis=1)
        return cls(rows, np.asarray(symbols), np.count_nonzero(counts == 1, axis=1))


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
    """The jackknife's standard error, corrected for the second order.

    Where the distribution is nearly uniform, H is nearly stationary in p, and the estimate varies
    through its second-order term only, with variance (k − 1)/(2n²) (Harris 1975). The jackknife
    counts that part twice (Efron & Stein 1981), so it is taken out twice and put in once: the rest,
    the first-order part, is at least 0. Grassberger's alternating terms add ¼ n^−2 for each symbol
    seen more than once, which the jackknife would put at 1/n: for it, Miller–Madow's is taken.
    Shrinkage is no smooth function of the shares, and keeps its jackknife.
    """
    n = prints.sizes
    if method == "shrinkage":
        return np.sqrt(found.variance(prints))
    smooth = miller_madow(prints) if method == "grassberger" else found
    second = (prints.seen - 1.0) / (2.0 * n * n)
    first = smooth.variance(prints) - 2.0 * second
    variance = np.where(first < 0.0, 0.0, first) + second
    if method == "grassberger":
        variance += (prints.seen - prints.count_of(1.0)) / (4.0 * n * n)
    return np.sqrt(variance)


def choose(seen: Seen, support: float | None) -> tuple[str, str]:
    """Choose an estimator for samples, by the one that covers the least, and say why."""
    coverage = 1.0 - seen.once / seen.rows
    worst = int(np.argmin(coverage))
    n, k, once = (int(x[worst]) for x in (seen.rows, seen.symbols, seen.once))
    of = f"sample {worst}, which covers the least: " if seen.rows.size > 1 else ""
    what = f"{of}{n:,} rows hold {k:,} symbols, {once:,} of them once, and so cover about "
    share = f"{100.0 * coverage[worst]:.3g}% of the distribution"
    start = f"chosen by method=auto: {what}{share}"
    if support is not None and (coverage[worst] < COVERED or n < support):
        return "nsb", f"{start}; with the number of symbols known, NSB allows for the rest"
    if coverage[worst] < COVERED:
        more = (
            ""
            if coverage[worst] >= 0.5
            else ". That is too little to trust any estimate that does not know the number of "
            "symbols: this one is probably too low"
        )
        return "chao-shen", f"{start}; Chao and Shen's estimate allows for the rest{more}"
    if int(seen.symbols.min()) < _MANY_SYMBOLS:
        return (
            "miller-madow",
            f"{start}; few symbols, seen often, need only Miller and Madow's term",
        )
    return "grassberger", f"{start}; Grassberger's estimate has the least bias there"


def _assumptions(seen: Seen, method: str, support: float | None, stderr: Vector) -> tuple[str, ...]:
    """What has to hold, and what to beware of."""
    words = ["rows are independent draws from one distribution"]
    n, k, once = seen.rows, seen.symbols, seen.once
    if method == "nsb":
        words.append(
            "number of symbols unknown: NSB's limit of infinitely many, with a flat prior on the "
            "expected entropy (a Dirichlet process)"
            if support is None
            else f"{support:,.0f} symbols, and a prior that is flat in the expected entropy; for "
            "long tails (Zipf) its interval may hold too little"
        )
        return tuple(words)
    bias = (k - 1.0) / (2.0 * n)
    # where all of the distribution was seen, Chao and Shen's estimate is the plug-in
    biased = (method == "plug-in") | ((method == "chao-shen") & (once <= (1.0 - COVERED) * n))
    if bool(np.any(biased & (bias > _HARMFUL_BIAS * stderr))):
        which = int(np.argmax(np.where(biased, bias, 0.0)))
        words.append(
            f"the plug-in estimate is too low by about {bias[which]:.2g} nats, (k − 1)/(2n), which "
            "its interval does not allow for"
        )
    if method in ("miller-madow", "grassberger") and bool(np.any(once > (1.0 - COVERED) * n)):
        share = float(np.max(once / n))
        words.append(
            f"about {100.0 * share:.2g}% of the distribution was not seen: the estimate is likely "
            "too low, by more than its interval allows for"
        )
    if method == "chao-shen" and bool(np.any(once > (1.0 - COVERED) * n)):
        words.append(
            f"about {100.0 * float(np.max(once / n)):.2g}% of the distribution was not seen: where "
            "that is a long tail (Zipf), the value is off by more than its interval allows for"
        )
    if method == "shrinkage":
        target = "seen" if support is None else "known"
        words.append(
            f"shrunk towards the uniform distribution over the {target} symbols; where that is "
            "near the truth, the jackknife's error is rough"
        )
    if bool(np.any(k == 1.0)):
        count = int(np.sum(k == 1.0))
        of = f" in {count:,} samples" if n.size > 1 else ""
        words.append(
            f"only one symbol was seen{of}: an error of 0 says that no row differed from another, "
            'not that none could; method="nsb" with support= tells how much may be unseen'
        )
    if bool(np.any(n == 1.0)):
        words.append("a sample of one row has no standard error")
    return tuple(words)


def _checked(counts: Any) -> tuple[Counts, tuple[int, ...]]:
    """Counts as samples × symbols, and the shape of the samples."""
    table = np.asarray(counts)
    if table.dtype.kind not in "iufb" or table.ndim == 0 or table.size == 0:
        raise DataError(
            f"counts must be numbers along a last axis of symbols, not {table.dtype} of shape "
            f"{table.shape}"
        )
    lead = table.shape[:-1]
    table = table.reshape(-1, table.shape[-1])
    if table.dtype.kind == "f" and not np.isfinite(table).all():
        raise _refused(table, ~np.isfinite(table), lead, "is not finite")
    if table.dtype.kind in "if" and table.min() < 0:
        raise _refused(table, table < 0, lead, "is negative")
    return table, lead


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
