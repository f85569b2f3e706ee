"""One small fit as a whole new process: interpreter, imports, fit and output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from in_memory import weibull
from measure import Measured, alternate

# Each program prints its estimate with the seconds that compiling took, as one line of JSON.
_LIBRARY = """
import json, sys
import kullback as kl, numpy as np
fit = kl.fit(kl.Weibull(), np.load(sys.argv[1]))
fit.stderr
print(json.dumps({"params": fit.params, "convergence": vars(fit.convergence)}))
"""
_SCIPY = """
import json, sys
import numpy as np
from scipy import stats
shape, _, scale = stats.weibull_min.fit(np.load(sys.argv[1]), floc=0)
print(json.dumps({"params": {"shape": shape, "scale": scale}}))
"""
_SCIPY_CSV = _SCIPY.replace("np.load(sys.argv[1])", "np.loadtxt(sys.argv[1], skiprows=1)")
_TABLE = """
import json, sys
import numpy as np
data = np.load(sys.argv[1])
x, y = data[:, :-1], data[:, -1]
"""
_REGRESSION = (
    _TABLE
    + """
import kullback as kl
columns = {f"x{k}": own for k, own in enumerate(x.T)}
fit = kl.fit(kl.Bernoulli(logit="~ " + " + ".join(columns)), {**columns, "y": y}, "y")
fit.covariance()
found = {"log_likelihood": fit.log_likelihood, "convergence": vars(fit.convergence)}
print(json.dumps(found))
"""
)
_SCIKIT_LEARN = (
    _TABLE
    + """
from sklearn.linear_model import LogisticRegression
fit = LogisticRegression(C=np.inf, tol=1e-8).fit(x, y)
eta = fit.intercept_[0] + x @ fit.coef_[0]
print(json.dumps({"log_likelihood": float(np.sum(y * eta - np.logaddexp(0.0, eta)))}))
"""
)
_STATSMODELS = (
    _TABLE
    + """
import pandas as pd
import statsmodels.formula.api as smf
table = pd.DataFrame(data, columns=[*(f"x{k}" for k in range(x.shape[1])), "y"])
fit = smf.logit("y ~ " + " + ".join(table.columns[:-1]), table).fit(disp=0)
fit.bse
print(json.dumps({"log_likelihood": float(fit.llf)}))
"""
)
# the installed command is these two lines
_COMMAND = "from kullback.cli import main; main()"


def library_warm(rows: int, repeats: int) -> Measured:
    return _measure(rows, repeats, _library, [sys.executable, "-c", _SCIPY], "y.npy", cold=False)


def library_cold(rows: int, repeats: int) -> Measured:
    return _measure(rows, repeats, _library, [sys.executable, "-c", _SCIPY], "y.npy", cold=True)


def command_warm(rows: int, repeats: int) -> Measured:
    return _measure(
        rows, repeats, _command, [sys.executable, "-c", _SCIPY_CSV], "y.csv", cold=False
    )


def command_cold(rows: int, repeats: int) -> Measured:
    return _measure(rows, repeats, _command, [sys.executable, "-c", _SCIPY_CSV], "y.csv", cold=True)


def regression_against_scikit_learn(rows: int, repeats: int) -> Measured:
    """A logistic regression on five columns; the peer's of arrays, without errors."""
    return _regression(rows, repeats, _SCIKIT_LEARN)


def regression_against_statsmodels(rows: int, repeats: int) -> Measured:
    """The same; the peer's by a formula, with errors."""
    return _regression(rows, repeats, _STATSMODELS)


def _regression(rows: int, repeats: int, peer: str) -> Measured:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((rows, 5))
    y = rng.random(rows) < 1.0 / (1.0 + np.exp(-x @ np.linspace(-0.8, 0.8, 5)))
    with tempfile.TemporaryDirectory() as folder:
        path, cache = Path(folder, "rows.npy"), Path(folder, "cache")
        np.save(path, np.column_stack([x, y]))

        def of(program: str, environment: Any) -> Callable[[], Any]:
            command = [sys.executable, "-c", program, str(path)]
            return lambda: run_process(command, environment)

        theirs, ours = alternate(
            [of(peer, os.environ), of(_REGRESSION, with_cache(str(cache)))], repeats
        )
    found: Any = ours.result
    other: Any = theirs.result
    return Measured(
        theirs.seconds,
        ours.seconds,
        theirs.first,
        ours.first,
        found["convergence"]["compile_seconds"],
        peer_log_likelihood=other["log_likelihood"],
        own_log_likelihood=found["log_likelihood"],
    )


def _library(path: Path) -> list[str]:
    return [sys.executable, "-c", _LIBRARY, str(path)]


def _command(path: Path) -> list[str]:
    options = ["--y", "y", "--model", "weibull", "--json"]
    return [sys.executable, "-c", _COMMAND, "fit", str(path), *options]


def _measure(
    rows: int,
    repeats: int,
    own: Callable[[Path], list[str]],
    peer: list[str],
    file: str,
    *,
    cold: bool,
) -> Measured:
    """Time processes by turns, with a compilation cache that is kept, or new for every process."""
    x = weibull(rows)
    with tempfile.TemporaryDirectory() as folder:
        path, cache = Path(folder, file), Path(folder, "cache")
        if file.endswith(".csv"):
            np.savetxt(path, x, header="y", comments="", fmt="%.17g")
        else:
            np.save(path, x)

        def run_own() -> Any:
            at = tempfile.mkdtemp(dir=folder) if cold else str(cache)
            return run_process(own(path), with_cache(at))

        # the first call of each also lets Python write its byte-code, which any later run has
        theirs, ours = alternate(
            [lambda: run_process([*peer, str(path)], os.environ), run_own], repeats
        )
    found: Any = ours.result
    estimate: Any = theirs.result
    return replace(
        Measured(theirs.seconds, ours.seconds),
        compiling=found["convergence"]["compile_seconds"],
        peer_log_likelihood=_log_likelihood(x, estimate["params"]),
        own_log_likelihood=_log_likelihood(x, found["params"]),
    )


def run_process(command: list[str], environment: Any) -> Any:
    """Run a process, and return the JSON of its last line."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[:3]} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def with_cache(folder: str) -> dict[str, str]:
    """The environment with a folder for compiled code, as the command line always has it."""
    return {
        **os.environ,
        "KULLBACK_CACHE_DIR": folder,
        "JAX_COMPILATION_CACHE_DIR": folder,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def _log_likelihood(x: Any, params: dict[str, float]) -> float:
    from scipy import stats

    return float(np.sum(stats.weibull_min.logpdf(x, params["shape"], 0.0, params["scale"])))
