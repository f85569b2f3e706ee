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
