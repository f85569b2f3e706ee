"""Time censored, truncated and interval rows of every family with a distribution function.

    python benchmarks/tails.py [NAME ...]

The first three columns are processor nanoseconds a row of one pass (value, score and Hessian) over
65,536 rows that are right-censored, left-censored and interval-censored, the least of several
passes. The others are processor seconds of the first fit in a new process, with an empty folder for
compiled code and with the folder that it filled: of right-censored rows, left-truncated ones and
intervals, few (500, which NumPy evaluates where it can) and many (5,000).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

import numpy as np

import kullback as kl
from kullback._core.arrays import float64
from kullback.data.blocks import ROWS, Block
from kullback.data.observation import Event, Observed
from kullback.objective.statistics import LossDerivatives

PASSES = 7

# parameters near which the rows are drawn, in the order of the constructor
FAMILIES: dict[str, dict[str, float]] = {
    "Exponential": {"rate": 0.5},
    "Weibull": {"shape": 1.5, "scale": 2.0},
    "Gamma": {"shape": 2.5, "rate": 1.5},
    "LogNormal": {"loc": 0.3, "scale": 0.8},
    "LogLogistic": {"shape": 2.0, "scale": 1.5},
    "InverseGaussian": {"mean": 2.0, "shape": 3.0},
    "InverseGamma": {"shape": 3.0, "scale": 4.0},
    "Burr": {"shape1": 1.5, "shape2": 2.0, "scale": 2.0},
    "Gompertz": {"shape": 0.4, "rate": 0.3},
    "Lomax": {"shape": 2.5, "scale": 3.0},
    "Pareto": {"shape": 2.0, "minimum": 0.01},
    "GeneralizedPareto": {"scale": 1.5, "shape": 0.2},
    "HalfNormal": {"scale": 2.0},
    "Rayleigh": {"scale": 1.5},
    "Normal": {"loc": 1.0, "scale": 1.5},
    "StudentT": {"df": 4.0, "loc": 1.0, "scale": 1.5},
    "Logistic": {"loc": 1.0, "scale": 1.0},
    "Laplace": {"loc": 1.0, "scale": 1.0},
    "Cauchy": {"loc": 1.0, "scale": 1.0},
    "Gumbel": {"loc": 1.0, "scale": 1.0},
    "GeneralizedExtremeValue": {"loc": 1.0, "scale": 1.0, "shape": 0.1},
    "Beta": {"alpha": 2.5, "beta": 1.5},
    "VonMises": {"loc": 0.3, "concentration": 2.0},
    "Poisson": {"rate": 4.0},
    "NegativeBinomial": {"mean": 4.0, "size": 2.0},
    "Binomial": {"trials": 10.0, "probability": 0.4},
    "Geometric": {"probability": 0.3},
    "LogSeries": {"probability": 0.7},
}

FIRST_FIT = """
import sys, time
sys.path.insert(0, sys.argv[1])
import tails
model, arguments = tails.fit_of(sys.argv[2], sys.argv[3], int(sys.argv[4]))
import kullback as kl
fit = kl.fit
begin = time.process_time()
fit(model, **arguments)
print(time.process_time() - begin)
"""


def drawn(name: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw outcomes, and intervals around them, a tenth to twice as wide as their deviation."""
    x = getattr(kl, name)(**FAMILIES[name]).sample(rows, seed=1)
    rng = np.random.default_rng(2)
    if np.all(x == np.floor(x)):
        return x, x + rng.integers(0, 3, rows)
    middle = np.quantile(x, [0.25, 0.75])
    width = (middle[1] - middle[0]) * rng.uniform(0.1, 2.0, rows)
    if name == "Beta":
        return x, np.minimum(x + width, 1.0 - 1e-3 * (1.0 - x))
    return x, np.minimum(x + width, np.pi) if name == "VonMises" else x + width


def model_of(name: str) -> kl.Model:
    """The family, with only those parameters fixed that a user must fix."""
    model = getattr(kl, name)
    return model(trials=FAMILIES[name]["trials"]) if name == "Binomial" else model()


def fit_of(name: str, kind: str, rows: int) -> tuple[kl.Model, dict[str, object]]:
    """A model and the arguments of its fit to rows of a kind."""
    x, upper = drawn(name, rows)
    table: dict[str, object] = {"x": x, "upper": upper, "seen": np.arange(rows) % 10 < 7}
    if kind == "censored":
        return model_of(name), {"data": table, "y": "x", "event": "seen"}
    if kind == "interval":
        return model_of(name), {"data": table, "y": ("x", "upper")}
    low = float(np.quantile(x, 0.2))
    kept = x >= low
    return model_of(name), {"data": {"x": x[kept]}, "y": "x", "truncation": (low, None)}


def nanoseconds(name: str, event: Event) -> float:
    """Processor nanoseconds a row of a pass."""
    x, upper = drawn(name, ROWS)
    fields = {"y.lower": x, "y.upper": upper}
    if event == Event.LEFT:
        fields = {"y.upper": x}
    elif event == Event.RIGHT:
        fields = {"y.lower": x}
    block = Block(Observed(event), 0, fields, np.ones(ROWS), ROWS, 32, ())
    model = model_of(name)
    numbers = {**model.fixed_by_default, **FAMILIES[name]}
    arguments = np.array([numbers[p] for p in model.parameters])
    free = tuple(p not in model.fixed_by_default and p != "trials" for p in model.parameters)
    statistic = LossDerivatives(model, free)
    found = []
    with float64():
        for _ in range(PASSES + 1):
            begin = time.process_time()
            statistic.of_block(block, arguments)
            found.append(time.process_time() - begin)
    return min(found[1:]) / ROWS * 1e9


def first_fit(name: str, kind: str, rows: int, folder: str) -> str:
    """Processor seconds of the first fit in a new process."""
    here = os.path.dirname(os.path.abspath(__file__))
    command = [sys.executable, "-c", FIRST_FIT, here, name, kind, str(rows)]
    environment = os.environ | {"KULLBACK_CACHE_DIR": folder}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return f"{float(run.stdout):.2f}" if run.returncode == 0 else "error"


def main() -> None:
    """Print the table."""
    kinds = ("censored", "truncated", "interval")
    print("| family | right, ns | left, ns | interval, ns | " + " | ".join(
        f"{kind} {rows}, s" for rows in (500, 5000) for kind in kinds) + " |")  # fmt: skip
    print("|---" * 10 + "|")
    for name in sys.argv[1:] or FAMILIES:
        events = (Event.RIGHT, Event.LEFT, Event.INTERVAL)
        cells = [f"{nanoseconds(name, event):.0f}" for event in events]
        for rows in (500, 5000):
            for kind in kinds:
                with tempfile.TemporaryDirectory() as folder:
                    pair = [first_fit(name, kind, rows, folder) for _ in range(2)]
                cells.append(" / ".join(pair))
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
