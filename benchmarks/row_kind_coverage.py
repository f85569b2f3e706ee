"""Coverage of Wald intervals from censored, truncated and binned rows of known distributions.

Run it as ``python benchmarks/row_kind_coverage.py [samples [seconds]]``: it adds pieces of 100
samples of 500 rows to the counts in row_kind_coverage.json, a piece of every case in turn, until
each has 10,000 samples, or as many as given, or the time is up, and writes the section "Intervals
from rows of every kind" of COVERAGE.md. Samples are drawn by inversion with a seed for each family,
kind and piece, so that a piece has the same samples in every run.
"""

from __future__ import annotations

import json
import math
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats as st
from page_section import write_section

import kullback as kl
from kullback.results.wald import interval_ends

PIECE, ROWS, SAMPLES, LEVEL = 100, 500, 10_000, 0.95
FAMILIES = {
    "Exponential": (kl.Exponential(), st.expon(scale=2.0), {"rate": 0.5}),
    "Normal": (kl.Normal(), st.norm(3.0, 2.0), {"loc": 3.0, "scale": 2.0}),
    "LogNormal": (kl.LogNormal(), st.lognorm(0.8, scale=math.e), {"loc": 1.0, "scale": 0.8}),
    "Weibull": (kl.Weibull(), st.weibull_min(1.5, scale=3.0), {"shape": 1.5, "scale": 3.0}),
    "Gamma": (kl.Gamma(), st.gamma(2.5, scale=2.0), {"shape": 2.5, "rate": 0.5}),
}
# the arguments of kl.fit for each kind
KINDS: dict[str, dict[str, Any]] = {
    "exact": {"y": "x"},
    "30% right-censored": {"y": "x", "event": "seen"},
    "interval-censored": {"y": ("lower", "upper")},
    "left-truncated": {"y": "x", "truncation": ("entry", None)},
    "binned": {"y": ("lower", "upper"), "weights": "n"},
}
HERE = Path(__file__).parent
COUNTS, PAGE = HERE / "row_kind_coverage.json", HERE / "COVERAGE.md"
HEADING = "## Intervals from rows of every kind"


def sample(law: Any, kind: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One sample of a distribution, observed in one way."""
    u, v = rng.uniform(size=(2, ROWS))
    x = law.ppf(u)
    if kind == "30% right-censored":  # with survival v^(7/3) a limit comes first 3 times in 10
        limit = law.isf(v ** (7.0 / 3.0))
        return {"x": np.minimum(x, limit), "seen": (x <= limit) * 1.0}
    if kind == "left-truncated":  # entries over the lower six tenths
        entry = law.ppf(0.6 * v)
        return {"x": law.isf((1.0 - u) * law.sf(entry)), "entry": entry}
    least = law.support()[0]
    if kind == "interval-censored":  # inspected at distances of a deviation, from an own time on
        width = law.std()
        lower = (np.floor(x / width - v) + v) * width
        return {"lower": np.maximum(lower, least), "upper": lower + width}
    if kind == "binned":
        width = 0.5 * law.std()
        cell, n = np.unique(np.floor(x / width), return_counts=True)
        return {"lower": cell * width, "upper": (cell + 1.0) * width, "n": n * 1.0}
    return {"x": x}


def fitted(
    model: kl.Model, samples: list[dict[str, np.ndarray]], roles: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Estimates and errors of all samples, each a group."""
    keys = np.repeat(np.arange(len(samples)), [len(s[min(s)]) for s in samples])
    data = {name: np.concatenate([s[name] for s in samples]) for name in samples[0]}
    table = kl.fit(model, {**data, "sample": keys}, **roles, by="sample")
    return table.params, table.stderr


def piece_counts(family: str, kind: str, piece: int) -> dict[str, list[int]]:
    """By parameter: intervals that hold the true value, and those that are unknown."""
    model, law, truth = FAMILIES[family]
    rng = np.random.default_rng([zlib.crc32(f"{family} {kind}".encode()), piece])
    samples = [sample(law, kind, rng) for _ in range(PIECE)]
    params, errors = fitted(model, samples, KINDS[kind])
    z = st.norm.ppf(0.5 + 0.5 * LEVEL)
    found = {}
    for name, value in truth.items():
        ends = interval_ends(params[name], errors[name], z, model.parameters[name])
        known = ~np.isnan(ends).any(axis=1)
        held = known & (ends[:, 0] <= value) & (value <= ends[:, 1])
        found[name] = [int(held.sum()), int((~known).sum())]
    return found


def more(limit: int, seconds: float) -> dict[str, list[dict[str, list[int]]]]:
    """Count further pieces, one of every case in turn, and keep them after each round."""
    counts = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    start = time.perf_counter()
    cases = [(family, kind) for family in FAMILIES for kind in KINDS]
    pieces = {case: counts.setdefault(" ".join(case), []) for case in cases}
    while True:
        fewest = min(map(len, pieces.values()))
        if fewest * PIECE >= limit or (fewest and time.perf_counter() - start > seconds):
            return counts
        for case in cases:
            if len(pieces[case]) == fewest:
                pieces[case].append(piece_counts(*case, fewest))
        COUNTS.write_text(json.dumps(counts, sort_keys=True) + "\n")
        print(f"{time.perf_counter() - start:7.1f} s  {(fewest + 1) * PIECE} samples", flush=True)


def section(counts: dict[str, list[dict[str, list[int]]]]) -> str:
    """The section of the page."""
    rows, outside = [], []
    totals = sorted({PIECE * len(pieces) for pieces in counts.values()})
    for family, (_, _, truth) in FAMILIES.items():
        for name, value in truth.items():
            cells = []
            for kind in KINDS:
                pieces = counts[f"{family} {kind}"]
                total = PIECE * len(pieces)
                share = sum(piece[name][0] for piece in pieces) / total
                unknown = sum(piece[name][1] for piece in pieces)
                error = math.sqrt(share * (1.0 - share) / total)
                chance = math.sqrt(LEVEL * (1.0 - LEVEL) / total)
                mark = "\\*" if abs(share - LEVEL) > 0.01 + 2.0 * chance else ""
                note = f" ({unknown} unknown)" if unknown else ""
                cells.append(f"{100 * share:.1f} ± {100 * error:.1f}{mark}{note}")
                if mark:
                    outside.append(f"{family} {name}, {kind}: {100 * share:.1f}%")
            rows.append(f"| {family} | {name} = {value:g} | {' | '.join(cells)} |")
    of = " or ".join(f"{total:,}" for total in totals)
    return "\n".join(
        [
            HEADING,
            "",
            "Written by `python benchmarks/row_kind_coverage.py`, which has the seeds: the share "
            f"of {of} samples of {ROWS} rows, in %, whose 95% Wald interval holds the true "
            "parameter, and its binomial error. A star marks shares that are outside 94 to 96% by "
            "more than two errors of 95%; a sample without an interval counts as one that does "
            "not hold.",
            "",
            f"Outside: {'; '.join(outside) if outside else 'none'}.",
            "",
            f"| family | parameter | {' | '.join(KINDS)} |",
            "|---" * (2 + len(KINDS)) + "|",
            *rows,
            "",
        ]
    )


def main() -> None:
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else math.inf
    text = section(more(limit, seconds))
    write_section(PAGE, HEADING, text)


if __name__ == "__main__":
    main()
