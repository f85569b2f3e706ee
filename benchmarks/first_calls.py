"""First calls in a new process: the wall and processor seconds of one statement, imports apart.

    python benchmarks/first_calls.py [name ...]

Each statement runs in three processes with an empty folder for JAX's compiled code, and in three
with that of a run before. The clock starts after the imports of jax and kullback and the setup.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import NamedTuple


class Call(NamedTuple):
    """A statement, what comes before the clock starts, and the seconds to reach."""

    statement: str
    setup: str
    target: float


_MODELS = {
    "gamma": "kl.Gamma(shape=2.5, rate=1.5)",
    "beta": "kl.Beta(alpha=2.5, beta=1.5)",
    "Student t": "kl.StudentT(df=4.0, loc=0.0, scale=1.0)",
    "normal": "kl.Normal(loc=0.0, scale=1.0)",
    "Poisson": "kl.Poisson(rate=3.5)",
    "negative binomial": "kl.NegativeBinomial(mean=3.0, size=2.0)",
}
_METHODS = ("quantile(0.99)", "cdf(0.3)", "log_density(0.3)", "sample(10, seed=1)")

CALLS = {
    f"{method.partition('(')[0]} of {name}": Call(f"model.{method}", f"model = {model}", 0.15)
    for name, model in _MODELS.items()
    for method in _METHODS
}

_PROGRAM = """
import time
import jax
import kullback as kl
{setup}
wall, processor = time.perf_counter(), time.process_time()
{statement}
print(time.perf_counter() - wall, time.process_time() - processor)
"""


def seconds(call: Call, folder: str) -> tuple[float, float]:
    """Return the wall and processor seconds of a call in a new process."""
    program = _PROGRAM.format(setup=call.setup, statement=call.statement)
    keep = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_COMPILATION_CACHE_DIR": folder}
    environment = {**os.environ, **keep, "XDG_CACHE_HOME": folder}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    wall, processor = map(float, done.stdout.split()[-2:])
    return wall, processor


def main() -> None:
    """Print the least of three runs, wall and processor seconds, with both kinds of folder."""
    print(f"{'':34}{'empty':>16}{'filled':>16}  to reach")
    for name in sys.argv[1:] or CALLS:
        empty, filled = [], []
        for _ in range(3):
            with tempfile.TemporaryDirectory() as folder:
                empty.append(seconds(CALLS[name], folder))
                filled.append(seconds(CALLS[name], folder))
        shown = (f"{min(runs)[0]:7.3f} ({min(runs)[1]:.3f})" for runs in (empty, filled))
        print(f"{name:34}{''.join(f'{text:>16}' for text in shown)}  {CALLS[name].target}")


if __name__ == "__main__":
    main()
