"""Which distribution: a comparison in this process, and as a whole new process."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from measure import Measured, alternate
from processes import run_process, with_cache
from scipy import stats

import kullback as kl

# Each program prints the parameters of the families that all fit with the same ones, as one line of
# JSON; the others have a location more in the peers.
_OWN = """
import json, sys
import kullback as kl, numpy as np
x = np.load(sys.argv[1])
models = [kl.Normal(), kl.StudentT(), kl.GeneralizedExtremeValue(), kl.Exponential(), kl.Pareto(),
          kl.Weibull(), kl.Gamma(), kl.LogNormal(), kl.Beta(), kl.Uniform()]
params = {name: fit.params for name, fit in kl.compare(models, x).fits.items()}
t, gev = params["StudentT"], params["GeneralizedExtremeValue"]
print(json.dumps({
    "norm": [params["Normal"]["loc"], params["Normal"]["scale"]],
    "t": [t["df"], t["loc"], t["scale"]],
    "genextreme": [-gev["shape"], gev["loc"], gev["scale"]],
}))
"""
_DISTFIT = """
import json, sys
import numpy as np
from distfit import distfit
found = distfit(distr="popular", verbose=0)
found.fit_transform(np.load(sys.argv[1]))
table = found.summary.set_index("name")["params"]
print(json.dumps({name: list(map(float, table[name])) for name in ("norm", "t", "genextreme")}))
"""
_FITTER = """
import json, sys
import numpy as np
from fitter import Fitter, get_common_distributions
found = Fitter(np.load(sys.argv[1]), distributions=get_common_distributions(), timeout=600)
found.fit(max_workers=1, prefer="threads")
print(json.dumps({"norm": list(map(float, found.fitted_param["norm"]))}))
"""


def rows_of(rows: int) -> Any:
    """Gamma rows below 1, so that a beta can be fitted too."""
    return np.random.default_rng(1).gamma(3.0, 2.0, rows) / 100.0


def every_family(rows: int, repeats: int) -> Measured:
    """All families by held-out loss, six fits each, beside distfit's eleven, fitted once."""
    from distfit import distfit

    x = rows_of(rows) * 100.0

    def peer() -> None:
        with warnings.catch_warnings(), open(os.devnull, "w") as nowhere:
            warnings.simplefilter("ignore")
            with contextlib.redirect_stdout(nowhere):
                distfit(distr="popular", verbose=0).fit_transform(x)

    theirs, ours = alternate([peer, lambda: kl.compare("all", x)], repeats)
    return Measured(theirs.seconds, ours.seconds, theirs.first, ours.first)


def process_warm(rows: int, repeats: int) -> Measured:
    return _measure(rows, repeats, _DISTFIT, cold=False)


def process_cold(rows: int, repeats: int) -> Measured:
    return _measure(rows, repeats, _DISTFIT, cold=True)


def process_fitter(rows: int, repeats: int) -> Measured:
    return _measure(rows, repeats, _FITTER, cold=False)


def _measure(rows: int, repeats: int, peer: str, *, cold: bool) -> Measured:
    """Time processes by turns, with a compilation cache that is kept, or new for every process."""
    x = rows_of(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "y.npy")
        np.save(path, x)

        def own() -> Any:
            cache = tempfile.mkdtemp(dir=folder) if cold else str(Path(folder, "cache"))
            return run_process([sys.executable, "-c", _OWN, str(path)], with_cache(cache))

        command = [sys.executable, "-W", "ignore", "-c", peer, str(path)]
        theirs, ours = alternate([lambda: run_process(command, os.environ), own], repeats)
    estimate: Any = theirs.result
    found: Any = ours.result
    return replace(
        Measured(theirs.seconds, ours.seconds),
        peer_log_likelihood=_log_likelihood(x, estimate),
        own_log_likelihood=_log_likelihood(x, {name: found[name] for name in estimate}),
    )


def _log_likelihood(x: Any, params: dict[str, list[float]]) -> float:
    """The sum of the log-likelihoods of the families with the same parameters."""
    return sum(float(getattr(stats, n).logpdf(x, *v).sum()) for n, v in params.items())
