"""Coverage of bootstrap intervals, and rejection rates of goodness-of-fit tests.

    python benchmarks/bootstrap_coverage.py intervals --samples 2000 [--families Normal ...]
    python benchmarks/bootstrap_coverage.py tests --samples 2000 [--families Weibull ...]
    python benchmarks/bootstrap_coverage.py write

The first two append a line of JSON for each row to bootstrap_coverage.jsonl, so that a run can be
made in pieces; the last writes its tables to the end of COVERAGE.md, and has to be run again where
information_coverage.py, which writes the other sections, was run. Samples are NumPy's, from the
seed, the family and the number of rows, and so the same whichever rows are run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats

import kullback as kl

HERE = Path(__file__).resolve().parent
FOUND = HERE / "bootstrap_coverage.jsonl"
HEADING = "## Bootstrap intervals and goodness-of-fit tests"

SEED = 20261128
INTERVAL_SIZES, TEST_SIZES = (30, 100, 500), (50, 500)
REPLICATES = 399  # of intervals
DRAWS = 199  # of a test: p-values are multiples of 1/200, among them 0.01, 0.05 and 0.1
LEVELS = (0.01, 0.05, 0.1)

Draw = Callable[[np.random.Generator, int], np.ndarray]

# the true parameters, and NumPy's samples
FAMILIES: dict[str, tuple[Any, dict[str, float], Draw]] = {
    "Normal": (kl.Normal, {"loc": 1.0, "scale": 2.0}, lambda g, n: g.normal(1.0, 2.0, n)),
    "Exponential": (kl.Exponential, {"rate": 0.5}, lambda g, n: g.exponential(2.0, n)),
    "Gamma": (kl.Gamma, {"shape": 2.0, "rate": 1.0}, lambda g, n: g.gamma(2.0, 1.0, n)),
    "Weibull": (kl.Weibull, {"shape": 1.5, "scale": 3.0}, lambda g, n: 3.0 * g.weibull(1.5, n)),
    "Gumbel": (kl.Gumbel, {"loc": 1.0, "scale": 2.0}, lambda g, n: g.gumbel(1.0, 2.0, n)),
    "Poisson": (kl.Poisson, {"rate": 3.0}, lambda g, n: g.poisson(3.0, n).astype(float)),
    "Geometric": (
        kl.Geometric,
        {"probability": 0.25},
        lambda g, n: g.geometric(0.25, n) - 1.0,
    ),
}
TESTED = ("Normal", "Exponential", "Weibull", "Gumbel", "Poisson")
# for power: samples of a gamma distribution of shape 1.4, tested as exponential, with the parameter
# estimated, beside Kolmogorov's table for known parameters at the same estimate
POWER = "Gamma(1.4, 1) tested as Exponential"


def generator(name: str, n: int, sample: int) -> np.random.Generator:
    return np.random.default_rng([SEED, *name.encode(), n, sample])


def intervals(name: str, n: int, samples: int) -> dict[str, Any]:
    """Coverage of 95% intervals: bootstrap (BCa), plain percentiles, Wald."""
    family, true, draw = FAMILIES[name]
    hits: dict[str, dict[str, int]] = {
        p: dict.fromkeys(("bca", "percentile", "wald"), 0) for p in true
    }
    failed = 0
    for i in range(samples):
        fit = kl.fit(family(), draw(generator(name, n, i), n))
        made = fit.bootstrap(REPLICATES, seed=i)
        failed += made.failed
        bca = fit.interval(method="bootstrap", bootstrap=made)
        wald = fit.interval()
        for parameter, value in true.items():
            plain = np.quantile(made.params[parameter][made.made], [0.025, 0.975])
            ends = {"bca": bca[parameter], "percentile": plain, "wald": wald[parameter]}
            for method, (low, high) in ends.items():
                hits[parameter][method] += bool(low <= value <= high)
    return {"hits": hits, "failed": failed}


def tests(name: str, n: int, samples: int) -> dict[str, Any]:
    """Rejection rates of every statistic."""
    rejected: dict[str, list[int]] = {}
    for i in range(samples):
        if name == POWER:
            family, y = kl.Exponential, generator(name, n, i).gamma(1.4, 1.0, n)
        else:
            family, _, draw = FAMILIES[name]
            y = draw(generator(name, n, i), n)
        fit = kl.fit(family(), y)
        p = {k: t.p_value for k, t in fit.goodness_of_fit(DRAWS, seed=i).tests.items()}
        if name == POWER:
            table = scipy.stats.kstest(y, "expon", args=(0.0, 1.0 / fit.params["rate"]))
            p["table of known parameters"] = table.pvalue
        for statistic, value in p.items():
            counts = rejected.setdefault(statistic, [0] * len(LEVELS))
            for j, level in enumerate(LEVELS):
                counts[j] += bool(value <= level + 1e-12)
    return {"rejected": rejected}


def run(kind: str, names: list[str], sizes: tuple[int, ...], samples: int) -> None:
    for name in names:
        for n in sizes:
            begin = time.process_time()
            found = (intervals if kind == "intervals" else tests)(name, n, samples)
            row = {"kind": kind, "family": name, "n": n, "samples": samples, **found}
            with FOUND.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(row) + "\n")
            print(f"{kind} {name} n={n}: {time.process_time() - begin:.0f} s", flush=True)


def error(share: float, samples: int) -> float:
    return float(np.sqrt(max(share * (1.0 - share), 0.0) / samples))


def tables() -> str:
    rows = {}
    for line in FOUND.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows[row["kind"], row["family"], row["n"]] = row  # the last run of a row counts
    order = [*FAMILIES, POWER]
    rows = dict(sorted(rows.items(), key=lambda item: (order.index(item[0][1]), item[0][2])))
    out = [HEADING, ""]
    out += [
        "Written by `python benchmarks/bootstrap_coverage.py write` from the runs in",
        f"bootstrap_coverage.jsonl; samples are NumPy's, seed {SEED}. Errors are binomial.",
        "",
        f"Coverage in per cent of 95% intervals of {REPLICATES} Poisson replicates, default seeds",
        '0, 1, 2, ...: `fit.interval(method="bootstrap")` (BCa), beside plain percentiles of the',
        "same replicates and Wald intervals. *outside* marks bootstrap shares outside 93 to 97%.",
        "",
        "| family | parameter | n | samples | bootstrap | percentiles | Wald | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (kind, name, n), row in rows.items():
        if kind != "intervals":
            continue
        m = row["samples"]
        for parameter, hits in row["hits"].items():
            share = {method: count / m for method, count in hits.items()}
            mark = "" if 0.93 <= share["bca"] <= 0.97 else "outside"
            shown = f"{100 * share['bca']:.1f} ± {100 * error(share['bca'], m):.1f}"
            out.append(
                f"| {name} | {parameter} | {n} | {m:,} | {shown} | {100 * share['percentile']:.1f} "
                f"| {100 * share['wald']:.1f} | {mark} |"
            )
    out += [
        "",
        "Goodness of fit: shares of samples of the true model, in per cent, whose p-value from",
        f"{DRAWS} bootstrap samples is at most 0.01, 0.05 and 0.1; and under another distribution,",
        "the power. The table of known parameters is SciPy's `kstest` at the estimate.",
        "",
        "| samples of | statistic | n | samples | 1% | 5% | 10% |",
        "|---|---|---|---|---|---|---|",
    ]
    for (kind, name, n), row in rows.items():
        if kind != "tests":
            continue
        m = row["samples"]
        for statistic, counts in row["rejected"].items():
            shares = [count / m for count in counts]
            cells = " | ".join(f"{100 * s:.1f} ± {100 * error(s, m):.1f}" for s in shares)
            out.append(f"| {name} | {statistic.replace('_', ' ')} | {n} | {m:,} | {cells} |")
    return "\n".join(out) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage and rejection rates of the bootstrap.")
    parser.add_argument("kind", choices=("intervals", "tests", "write"))
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--families", nargs="*")
    parser.add_argument("--sizes", nargs="*", type=int)
    options = parser.parse_args()
    if options.kind == "write":
        page = HERE / "COVERAGE.md"
        text = page.read_text(encoding="utf-8").split(HEADING)[0].rstrip("\n")
        page.write_text(f"{text}\n\n{tables()}", encoding="utf-8")
        return
    names = options.families or [*(FAMILIES if options.kind == "intervals" else (*TESTED, POWER))]
    sizes = INTERVAL_SIZES if options.kind == "intervals" else TEST_SIZES
    run(options.kind, names, tuple(options.sizes or sizes), options.samples)


if __name__ == "__main__":
    main()
