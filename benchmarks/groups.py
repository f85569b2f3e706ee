"""A Weibull or a negative binomial fit to every group of 100 rows, against a loop of the peer's.

From a data frame to a data frame of the estimates with standard errors. The loop is timed on the
first 200 groups, already split, and its time multiplied; standard errors are the peer's where it
has them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from measure import Measured, alternate, timed
from scipy import stats

import kullback as kl

SIZE = 100  # rows of a group
TIMED = 200  # groups of a loop that are timed
PAUSE = 0.25


def unsorted_against_scipy(rows: int, repeats: int) -> Measured:
    return _side_by_side(rows, repeats, _scipy, shuffled=True)


def sorted_against_scipy(rows: int, repeats: int) -> Measured:
    return _side_by_side(rows, repeats, _scipy, shuffled=False)


def against_surpyval(rows: int, repeats: int) -> Measured:
    import surpyval

    def fit(x: Any) -> tuple[float, float]:
        scale, shape = surpyval.Weibull.fit(x).params
        return shape, scale

    return _side_by_side(rows, repeats, fit, shuffled=True)


def censored_against_surpyval(rows: int, repeats: int) -> Measured:
    """The same with about 30% of the rows right-censored, from events in a column."""
    import surpyval

    def fit(x: Any, c: Any) -> tuple[float, float]:
        scale, shape = surpyval.Weibull.fit(x, c).params
        return shape, scale

    return _side_by_side(rows, repeats, fit, shuffled=True, censored=True)


def _scipy(x: Any) -> tuple[float, float]:
    shape, _, scale = stats.weibull_min.fit(x, floc=0)
    return shape, scale


def _side_by_side(
    rows: int,
    repeats: int,
    peer: Callable[..., tuple[float, float]],
    *,
    shuffled: bool,
    censored: bool = False,
) -> Measured:
    groups = rows // SIZE
    random = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "machine": np.repeat(np.arange(groups), SIZE),
            "hours": 3.0 * random.weibull(np.repeat(random.uniform(1.0, 3.0, groups), SIZE)),
        }
    )
    if censored:
        end = random.exponential(7.0, rows)
        frame["failed"] = frame["hours"] <= end
        frame["hours"] = np.minimum(frame["hours"], end)
    some = [frame["hours"].to_numpy().reshape(groups, SIZE)[:TIMED]]
    if censored:  # the peers' flag: 1 for a row that is censored
        some.append(1 - frame["failed"].to_numpy().reshape(groups, SIZE)[:TIMED])
    if shuffled:
        frame = frame.sample(frac=1.0, random_state=1).reset_index(drop=True)
    event = "failed" if censored else None

    def own() -> Any:
        return kl.fit(kl.Weibull(), frame, "hours", event=event, by="machine").to_frame()

    def theirs() -> list[tuple[float, float]]:
        return [peer(*x) for x in zip(*some, strict=True)]

    def log_likelihood(estimates: Sequence[tuple[float, float]]) -> float:
        total = 0.0
        for x, (shape, scale) in zip(zip(*some, strict=True), estimates, strict=True):
            own = stats.weibull_min(shape, 0.0, scale)
            seen = np.ones(SIZE, dtype=bool) if len(x) == 1 else x[1] == 0
            total += float(own.logpdf(x[0][seen]).sum() + own.logsf(x[0][~seen]).sum())
        return total

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, found = timed(own)
        if not found["converged"].all() or not np.isfinite(found["shape_stderr"]).all():
            raise RuntimeError("a group did not converge")
        loop, ours = alternate([theirs, own], repeats, PAUSE)
    made = ours.result[["shape", "scale"]].to_numpy()[:TIMED].tolist()
    times = groups / TIMED
    return Measured(
        peer_seconds=[seconds * times for seconds in loop.seconds],
        own_seconds=ours.seconds,
        peer_first=loop.first * times,
        own_first=first,
        peer_log_likelihood=log_likelihood(loop.result),
        own_log_likelihood=log_likelihood([(c, s) for c, s in made]),
        notes=[f"loop timed on {TIMED} groups"],
    )


def negative_binomial_against_statsmodels(rows: int, repeats: int) -> Measured:
    """Counts on three columns: the mean by a formula, the size a number, both with errors."""
    import statsmodels.api as sm

    groups, random = rows // SIZE, np.random.default_rng(8)
    x = random.standard_normal((rows, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, 3.0]
    level = np.repeat(random.standard_normal(groups), SIZE)
    mean = np.exp(4.0 + level + x @ [0.3, 0.02, -0.5])
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    frame["y"] = random.negative_binomial(2.0, 2.0 / (2.0 + mean)).astype(float)
    frame["group"] = np.repeat(np.arange(groups), SIZE)
    some = range(min(TIMED, groups))
    y, design = frame["y"].to_numpy(), sm.add_constant(x)
    parts = [slice(k * SIZE, (k + 1) * SIZE) for k in some]

    def own() -> Any:
        return kl.fit(kl.NegativeBinomial(mean="~ a + b + c"), frame, "y", by="group").to_frame()

    def theirs() -> list[float]:
        found = []
        for part in parts:
            result = sm.NegativeBinomial(y[part], design[part]).fit(
                disp=0, method="newton", maxiter=100
            )
            found.append(float(result.llf) if np.isfinite(result.bse).all() else -np.inf)
        return found

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, _ = timed(own)
        loop, ours = alternate([theirs, own], repeats, PAUSE)
    times, made = groups / len(parts), ours.result
    # of the groups that both fitted
    pairs = [
        (peer, mine)
        for peer, mine, converged in zip(
            loop.result, made["log_likelihood"], made["converged"], strict=False
        )
        if converged and np.isfinite(peer)
    ]
    converged = int(made["converged"].sum())
    return Measured(
        peer_seconds=[seconds * times for seconds in loop.seconds],
        own_seconds=ours.seconds,
        peer_first=loop.first * times,
        own_first=first,
        peer_log_likelihood=float(sum(peer for peer, _ in pairs)),
        own_log_likelihood=float(sum(mine for _, mine in pairs)),
        notes=[
            f"loop timed on {len(parts)} groups, compared on the {len(pairs)} that both fitted",
            f"{converged:,} of {groups:,} groups converged",
        ],
    )
