"""Entropy of many discrete samples in one call, compared with loops over dit, infomeasure and ndd.

dit and infomeasure take the rows, ndd the counts. A peer is timed on the first samples of the same
table, one call a sample, and Kullback on all 10,000 in one call, with standard errors, which of the
peers only ndd gives. One call warms up each, and each time is the best of three.

    pip install dit infomeasure ndd      # ndd compiles Fortran
    python benchmarks/information_discrete.py
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec

import numpy as np

from kullback.information.discrete.counts import count_values
from kullback.information.discrete.estimators import entropy_of_counts

SAMPLES = 10_000
# A loop over all samples takes the peers up to minutes; so many are enough to time one call.
PEER_SAMPLES = 100
SHAPES = ((1_000, 100), (10_000, 1_000), (200, 1_000), (100_000, 100))


def infomeasure(method: str) -> Callable[[np.ndarray, np.ndarray], float]:
    import infomeasure as im

    logging.disable(logging.WARNING)
    names = {"plug-in": "discrete", "miller-madow": "miller_madow", "chao-shen": "chao_shen"}
    name = names.get(method, {"shrinkage": "shrink"}.get(method, method))

    def estimate(rows: np.ndarray, counts: np.ndarray) -> float:
        options = {"K": counts.size} if method == "nsb" else {}
        return float(im.entropy(rows, approach=name, **options))

    return estimate


def dit(rows: np.ndarray, counts: np.ndarray) -> float:  # noqa: ARG001
    from dit.inference import entropy_0

    return float(entropy_0(rows, 1)) * np.log(2.0)


def ndd(rows: np.ndarray, counts: np.ndarray) -> float:  # noqa: ARG001
    for name in ("PZERO", "NZERO"):  # ndd 1.10 imports constants that NumPy 2 no longer has
        if not hasattr(np, name):
            setattr(np, name, 0.0)
    import ndd as package

    return float(package.entropy(counts, k=counts.size, return_std=True)[0])


def each(
    peer: Callable[[np.ndarray, np.ndarray], float],
    rows: Sequence[np.ndarray],
    counts: Sequence[np.ndarray],
) -> list[float]:
    """A peer's estimates, sample by sample."""
    return [peer(r, c) for r, c in zip(rows, counts, strict=True)]


def best(call: Callable[[], object], repeats: int) -> float:
    """The shortest of several times, in seconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def main() -> None:
    rng = np.random.default_rng(0)
    print("| rows | symbols | estimator | Kullback µs | peer | peer µs | ratio | values apart |")
    print("|---|---|---|---|---|---|---|---|")
    for n, symbols in SHAPES:
        weights = 1.0 / np.arange(1, symbols + 1)
        table = rng.multinomial(n, weights / weights.sum(), size=SAMPLES)
        few = table[:PEER_SAMPLES]
        rows = [rng.permutation(np.repeat(np.arange(symbols), counts)) for counts in few]
        for method in (
            "plug-in",
            "miller-madow",
            "grassberger",
            "chao-shen",
            "shrinkage",
            "nsb",
        ):
            support = symbols if method == "nsb" else None

            own = partial(entropy_of_counts, table, method=method, support=support)
            own_time = best(own, 3) / SAMPLES
            values = np.asarray(entropy_of_counts(few, method=method, support=support).value)
            peers = {"infomeasure": infomeasure(method)}
            if method == "plug-in":
                peers["dit"] = dit
            if method == "nsb":
                peers["ndd"] = ndd
            for name, peer in peers.items():
                if find_spec(name) is None:
                    continue  # ndd needs a Fortran compiler to be installed
                peer(rows[0], few[0])

                loop = partial(each, peer, rows, few)
                found = np.array(loop())
                peer_time = best(loop, 3) / PEER_SAMPLES
                apart = float(np.max(np.abs(found - values)))
                print(
                    f"| {n:,} | {symbols:,} | {method} | {1e6 * own_time:.2f} | {name} | "
                    f"{1e6 * peer_time:.0f} | {peer_time / own_time:.0f}× | {apart:.1e} |",
                    flush=True,
                )
    rows_in_memory = rng.integers(0, 1000, 100_000_000)
    seconds = best(lambda: entropy_of_counts(count_values(rows_in_memory).counts), 1)
    print(f"\n100,000,000 integer rows in memory, counted and estimated: {seconds:.2f} s")


if __name__ == "__main__":
    main()
