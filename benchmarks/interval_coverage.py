"""Coverage of Wald and profile intervals of parameters, on samples of known distributions.

Run it as ``python benchmarks/interval_coverage.py [samples]``: it adds pieces of 500 samples to the
counts in interval_coverage.json until every case has 10,000, or as many as given, and writes the
section "Intervals of parameters" of COVERAGE.md. Samples are drawn by SciPy with a seed for each
family, size and piece, so that a piece has the same samples in every run.

Both use grouped fits, ``kl.fit(..., by=...)``. A profile interval holds the values whose deviance
is below the chi-squared quantile: whether it holds the true one is known from the fits with the
parameter fixed there. The first samples of every case are checked against their intervals.
"""

from __future__ import annotations

import json
import math
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import scipy.stats as st
from page_section import write_section

import kullback as kl
from kullback.results.wald import interval_ends

PIECE = 500
SAMPLES = 10_000
CHECKED = 5  # samples of each case whose profile intervals are made
METHODS = ("wald", "profile")
SIZES = (30, 100, 500)
LEVEL = 0.95
# the model, the distribution that samples are drawn from, and the parameters' true values
FAMILIES = {
    "Exponential": (kl.Exponential(), st.expon(scale=2.0), {"rate": 0.5}),
    "Normal": (kl.Normal(), st.norm(3.0, 2.0), {"loc": 3.0, "scale": 2.0}),
    "LogNormal": (kl.LogNormal(), st.lognorm(0.8, scale=math.e), {"loc": 1.0, "scale": 0.8}),
    "Gamma": (kl.Gamma(), st.gamma(2.5, scale=2.0), {"shape": 2.5, "rate": 0.5}),
    "Weibull": (kl.Weibull(), st.weibull_min(1.5, scale=3.0), {"shape": 1.5, "scale": 3.0}),
    "GeneralizedExtremeValue": (
        kl.GeneralizedExtremeValue(),
        st.genextreme(-0.1, 10.0, 2.0),
        {"loc": 10.0, "scale": 2.0, "shape": 0.1},
    ),
    "Poisson": (kl.Poisson(), st.poisson(3.0), {"rate": 3.0}),
}
HERE = Path(__file__).parent
COUNTS, PAGE = HERE / "interval_coverage.json", HERE / "COVERAGE.md"
HEADING = "## Intervals of parameters"


def samples(family: str, n: int, piece: int) -> np.ndarray:
    """The rows of a piece, shape (PIECE, n)."""
    seed = [zlib.crc32(family.encode()), n, piece]
    return FAMILIES[family][1].rvs((PIECE, n), random_state=np.random.default_rng(seed)) * 1.0


def piece_counts(family: str, rows: np.ndarray, check: bool) -> dict[str, dict[str, list[int]]]:
    """By method and parameter: intervals that hold the true value, and those that are unknown."""
    model, distribution, truth = FAMILIES[family]
    keys = np.repeat(np.arange(PIECE), rows.shape[1])
    data = {"y": rows.ravel(), "sample": keys}
    table = kl.fit(model, data, "y", by="sample")
    z = st.norm.ppf(0.5 + 0.5 * LEVEL)
    found: dict[str, dict[str, list[int]]] = {method: {} for method in METHODS}
    for name, value in truth.items():
        ends = interval_ends(table.params[name], table.stderr[name], z, model.parameters[name])
        known = ~np.isnan(ends).any(axis=1)
        held = known & (ends[:, 0] <= value) & (value <= ends[:, 1])
        found["wald"][name] = [int(held.sum()), int((~known).sum())]
        if len(truth) == 1:
            log_density = getattr(distribution, "logpdf", None) or distribution.logpmf
            fixed = log_density(rows).sum(axis=1)
            converged = table.converged
        else:
            at = kl.fit(type(model)(**{name: value}), data, "y", by="sample")
            fixed, converged = at.log_likelihood, table.converged & at.converged
        held = converged & (2.0 * (table.log_likelihood - fixed) <= z * z)
        found["profile"][name] = [int(held.sum()), int((~converged).sum())]
        for i in range(CHECKED if check else 0):
            fit = kl.fit(model, rows[i])
            low, high = fit.interval(LEVEL, method="profile", parameters=[name])[name]
            assert held[i] == (low <= value <= high), (family, name, i)
    return found


def more(limit: int) -> dict[str, list[dict[str, dict[str, list[int]]]]]:
    """Count further pieces, and keep them after each."""
    counts = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    start = time.perf_counter()
    for family in FAMILIES:
        for n in SIZES:
            pieces = counts.setdefault(f"{family} {n}", [])
            while len(pieces) * PIECE < limit:
                rows = samples(family, n, len(pieces))
                pieces.append(piece_counts(family, rows, not pieces))
                COUNTS.write_text(json.dumps(counts, sort_keys=True) + "\n")
            print(f"{time.perf_counter() - start:7.1f} s  {family} {n}", flush=True)
    return counts


def section(counts: dict[str, list[dict[str, dict[str, list[int]]]]]) -> str:
    """The section of the page."""
    rows, outside, worst = [], [], []
    for family, (_, _, truth) in FAMILIES.items():
        for name, value in truth.items():
            cells = []
            for method in METHODS:
                for n in SIZES:
                    pieces = counts[f"{family} {n}"]
                    total = PIECE * len(pieces)
                    share = sum(piece[method][name][0] for piece in pieces) / total
                    unknown = sum(piece[method][name][1] for piece in pieces)
                    error = math.sqrt(share * (1.0 - share) / total)
                    mark = "" if 0.94 <= share <= 0.96 else "\\*"
                    note = f" ({unknown} unknown)" if unknown else ""
                    cells.append(f"{100 * share:.1f} ± {100 * error:.1f}{mark}{note}")
                    where = f"{method}, {family} {name}: {100 * share:.1f}%"
                    if mark and n == 500:
                        outside.append(where)
                    if mark and n == 30:
                        worst.append(where)
            rows.append(f"| {family} | {name} = {value:g} | {' | '.join(cells)} |")
    totals = sorted({PIECE * len(pieces) for pieces in counts.values()})
    of = " or ".join(f"{total:,}" for total in totals)
    head = " | ".join(f"{m}, n = {n}" for m in ("Wald", "profile") for n in SIZES)
    return "\n".join(
        [
            HEADING,
            "",
            "Written by `python benchmarks/interval_coverage.py`, which has the seeds: the share "
            f"of {of} samples, in %, whose 95% interval holds the true parameter, and its binomial "
            "error. A star marks shares outside 94 to 96%; a sample without an interval counts "
            "as one that does not hold.",
            "",
            f"At n = 500 {'outside: ' + '; '.join(outside) if outside else 'all lie inside'}. At n "
            f"= 30 {'outside: ' + '; '.join(worst) if worst else 'all lie inside'}.",
            "",
            f"| family | parameter | {head} |",
            "|---" * 8 + "|",
            *rows,
            "",
        ]
    )


def main() -> None:
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    text = section(more(limit))
    write_section(PAGE, HEADING, text)


if __name__ == "__main__":
    main()
