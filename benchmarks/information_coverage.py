"""Bias of the estimators, and coverage of their 95% intervals, on known distributions.

Run it as ``python benchmarks/information_coverage.py``; it writes COVERAGE.md and coverage.svg
to its folder. ``python benchmarks/information_coverage.py shorter 300`` prints those rows of the
section "Shorter runs" that have 300 rows of data, and with "Mutual" after it those of that
section alone; the first call keeps that section as it is. All
estimates and intervals are those of the public functions. Needs matplotlib.

TRUTHS below gives the sources of the truths.
"""

from __future__ import annotations

import functools
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import integrate, stats

import kullback as kl

SEED = 20240601
REPEATS = 500  # of the table, and of its marks
# A second run on other samples shows, with half the spread, which rows of the 500 lie outside by
# chance. Reasons are taken from it, as it had no part in the choice of the rows.
FURTHER = 2000
BAND = (0.93, 0.97)
LOOKED_AT = 100  # samples of a marked row whose assumptions are read for a warning
# Phrases of the assumptions that warn of an estimate's interval.
WARNINGS = (
    "too low",
    "off by more than its interval",
    "does not allow for",
    "large bias",
    "is biased",
    "error is rough",
    "may cover too little",
    "as its bound",
    "than it says",
    "may be understated",
    "in 89% to 100% of such samples",
    "samples do not overlap",
)

METHODS = ("plug-in", "miller-madow", "grassberger", "chao-shen", "shrinkage", "nsb", "auto")
SECTIONS = (
    "Entropy of counted values",
    "Entropy of continuous values",
    "Relative entropy between two samples",
    "Mutual information",
)
SMALL, LARGE = "#c8553d", "#1b6ca8"
LEFT = 80.0  # per cent: the left end of the axis


@dataclass(frozen=True)
class Sample:
    """The results of one case, an entry for each repetition."""

    value: np.ndarray
    stderr: np.ndarray
    held: np.ndarray
    used: Counter[str]

    def numbers(self, truth: float) -> tuple[float, float, float, float]:
        """Bias, standard deviation, mean standard error, coverage."""
        deviation = float(self.value.std(ddof=1))
        return (
            float(self.value.mean()) - truth,
            deviation,
            float(self.stderr.mean()),
            float(self.held.mean()),
        )


@dataclass(frozen=True)
class Case:
    """One row: an estimator on one distribution at one size.

    ``draw`` gives one sample of a continuous distribution, ``counts`` several of a counted one.
    """

    section: str
    estimator: str
    distribution: str
    n: str
    large: bool
    truth: float
    draw: Callable[[np.random.Generator], Any]
    estimate: Callable[[Any], kl.Estimate]
    counts: Callable[[np.random.Generator, int], np.ndarray] | None = None

    def generator(self, run: int) -> np.random.Generator:
        # Without the estimator: all of them get the same samples of a distribution.
        return np.random.default_rng([SEED, run, *f"{self.distribution}, {self.n}".encode()])

    def repeat(self, run: int, times: int) -> Sample:
        rng = self.generator(run)
        if self.counts is not None and self.estimator != "auto":
            found = [self.estimate(self.counts(rng, times))]
        else:
            # One by one for auto, which chooses once for all samples of a call.
            samples = self.counts(rng, times) if self.counts else None
            found = [
                self.estimate(self.draw(rng) if samples is None else samples[i])
                for i in range(times)
            ]
        value, stderr, low, high = (
            np.concatenate([np.atleast_1d(np.asarray(part, float)) for part in parts])
            for parts in zip(*((f.value, f.stderr, *f.interval) for f in found), strict=True)
        )
        used = Counter(f.method for f in found)
        return Sample(value, stderr, (low <= self.truth) & (self.truth <= high), used)

    def warned(self) -> float:
        """Share of samples whose estimate warns of its interval."""
        rng = self.generator(1)
        warnings = [
            any(w in sentence for w in WARNINGS for sentence in self.estimate(sample).assumptions)
            for sample in (
                self.draw(rng) if self.counts is None else self.counts(rng, 1)[0]
                for _ in range(LOOKED_AT)
            )
        ]
        return float(np.mean(warnings))


@dataclass(frozen=True)
class Row:
    case: Case
    first: Sample
    further: Sample

    @property
    def coverage(self) -> float:
        return float(self.first.held.mean())

    @property
    def again(self) -> float:
        return float(self.further.held.mean())

    @property
    def mark(self) -> str:
        return "" if inside(self.coverage) else "low" if self.coverage < BAND[0] else "high"

    @property
    def name(self) -> str:
        return f"{self.case.estimator}, {self.case.distribution}, n = {self.case.n}"

    def reason(self) -> str:
        """Explain the second run's coverage, as if the estimates were normal."""
        bias, deviation, error, coverage = self.further.numbers(self.case.truth)
        shift, ratio = bias / deviation, error / deviation
        numbers = f"bias {shift:+.2g} sd, mean error {ratio:.2f} sd"
        if inside(coverage):
            edge = min(coverage - BAND[0], BAND[1] - coverage) < 0.01
            return f"{'At the edge' if edge else 'By chance'}: inside in the second run ({numbers})"
        if abs(shift) > 3.0:
            return f"Bias ({numbers})"
        alone = expected(shift, ratio)
        if abs(alone - coverage) > 0.1:
            # Normal estimates of this bias and error would have another coverage.
            short_of = f"bias and mean error explain {100 * alone:.0f}%"
            return f"Estimates or errors not normal; {short_of} ({numbers})"
        of_bias, of_error = expected(shift, 1.0), expected(0.0, ratio)
        if not inside(of_bias) and inside(of_error):
            return f"Bias ({numbers})"
        if inside(of_bias) and not inside(of_error):
            return f"Error too {'small' if ratio < 1.0 else 'large'} ({numbers})"
        if inside(of_bias) and inside(alone):
            return f"Estimates not normal, or error that varies with them ({numbers})"
        return f"Bias and error ({numbers})"


def inside(coverage: float) -> bool:
    return BAND[0] <= coverage <= BAND[1]


def expected(shift: float, ratio: float) -> float:
    """Coverage of a 95% interval for a bias and an error given in standard deviations."""
    half = 1.959964 * ratio
    return float(stats.norm.cdf(half - shift) - stats.norm.cdf(-half - shift))


def correlated(d: int, rho: float) -> np.ndarray:
    return rho * np.ones((d, d)) + (1.0 - rho) * np.eye(d)


def counted() -> Iterator[Case]:
    zipf = 1.0 / np.arange(1, 1001)
    geometric = 0.2 * 0.8 ** np.arange(400)  # what lies beyond has probability 2e-39
    distributions = (
        ("uniform over 10", np.full(10, 0.1), math.log(10), 10),
        ("uniform over 1,000", np.full(1000, 0.001), math.log(1000), 1000),
        ("Zipf over 1,000", zipf / zipf.sum(), None, 1000),
        (
            "geometric, p = 0.2",
            geometric / geometric.sum(),
            -(0.2 * math.log(0.2) + 0.8 * math.log(0.8)) / 0.2,
            None,
        ),
    )
    for name, p, truth, support in distributions:
        for n in (200, 10_000):
            for method in METHODS:
                yield Case(
                    SECTIONS[0],
                    method,
                    name,
                    f"{n:,}",
                    n > 200,
                    -float(p @ np.log(p)) if truth is None else truth,
                    lambda rng: rng,
                    functools.partial(
                        kl.estimate_entropy,
                        counts=True,
                        method=method,
                        support=support if method == "nsb" else None,
                    ),
                    lambda rng, times, n=n, p=p: rng.multinomial(n, p, size=times),
                )


def continuous() -> Iterator[Case]:
    one = (
        ("normal", stats.norm()),
        ("gamma, shape 2", stats.gamma(2)),
        ("gamma, shape 0.5", stats.gamma(0.5)),
        ("t, 3 degrees", stats.t(3)),
        ("uniform", stats.uniform()),
    )
    distributions: list[tuple[str, float, Callable[..., np.ndarray]]] = [
        (name, float(known.entropy()), lambda rng, n, known=known: known.rvs(n, random_state=rng))
        for name, known in one
    ]
    for d in (2, 3):
        s = correlated(d, 0.7)
        root = np.linalg.cholesky(s)
        truth = 0.5 * float(np.linalg.slogdet(2.0 * np.pi * np.e * s)[1])
        distributions.append(
            (
                f"normal in {d} dimensions, ρ = 0.7",
                truth,
                lambda rng, n, d=d, root=root: rng.normal(size=(n, d)) @ root.T,
            )
        )
    for name, truth, draw in distributions:
        for n in (200, 5000):
            yield Case(
                SECTIONS[1],
                "Kozachenko–Leonenko",
                name,
                f"{n:,}",
                n > 200,
                truth,
                functools.partial(draw, n=n),
                kl.estimate_entropy,
            )


def relative() -> Iterator[Case]:
    s = correlated(2, 0.6)
    root = np.linalg.cholesky(s)
    distributions = (
        (
            "N(0, 1) to N(0.5, 1.2²)",
            0.5 * ((1.0 + 0.25) / 1.44 - 1.0) + math.log(1.2),
            lambda rng, n, m: (rng.normal(size=n), rng.normal(0.5, 1.2, size=m)),
        ),
        (
            "normal in 2 dimensions, ρ = 0 to ρ = 0.6",
            0.5 * float(np.trace(np.linalg.inv(s)) - 2.0 + np.linalg.slogdet(s)[1]),
            lambda rng, n, m: (rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) @ root.T),
        ),
    )
    for name, truth, draw in distributions:
        for n, m in ((200, 300), (5000, 5000)):
            yield Case(
                SECTIONS[2],
                "Wang–Kulkarni–Verdú",
                name,
                f"{n:,} and {m:,}",
                n > 200,
                truth,
                functools.partial(draw, n=n, m=m),
                lambda pair: kl.estimate_kl(*pair),
            )


def counted_pairs() -> Iterator[Case]:
    k = np.arange(120)
    waves = 1.0 + 0.2 * np.sin(np.arange(100))
    laws = (
        ("Poisson(50) to Poisson(52)", stats.poisson.pmf(k, 50), stats.poisson.pmf(k, 52)),
        ("Poisson(3) to Poisson(4)", stats.poisson.pmf(k, 3), stats.poisson.pmf(k, 4)),
        ("Poisson(4) to Poisson(3)", stats.poisson.pmf(k, 4), stats.poisson.pmf(k, 3)),
        ("uniform over 100 to nearly uniform", np.full(100, 0.01), waves / waves.sum()),
        ("geometric, p = 0.1 to 0.15", stats.geom.pmf(k + 1, 0.1), stats.geom.pmf(k + 1, 0.15)),
    )
    for name, p, q in laws:
        p, q = p / p.sum(), q / q.sum()
        for n in (300, 2000, 20_000):
            yield Case(
                SECTIONS[2],
                "Zhang–Grabchak",
                name,
                f"{n:,} and {n:,}",
                n > 300,
                float(np.sum(p * np.log(p / q))),
                lambda rng, n=n, p=p, q=q: (
                    rng.choice(p.size, n, p=p),
                    rng.choice(q.size, n, p=q),
                ),
                lambda pair: kl.estimate_kl(*pair),
            )


def rounded_truth(rho: float, step: float, both: bool) -> float:
    """Mutual information of a normal pair with x, or both, rounded to multiples of a step."""
    if rho == 0.0:
        return 0.0
    edges = np.arange(-6.0 - step / 2.0, 6.0 + step, step)
    scale = math.sqrt(1.0 - rho * rho)
    parts = 20 if both else 1
    if both:  # cell of y given a slice of x's cell
        across = (edges[:-1, None] + (np.arange(parts) + 0.5) * step / parts).ravel()
        width = step / parts
    else:  # cell of x given y
        across, width = np.linspace(-6.0, 6.0, 2401), 12.0 / 2400
    shares = np.diff(stats.norm.cdf((edges - rho * across[:, None]) / scale), axis=1)
    joint = shares * stats.norm.pdf(across)[:, None] * width
    if both:
        joint = joint.reshape(-1, parts, joint.shape[1]).sum(axis=1)
    joint /= joint.sum()
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    return float(stats.entropy(joint.ravel(), independent.ravel()))


def rounded() -> Iterator[Case]:
    kinds = (
        ("normals rounded to 0.1", 0.1, True, lambda x, y: (x.round(1), y.round(1))),
        ("whole numbers of sd 2", 0.5, True, lambda x, y: (np.round(2 * x), np.round(2 * y))),
        ("whole number of sd 12 and a normal", 1 / 12, False, lambda x, y: (np.round(12 * x), y)),
    )
    for n in (300, 1000, 10_000):
        for rho in (0.0, 0.3, 0.6, 0.9):
            for name, step, both, change in kinds:
                yield Case(
                    SECTIONS[3],
                    "auto",
                    f"{name}, ρ = {rho:g}",
                    f"{n:,}",
                    n > 300,
                    rounded_truth(rho, step, both),
                    lambda rng, n=n, rho=rho, change=change: change(*paired(rng, n, rho)),
                    lambda pair: kl.estimate_mutual_information(*pair),
                )
        independent = (
            ("independent Poisson(50)", lambda rng, n: rng.poisson(50, n)),
            ("independent whole numbers 0 to 99", lambda rng, n: rng.integers(0, 100, n)),
        )
        for name, one in independent:
            yield Case(
                SECTIONS[3],
                "auto",
                name,
                f"{n:,}",
                n > 300,
                0.0,
                lambda rng, n=n, one=one: (one(rng, n), one(rng, n)),
                lambda pair: kl.estimate_mutual_information(*pair),
            )


def rounded_numbers() -> Iterator[Case]:
    laws = (
        ("normal", stats.norm(scale=300.0, loc=1000.0)),
        ("exponential", stats.expon(scale=300.0)),
        ("log-normal", stats.lognorm(1.0, scale=300.0)),
        ("gamma, shape 2", stats.gamma(2.0, scale=300.0)),
    )
    kinds = ((6.5,), (30.5,), (75.5,), (3.0, 15.0, 30.0), (0.0, 60.0))

    def draw(rng: np.random.Generator, n: int, law: Any, steps: tuple[float, ...]) -> np.ndarray:
        x = law.rvs(n, random_state=rng)
        which = rng.integers(len(steps), size=n)
        for place, step in enumerate(steps):
            if step:
                x[which == place] = np.round(x[which == place] / step) * step
        return x

    for name, law in laws:
        for steps in kinds:
            for n in (300, 2000, 10_000):
                parts = " or ".join(f"{step / 300.0:.3g}" for step in steps)
                yield Case(
                    SECTIONS[1],
                    "auto",
                    f"{name} of scale 1 rounded to {parts}",
                    f"{n:,}",
                    n > 300,
                    float(law.entropy()) - math.log(300.0),
                    functools.partial(draw, n=n, law=law, steps=steps),
                    lambda x: kl.estimate_entropy(x / 300.0),
                )


def shifted(shift: float) -> float:
    """Mutual information of a fair label with N(0, 1) for one and N(shift, 1) for the other."""

    def term(x: float) -> float:
        a, b = stats.norm.logpdf(x), stats.norm.logpdf(x, shift)
        both = np.logaddexp(a, b) - math.log(2.0)
        return 0.5 * (math.exp(a) * (a - both) + math.exp(b) * (b - both))

    return float(integrate.quad(term, -12.0, shift + 12.0, limit=400, epsabs=1e-12)[0])


def paired(rng: np.random.Generator, n: int, rho: float) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=n)
    return x, rho * x + math.sqrt(1.0 - rho * rho) * rng.normal(size=n)


def labelled(rng: np.random.Generator, n: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    label = rng.integers(2, size=n)
    return rng.normal(size=n) + shift * label, np.array(["a", "b"])[label]


def shared() -> Iterator[Case]:
    for name, kind, title, values in (
        ("Kraskov–Stögbauer–Grassberger", paired, "pair of normals, ρ =", (0.0, 0.6, 0.9)),
        ("Ross", labelled, "two labels, normal feature shifted by", (0.0, 1.0, 4.0)),
    ):
        for value in values:
            truth = -0.5 * math.log(1.0 - value**2) if kind is paired else shifted(value)
            for n in (200, 2000):
                yield Case(
                    SECTIONS[3],
                    name,
                    f"{title} {value:g}",
                    f"{n:,}",
                    n > 200,
                    truth,
                    functools.partial(kind, n=n, **{"rho" if kind is paired else "shift": value}),
                    lambda pair: kl.estimate_mutual_information(*pair),
                )


def choice(row: Row) -> str:
    """The estimator, and of auto what it took."""
    if row.case.estimator != "auto":
        return row.case.estimator
    (most, count), *others = row.first.used.most_common()
    return f"auto: {most}" + (f" in {100 * count / REPEATS:.3g}%" if others else "")


def table(rows: list[Row]) -> Iterator[str]:
    names = "estimator | distribution | n | truth | bias | sd | mean error | coverage | outside"
    yield f"| {names} | again |"
    yield "|---|---|---|--:|--:|--:|--:|--:|---|--:|"
    for row in rows:
        c = row.case
        bias, deviation, error, coverage = row.first.numbers(c.truth)
        yield (
            f"| {choice(row)} | {c.distribution} | {c.n} | {c.truth:.4f} | {bias:+.4f} "
            f"| {deviation:.4f} | {error:.4f} | {100 * coverage:.1f}% | {row.mark} "
            f"| {100 * row.again:.1f}% |"
        )


def reasons(rows: list[Row]) -> Iterator[str]:
    for row in rows:
        share = row.case.warned()
        said = (
            "warned" if share == 1.0 else f"warned in {100 * share:.0f}%" if share else "not warned"
        )
        yield (
            f"- {row.name}: {100 * row.coverage:.1f}%, then {100 * row.again:.1f}%. "
            f"{row.reason()}; {said}."
        )


def summary(rows: list[Row]) -> Iterator[str]:
    """Summary of the rows, with their numbers."""

    def share(section: str, *estimators: str) -> str:
        own = [r for r in rows if r.case.section == section and r.case.estimator in estimators]
        good = sum(not r.mark for r in own)
        return f"{good} of {len(own)} rows inside"

    def held(estimator: str, name: str) -> list[str]:
        return [
            f"{100 * r.coverage:.1f}%"
            for r in rows
            if (r.case.estimator, r.case.distribution) == (estimator, name)
        ]

    zipf, ten, thousand = "Zipf over 1,000", "uniform over 10", "uniform over 1,000"
    skewed, four = (
        "normal in 2 dimensions, ρ = 0 to ρ = 0.6",
        "two labels, normal feature shifted by",
    )
    near, ksg = "Wang–Kulkarni–Verdú", "Kraskov–Stögbauer–Grassberger"
    auto = next(
        r
        for r in rows
        if (r.case.estimator, r.case.distribution, r.case.n) == ("auto", zipf, "200")
    )
    yield from (
        f"- Entropy of continuous values: {share(SECTIONS[1], 'Kozachenko–Leonenko')}.",
        f"- Mutual information: {share(SECTIONS[3], ksg)} (pairs), {share(SECTIONS[3], 'Ross')} "
        f"(labels). A pair of ρ = 0.9 ({held(ksg, 'pair of normals, ρ = 0.9')[0]}) is at the edge "
        f"with 200 rows. Labels that are nearly separable ({held('Ross', f'{four} 4')[0]}) are "
        "not covered with 200 rows: few of them lie where the labels overlap, and the error is "
        "too small; the estimate then warns of it.",
        f"- Relative entropy: {share(SECTIONS[2], near)}. From ρ = 0 to ρ = 0.6 fails at both "
        f"sizes ({' and '.join(held(near, skewed))}): p/q has infinite variance under q, whose "
        "tails are the lighter ones, and the estimate is too low, as documented.",
        f"- Entropy of counted values, `auto`: {share(SECTIONS[0], 'auto')}. Samples of 200 rows "
        "of 1,000 symbols are the exceptions. It takes Chao and Shen's estimate for them, which on "
        f"the uniform distribution covers too much ({held('auto', thousand)[0]}) and on Zipf's far "
        f"too little ({held('auto', zipf)[0]}), {-auto.first.numbers(auto.case.truth)[0]:.2f} nats "
        "too low: the tail of unobserved symbols is longer than the symbols observed once suggest. "
        f"Knowing the number of symbols does not help: NSB covers {held('nsb', zipf)[0]}.",
        f"- Grassberger's estimate: {share(SECTIONS[0], 'grassberger')}; the others are samples "
        "of 200 rows of 1,000 symbols. On the uniform distribution over 10 symbols, where entropy "
        "is at its maximum and estimates are not normal, it lies at the upper edge, with a "
        "warning.",
        f"- Miller and Madow's: {share(SECTIONS[0], 'miller-madow')}. It covers too much on "
        f"the uniform distribution over 10 symbols ({' and '.join(held('miller-madow', ten))}), "
        "and too little where symbols are missing; it warns of both.",
        f"- NSB, with the number of symbols: {share(SECTIONS[0], 'nsb')}. Its prior does not fit "
        f"Zipf's law ({' and '.join(held('nsb', zipf))}), which it puts too low with 200 rows and "
        "too high with 10,000; over 10 equal symbols it covers too much. Its warning of long "
        "tails is in every estimate, also where the interval covers, and so is shrinkage's of its "
        "error.",
        f"- Chao and Shen's: {share(SECTIONS[0], 'chao-shen')}. Where every symbol was observed it "
        "is the plug-in estimate, with its bias.",
        f"- Plug-in: {share(SECTIONS[0], 'plug-in')}; it is biased, and reports by how much. "
        f"Shrinkage: {share(SECTIONS[0], 'shrinkage')}; it warns that its error is rough.",
        "- Relative entropy of counted values and mutual information of rounded columns are under "
        "*Shorter runs*, at the end. Not tested here: mutual information of labels, Gao's estimate "
        "of mixed values, weights, and more than three dimensions.",
    )


def page(rows: list[Row]) -> str:
    marked = [row for row in rows if row.mark]
    outside = [row for row in rows if not inside(row.again)]
    unmarked = [row for row in outside if not row.mark]
    low, high = round(BAND[0] * REPEATS), round(BAND[1] * REPEATS)
    binomial = stats.binom(REPEATS, 0.95)
    by_chance = 1.0 - float(binomial.cdf(high) - binomial.cdf(low - 1))
    lines = [
        "# Bias and coverage against known truths",
        "",
        "Written by `python benchmarks/information_coverage.py`; in nats. Every row is "
        f"{REPEATS} samples of one distribution, passed to the public function; *coverage* is the "
        "share of the returned 95% intervals that contain the truth, and *outside* marks shares "
        f"outside {100 * BAND[0]:.0f} to {100 * BAND[1]:.0f}%. With a coverage of exactly 95% "
        f"{100 * by_chance:.1f}% of such rows fall outside, so each was repeated on {FURTHER:,} "
        "further samples (*again*), which separate chance from fault. Bias, *sd* (of the "
        "estimates) and *mean error* (their reported standard error) are of the first "
        f"{REPEATS}; reasons below are of the second run.",
        "",
        f"![Coverage of the 95% intervals]({PICTURE})",
        "",
        "## Summary",
        "",
        *summary(rows),
        "",
    ]
    for title, chosen in (
        (f"Outside in the {REPEATS} samples", marked),
        (f"Inside in the {REPEATS} samples, and outside in the {FURTHER:,}", unmarked),
    ):
        lines += [f"### {title}: {len(chosen)} of {len(rows)} rows", ""]
        for section in SECTIONS:
            own = [row for row in chosen if row.case.section == section]
            lines += [f"{section}:", "", *reasons(own), ""] if own else []
    for section in SECTIONS:
        lines += [f"## {section}", "", *table([r for r in rows if r.case.section == section]), ""]
    return "\n".join([*lines, "## Truths", "", TRUTHS, "", *kept()])


def kept() -> Iterator[str]:
    """The section of COVERAGE.md that another call wrote."""
    path = Path(__file__).parent / "COVERAGE.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if SHORTER in text:
        yield SHORTER + text.partition(SHORTER)[2]


def shorter(rows: str, section: str = "") -> None:
    """Print the rows of the shorter runs with so many rows of data, of all sections or of one."""
    for case in (*rounded_numbers(), *counted_pairs(), *rounded()):
        if case.n.split(" ")[0].replace(",", "") != rows or not case.section.startswith(section):
            continue
        times = 200 if case.section == SECTIONS[2] or int(rows) > 5000 else 400
        found = case.repeat(1, times)
        bias, deviation, error, coverage = found.numbers(case.truth)
        (most, count), *others = found.used.most_common()
        name = most.partition(",")[0] + (f" in {100 * count / times:.0f}%" if others else "")
        mark = "" if inside(coverage) else "low" if coverage < BAND[0] else "high"
        print(
            f"| {name} | {case.distribution} | {case.n} | {case.truth:.4f} | {bias:+.4f} | "
            f"{deviation:.4f} | {error:.4f} | {100 * coverage:.1f}% | {mark} | {times} |",
            flush=True,
        )


TRUTHS = """\
Counted distributions: the sum −Σ p log p; geometric: (−p log p − (1 − p) log(1 − p))/p. Continuous
distributions in one dimension: `entropy()` of scipy.stats. Normal distributions of covariance S
and T in d dimensions: entropy ½ log det(2πe S), relative entropy ½ (tr T⁻¹S − d + log det T/det S),
plus ½ (squared shift)/T in one dimension; a pair of correlation ρ: −½ log(1 − ρ²). A label with a
shifted normal feature: quadrature of the mixture's log-ratio."""
PICTURE = "coverage.svg"
SHORTER = "## Shorter runs"


def draw(rows: list[Row], path: Path) -> None:
    """Draw coverage by case as SVG, with the same bytes for the same numbers."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    style = {"svg.hashsalt": "kullback", "svg.fonttype": "none", "font.family": "sans-serif"}
    with plt.rc_context({**style, "font.size": 10}):
        figure, columns = plt.subplots(1, 2, figsize=(10.4, 8.6))
        # The left margins hold the names; by hand, as a layout engine leaves out the headings.
        figure.subplots_adjust(left=0.155, right=0.985, top=0.93, bottom=0.09, wspace=0.85)
        halves = ([r for r in rows if r.case.counts], [r for r in rows if not r.case.counts])
        for axes, half in zip(columns, halves, strict=True):
            panel(axes, half)
        columns[0].set_title(
            "Entropy of counted values", loc="left", weight="bold", x=-0.48, size=11
        )
        handles, labels = columns[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower left", ncols=3, frameon=False)
        figure.suptitle(
            f"How often the 95% interval holds the truth, of {REPEATS} samples", x=0.01, ha="left"
        )
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def short(name: str) -> str:
    for long, brief in (
        (" in 2 dimensions", ", d = 2"),
        (" in 3 dimensions", ", d = 3"),
        (" between two samples", ""),
        ("two labels, normal feature", "label, feature"),
    ):
        name = name.replace(long, brief)
    return name


def panel(axes: Any, rows: list[Row]) -> None:
    """A line for each estimator and distribution, a dot for each size, below 80% a number."""
    counted = rows[0].case.counts is not None
    lines: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        c = row.case
        key = (c.distribution, c.estimator) if counted else (c.section, c.distribution)
        lines.setdefault(key, []).append(row)
    places, names, height, group = [], [], 0.0, ""
    axes.axvspan(100 * BAND[0], 100 * BAND[1], color="#1b6ca8", alpha=0.13, lw=0, label="93 to 97%")
    for (head, name), pair in lines.items():
        if head != group:
            height += 0.7 if group else 0.0
            where = axes.get_yaxis_transform()
            axes.text(
                -0.02, height, short(head), transform=where, weight="bold", ha="right", va="center"
            )
            height, group = height + 1.0, head
        places.append(height)
        names.append(short(name))
        for row in pair:
            at, large = 100 * row.coverage, row.case.large
            colour, y = (LARGE, height + 0.13) if large else (SMALL, height - 0.13)
            if at >= LEFT:
                axes.plot(at, y, "o" if large else "s", color=colour, markersize=5)
            else:
                x = LEFT - (1.4 if large else 6.4)
                axes.text(x, height, f"{at:.0f}%", color=colour, ha="right", va="center")
        height += 1.0
    for marker, colour, label in (("s", SMALL, "n = 200"), ("o", LARGE, "n = 2,000 to 10,000")):
        axes.plot([], [], marker, color=colour, label=label)
    axes.set_yticks(places, names)
    axes.set(xlim=(LEFT - 11.5, 100.6), ylim=(height - 0.3, -0.8))
    axes.axvline(LEFT - 0.7, color="#999999", lw=0.8, ls=":")
    axes.set_xticks([LEFT - 6, 80, 85, 90, 95, 100], ["below", "80%", "85", "90", "95", "100"])
    axes.grid(True, axis="y", alpha=0.25)
    axes.tick_params(axis="both", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def main() -> None:
    start = time.perf_counter()
    rows = []
    for case in (*counted(), *continuous(), *relative(), *shared()):
        row = Row(case, case.repeat(1, REPEATS), case.repeat(2, FURTHER))
        bad = int(np.count_nonzero(~np.isfinite([*row.first.stderr, *row.further.stderr])))
        note = f"  {bad} errors not finite" if bad else ""
        print(
            f"{time.perf_counter() - start:6.1f} s  {row.name:75s} {100 * row.coverage:6.1f}% "
            f"{row.mark:5s} {100 * row.again:6.1f}%{note}",
            flush=True,
        )
        rows.append(row)
    folder = Path(__file__).parent
    (folder / "COVERAGE.md").write_text(page(rows), encoding="utf-8")
    draw(rows, folder / PICTURE)
    print(f"{time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    if sys.argv[1:2] == ["shorter"]:
        shorter(*sys.argv[2:4])
    else:
        main()
