"""Regressions streamed from Parquet: passes and memory, and a group-by of the same columns."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measure import Measured, timed
from streaming import GROUP, peak_mb
from streaming import child as reading

COLUMNS = 10

# Rows of the file on which a process compiles before the fit that is timed.
_WARMING = 200_000


def poisson_streamed(rows: int, repeats: int) -> Measured:
    """Counts on ten columns of numbers, beside one read of the columns."""
    columns = ",".join(["y", *(f"x{k}" for k in range(COLUMNS))])
    with tempfile.TemporaryDirectory(prefix="kullback-bench-") as folder:
        path, small = _written(folder, rows, _counts), _written(folder, _WARMING, _counts)
        reading("read", columns, str(path))  # the file is in the page cache from here on
        peer, own, found = [], [], {}
        for _ in range(repeats):
            peer.append(reading("read", columns, str(path))["seconds"])
            found = _child("poisson", str(path), str(small))
            own.append(found["seconds"])
    return Measured(
        peer,
        own,
        compiling=found["compiling"],
        own_log_likelihood=found["log_likelihood"],
        passes=found["passes"],
        peak_mb=found["peak_mb"],
        notes=[f"{found['passes']} passes, {found['peak_mb']:.0f} MB at peak"],
    )


def logistic_against_duckdb(rows: int, repeats: int) -> Measured:
    """Ten categories of four levels, a million distinct rows, against DuckDB's group-by of them."""
    with tempfile.TemporaryDirectory(prefix="kullback-bench-") as folder:
        path, small = _written(folder, rows, _labels), _written(folder, _WARMING, _labels)
        _child("group", str(path))  # the file is in the page cache from here on
        peer, own, found = [], [], {}
        for _ in range(repeats):
            peer.append(_child("group", str(path))["seconds"])
            found = _child("logistic", str(path), str(small))
            own.append(found["seconds"])
    return Measured(
        peer,
        own,
        compiling=found["compiling"],
        own_log_likelihood=found["log_likelihood"],
        peak_mb=found["peak_mb"],
        notes=[f"{found['passes']} passes, {found['peak_mb']:.0f} MB at peak"],
    )


# ---- the files ---------------------------------------------------------------------------------


def _counts(rows: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng([11, seed])
    x = rng.standard_normal((COLUMNS, rows), dtype=np.float32)
    eta = 0.5 + np.linspace(-0.3, 0.3, COLUMNS) @ x
    return {"y": rng.poisson(np.exp(eta)).astype(np.int32), **_named("x", x)}


def _labels(rows: int, seed: int) -> dict[str, Any]:
    import pyarrow as pa

    rng = np.random.default_rng([12, seed])
    codes = rng.integers(0, 4, (COLUMNS, rows), dtype=np.int8)
    eta = np.linspace(-0.4, 0.4, COLUMNS) @ codes
    y = (rng.random(rows) < 1.0 / (1.0 + np.exp(-eta))).astype(np.int8)
    levels = pa.array(["a", "b", "c", "d"])
    columns = [pa.DictionaryArray.from_arrays(pa.array(own), levels) for own in codes]
    return {"y": y, **_named("c", columns)}


def _named(letter: str, columns: Any) -> dict[str, Any]:
    return {f"{letter}{k}": own for k, own in enumerate(columns)}


def _written(folder: str, rows: int, draw: Callable[[int, int], dict[str, Any]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(folder, f"{draw.__name__}_{rows}.parquet")
    with pq.ParquetWriter(path, pa.table(draw(1, 0)).schema) as writer:
        for group, start in enumerate(range(0, rows, GROUP)):
            part = draw(min(GROUP, rows - start), group)
            writer.write_table(pa.table(part), row_group_size=GROUP)
    return path


# ---- in the processes that are timed -----------------------------------------------------------


def _child(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{arguments[0]} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def _fit(model: Any, path: str, small: str) -> dict[str, Any]:
    import kullback as kl

    compiling = kl.fit(model, small, "y").convergence.compile_seconds
    seconds, fit = timed(lambda: kl.fit(model, path, "y"))
    if not np.isfinite(fit.covariance()).all():
        raise RuntimeError(f"no standard errors: {fit.convergence.reason}")
    return {
        "seconds": seconds,
        "compiling": compiling + fit.convergence.compile_seconds,
        "passes": fit.convergence.passes,
        "log_likelihood": fit.log_likelihood,
        "peak_mb": peak_mb(),
    }


def _poisson(path: str, small: str) -> dict[str, Any]:
    import kullback as kl

    return _fit(kl.Poisson(rate="~ ."), path, small)


def _logistic(path: str, small: str) -> dict[str, Any]:
    import kullback as kl

    return _fit(kl.Bernoulli(logit="~ ."), path, small)


def _group(path: str) -> dict[str, Any]:
    import duckdb

    query = "SELECT *, count(*) FROM read_parquet(?) GROUP BY ALL"
    seconds, _ = timed(lambda: duckdb.execute(query, [path]).to_arrow_table())
    return {"seconds": seconds}


if __name__ == "__main__":
    program = {"poisson": _poisson, "logistic": _logistic, "group": _group}[sys.argv[1]]
    print(json.dumps(program(*sys.argv[2:])))
