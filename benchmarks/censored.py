"""Weibull fits to censored and truncated rows with standard errors, and one to a streamed file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measure import Measured, alternate, timed
from scipy import stats
from streaming import GROUP, child

import kullback as kl
from kullback._core.compilation import COMPILED

Columns = dict[str, Any]


def censored(rows: int, share: float, seed: Any = 4, *, truncated: bool = False) -> Columns:
    """Times of a Weibull distribution of which about a share ends before the event."""
    random = np.random.default_rng(seed)
    entry = random.uniform(0.0, 1.0, rows) if truncated else np.zeros(rows)
    # given that it is above the entry, (t/scale)^shape − (entry/scale)^shape is exponential
    time = 3.0 * ((entry / 3.0) ** 1.5 + random.exponential(size=rows)) ** (1.0 / 1.5)
    # an end that is uniform on [0, c] comes first with probability 1/c ∫ S(t) dt, about 2.7/c
    end = entry + random.uniform(0.0, 2.7 / share, rows)
    return {"time": np.minimum(time, end), "died": time <= end, "entry": entry}


def against_surpyval(rows: int, repeats: int) -> Measured:
    return _side_by_side(rows, repeats, _surpyval, truncated=False)


def truncated_against_surpyval(rows: int, repeats: int) -> Measured:
    return _side_by_side(rows, repeats, _surpyval, truncated=True)


def against_lifelines(rows: int, repeats: int) -> Measured:
    return _side_by_side(rows, repeats, _lifelines, truncated=False)


def truncated_against_lifelines(rows: int, repeats: int) -> Measured:
    return _side_by_side(rows, repeats, _lifelines, truncated=True)


def _surpyval(columns: Columns) -> tuple[float, float]:
    import surpyval

    late = {"tl": columns["entry"]} if columns["entry"].any() else {}
    fit = surpyval.Weibull.fit(x=columns["time"], c=1 - columns["died"], **late)
    scale, shape = fit.params
    return shape, scale


def _lifelines(columns: Columns) -> tuple[float, float]:
    from lifelines import WeibullFitter

    late = {"entry": columns["entry"]} if columns["entry"].any() else {}
    fit = WeibullFitter().fit(columns["time"], columns["died"], **late)
    return fit.rho_, fit.lambda_


def _log_likelihood(columns: Columns, shape: float, scale: float) -> float:
    law = stats.weibull_min(shape, scale=scale)
    time, died, entry = columns["time"], columns["died"], columns["entry"]
    terms = np.where(died, law.logpdf(time), law.logsf(time)) - law.logsf(entry)
    return float(terms.sum())


def _side_by_side(
    rows: int,
    repeats: int,
    peer: Callable[[Columns], tuple[float, float]],
    *,
    truncated: bool,
) -> Measured:
    columns = censored(rows, 0.3, truncated=truncated)
    options: dict[str, Any] = {"event": columns["died"]}
    if truncated:
        options["truncation"] = (columns["entry"], None)

    def own() -> tuple[float, float]:
        fit = kl.fit(kl.Weibull(), columns["time"], **options)
        if not all(np.isfinite(value) for value in fit.stderr.values()):
            raise RuntimeError(fit.convergence.reason)
        return fit.params["shape"], fit.params["scale"]

    compiled = COMPILED.seconds
    first, _ = timed(own)
    theirs, ours = alternate([lambda: peer(columns), own], repeats)
    return Measured(
        theirs.seconds,
        ours.seconds,
        theirs.first,
        first,
        COMPILED.seconds - compiled,
        peer_log_likelihood=_log_likelihood(columns, *theirs.result),
        own_log_likelihood=_log_likelihood(columns, *ours.result),
        notes=[f"{1.0 - columns['died'].mean():.0%} censored"],
    )


# ---- streamed ----------------------------------------------------------------------------------


def streamed(rows: int, repeats: int) -> Measured:
    """A file of times and events, a tenth censored: in a new process, beside one read of both."""
    with tempfile.TemporaryDirectory(prefix="kullback-bench-") as folder:
        path, small = Path(folder, "rows.parquet"), Path(folder, "few.parquet")
        _write(path, rows)
        _write(small, min(rows, GROUP))
        child("read", "time,died", str(path))  # the file is in the page cache from here on
        peer: list[float] = []
        own: list[float] = []
        found: dict[str, Any] = {}
        for _ in range(repeats):
            peer.append(child("read", "time,died", str(path))["seconds"])
            found = child("fit", "Weibull", "time,died", str(path), str(small))
            own.append(found["seconds"])
    passes, peak = found["passes"], found["peak_mb"]
    return Measured(
        peer,
        own,
        compiling=found["compiling"],
        own_log_likelihood=found["log_likelihood"],
        passes=passes,
        peak_mb=peak,
        notes=[f"{passes} passes, {peak:.0f} MB at peak"],
    )


def _write(path: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, pa.schema([("time", pa.float64()), ("died", pa.int8())])) as writer:
        for group, start in enumerate(range(0, rows, GROUP)):
            part = censored(min(GROUP, rows - start), 0.1, [4, group])
            died = part["died"].astype(np.int8)
            writer.write_table(pa.table({"time": part["time"], "died": died}), row_group_size=GROUP)
