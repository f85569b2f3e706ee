"""Time what users wait for once: first calls and commands, each in a new process.

    python benchmarks/first_calls.py [NAME ...]
    python benchmarks/first_calls.py "first fits"

Every row runs three times with an empty folder for compiled code, and three times with the folder
that the last of them filled; the fastest of three is printed. Importing the package is not in it,
except for commands, whose whole process is timed. "first fits" stands for a fit of every family in
``FAMILY_MODELS`` to 1,000 and to 100,000 rows of four kinds, such as "interval Gamma 1000": each
runs once, in seconds of the processor (of all threads), and the table is written to
FIRST_FITS.md beside this file.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

RUNS = 3
AT_ONCE = 4  # first fits, in seconds of the processor
FIRST_FITS_TABLE = Path(__file__).with_name("FIRST_FITS.md")

# Timed in the new process itself, after the setup.
TIMED = """
{setup}
import time
begin = time.perf_counter()
{statement}
print(time.perf_counter() - begin)
"""

# In seconds of the processor, which other processes on the machine change less.
PROCESSOR = TIMED.replace("perf_counter", "process_time")

# Warm: the fastest of many, so that another process on the machine is not in it.
WARM = """
{setup}
import time
{statement}
def once():
    begin = time.perf_counter()
    {statement}
    return time.perf_counter() - begin
print(min(once() for _ in range(500)))
"""

GAMMA = """
import numpy as np, kullback as kl
x = np.random.default_rng(0).gamma(2.0, size=1_000)
model, fit = kl.Gamma(), kl.fit
"""

FAMILIES = """
import numpy as np, kullback as kl
x = np.random.default_rng(0).gamma(2.0, size=500)
names = '''Burr Exponential Gamma GeneralizedPareto Gompertz HalfNormal InverseGamma InverseGaussian
LogLogistic LogNormal Lomax Pareto Rayleigh Weibull Cauchy GeneralizedExtremeValue Gumbel Laplace
Logistic Normal StudentT'''.split()
models, fit = [getattr(kl, name)() for name in names], kl.fit
"""


@dataclass(frozen=True)
class Call:
    """A call that is timed in a new process.

    Attributes:
        setup: what comes before it, imports included.
        statement: the call.
        empty: seconds to reach with an empty folder.
        filled: seconds to reach with a filled one.
        template: the program around them.
    """

    setup: str
    statement: str
    empty: float
    filled: float
    template: str = TIMED


@dataclass(frozen=True)
class Command:
    """A command whose whole process is timed.

    Attributes:
        arguments: of the command line, in a folder with a table ``t.csv``.
        seconds: to reach.
    """

    arguments: tuple[str, ...]
    seconds: float


CALLS = {
    "first fit": Call(GAMMA, "fit(model, x)", 0.5, 0.2),
    "21 families": Call(FAMILIES, "for model in models: fit(model, x)", 3.0, 0.8),
    "warm fit": Call(GAMMA, "fit(model, x).stderr", 0.0003, 0.0003, WARM),
}

# Of a distribution, after it was made.
MODELS = {
    "gamma": "kl.Gamma(shape=2.5, rate=1.5)",
    "beta": "kl.Beta(alpha=2.5, beta=1.5)",
    "Student t": "kl.StudentT(df=4.0, loc=0.0, scale=1.0)",
    "normal": "kl.Normal(loc=0.0, scale=1.0)",
    "Poisson": "kl.Poisson(rate=3.5)",
    "negative binomial": "kl.NegativeBinomial(mean=3.0, size=2.0)",
}
METHODS = ("quantile(0.99)", "cdf(0.3)", "log_density(0.3)", "sample(10, seed=1)")
CALLS |= {
    f"{method.partition('(')[0]} {name}": Call(
        f"import jax, kullback as kl\nmodel = {model}", f"model.{method}", 0.15, 0.15
    )
    for name, model in MODELS.items()
    for method in METHODS
}

# Of the families whose tails have a loop or an integral, and of one without.
FAMILY_MODELS = {
    "Gamma": "kl.Gamma(shape=2.5, rate=1.5)",
    "Beta": "kl.Beta(alpha=2.5, beta=1.5)",
    "StudentT": "kl.StudentT(df=4.0, loc=0.0, scale=1.0)",
    "InverseGaussian": "kl.InverseGaussian(mean=2.0, shape=3.0)",
    "NegativeBinomial": "kl.NegativeBinomial(mean=40.0, size=2.0)",
    "BetaBinomial": "kl.BetaBinomial(trials=200, probability=0.3, precision=4.0)",
    "GeneralizedPoisson": "kl.GeneralizedPoisson(mean=40.0, dispersion=0.5)",
    "SkewNormal": "kl.SkewNormal(loc=0.0, scale=1.0, shape=3.0)",
    "Normal": "kl.Normal(loc=0.0, scale=1.0)",
}
# The rows of a sample x: whole ends for counts; intervals of all widths, ends of their own.
ROWS = """
import numpy as np, jax, kullback as kl
true = {true}
x = true.sample({rows}, seed=1)
low, high = true.quantile(0.2), true.quantile(0.8)
down, up = np.random.default_rng(0).uniform(0.05, 1.0, (2, x.size)) * (high - low)
down, up = (np.ceil(down), np.ceil(up)) if true.support.whole else (down, up)
s, seen = true.support, x[x >= low]
data = {data}
model, fit = type(true)({known}), kl.fit
"""
KINDS = {
    "exact": "x",
    "right-censored": "kl.Sample(lower=np.minimum(x, high), upper=np.where(x > high, np.inf, x))",
    "left-truncated": "kl.Sample(seen, seen, truncation=(np.full(seen.size, low), None))",
    "interval": "kl.Sample(lower=np.maximum(x - down, s.lower), upper=np.minimum(x + up, s.upper))",
}
FIRST_FITS = {
    f"{kind} {family} {rows}": Call(
        ROWS.format(
            true=true, rows=rows, data=data, known="trials=200" if "trials" in true else ""
        ),
        "fit(model, data)",
        2.0,
        0.4,
        PROCESSOR,
    )
    for rows in (100_000, 1_000)
    for family, true in FAMILY_MODELS.items()
    for kind, data in KINDS.items()
}

COMMANDS = {
    "help": Command(("--help",), 0.4),
    "mistyped option": Command(("fit", "t.csv", "--modle", "gamma"), 0.7),
    "mistyped column": Command(("fit", "t.csv", "--model", "gamma", "--y", "z"), 0.7),
}


def main() -> None:
    """Print a line for each row: measured, and to reach."""
    chosen = sys.argv[1:] or [*CALLS, *COMMANDS]
    if chosen == ["first fits"]:
        write_first_fits()
        return
    calls = CALLS | FIRST_FITS
    print(f"{'row':34}{'empty (to reach)':>24}{'filled (to reach)':>24}")
    for name in chosen:
        if name in calls:
            call = calls[name]
            program = call.template.format(setup=call.setup, statement=call.statement)
            empty, filled = timed([sys.executable, "-c", program], inside=True)
            goals = call.empty, call.filled
        else:
            command = "from kullback.cli import main; main()"
            arguments = [sys.executable, "-c", command, *COMMANDS[name].arguments]
            empty, filled = timed(arguments, inside=False)
            goals = (COMMANDS[name].seconds,) * 2
        cells = [f"{s:.4g} s ({g:g})" for s, g in zip((empty, filled), goals, strict=True)]
        print(f"{name:34}{cells[0]:>24}{cells[1]:>24}", flush=True)


def write_first_fits() -> None:
    """Time the first fits, and write their table."""
    lines = [
        "# First fits",
        "",
        "Seconds of the processor that the first fit in a new process takes, once each, with an",
        "empty folder for compiled code and with the folder that it filled; importing the package",
        'is not in it. To reach: 2 and 0.4. By `python benchmarks/first_calls.py "first fits"`.',
        "",
        "| rows | family | " + " | ".join(KINDS) + " |",
        "|--:|---|" + "--:|" * len(KINDS),
    ]

    def cell(name: str) -> str:
        call = FIRST_FITS[name]
        program = call.template.format(setup=call.setup, statement=call.statement)
        pair = timed([sys.executable, "-c", program], inside=True, runs=1)
        print(name, *pair, flush=True)
        return " / ".join(f"{seconds:.2f}" for seconds in pair)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        cells = dict(zip(FIRST_FITS, pool.map(cell, FIRST_FITS), strict=True))
    for rows in (100_000, 1_000):
        for family in FAMILY_MODELS:
            found = " | ".join(cells[f"{kind} {family} {rows}"] for kind in KINDS)
            lines.append(f"| {rows:,} | {family} | {found} |")
    FIRST_FITS_TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def timed(arguments: list[str], *, inside: bool, runs: int = RUNS) -> tuple[float, float]:
    """Return the seconds with an empty and with a filled folder for compiled code."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "t.csv").write_text("x,y\n1,2\n2,3\n4,5\n", encoding="utf-8")
        fresh = [Path(folder, f"empty{run}") for run in range(runs)]
        empty = min(_once(arguments, folder, cache, inside) for cache in fresh)
        filled = min(_once(arguments, folder, fresh[-1], inside) for _ in range(runs))
    return empty, filled


def _once(arguments: list[str], folder: str, cache: Path, inside: bool) -> float:
    environment = {**os.environ, "KULLBACK_CACHE_DIR": str(cache)}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    begin = time.perf_counter()
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=inside
    )
    return float(done.stdout) if inside else time.perf_counter() - begin


if __name__ == "__main__":
    main()
