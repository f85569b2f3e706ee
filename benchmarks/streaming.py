"""Fits of streamed Parquet files, compared with pyarrow's reading of the same column."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import in_memory
from measure import Measured, alternate, timed

# Rows in a row group, as the writer of pyarrow makes them by default.
GROUP = 1 << 20

# Rows of the file on which a process compiles before the fit that is timed: several blocks.
WARMING = 200_000


def student_t_streamed(rows: int, repeats: int) -> Measured:
    """Time the fit of a file, in a new process each time, and pyarrow in another."""
    path, small = parquet("student_t", rows), parquet("student_t", WARMING)

    def fit() -> Any:
        return child("fit", "StudentT", "y", str(path), str(small))

    def read() -> Any:
        return child("read", "y", str(path))

    read()  # the file is in the page cache from here on, for both
    peer, own, fits = [], [], []
    for _ in range(repeats):
        theirs, ours = alternate([read, fit], 0)
        peer.append(theirs.result["seconds"])  # type: ignore[index]
        own.append(ours.result["seconds"])  # type: ignore[index]
        fits.append(ours.result)
    passes = max(found["passes"] for found in fits)
    peak = max(found["peak_mb"] for found in fits)
    size = path.stat().st_size / 1e6
    return Measured(
        peer_seconds=peer,
        own_seconds=own,
        own_first=None,
        compiling=fits[-1]["compiling"],
        own_log_likelihood=fits[-1]["log_likelihood"],
        passes=passes,
        peak_mb=peak,
        notes=[
            f"{passes} passes, {peak:.0f} MB at peak, a file of {size:.0f} MB in the page cache"
        ],
    )


# ---- the files
# ------------------------------------------------------------------------------------


def parquet(name: str, rows: int) -> Path:
    """Give the path of a file with so many rows of `in_memory`'s data; it is made once and kept."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = Path(os.environ.get("KULLBACK_BENCH_CACHE") or tempfile.gettempdir(), "kullback-bench")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_{rows}.parquet"
    if path.exists():
        return path
    draw: Callable[..., Any] = getattr(in_memory, name)
    unfinished = path.with_suffix(".part")
    with pq.ParquetWriter(unfinished, pa.schema([("y", pa.float64())])) as writer:
        for group, start in enumerate(range(0, rows, GROUP)):
            values = draw(min(GROUP, rows - start), seed=[len(name), group])
            writer.write_table(pa.table({"y": values}), row_group_size=GROUP)
    unfinished.rename(path)
    return path


# ---- in the processes that are timed
# --------------------------------------------------------------


def child(*arguments: str) -> Any:
    """Run this file in a new process and give what it prints."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{arguments[0]} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def _fit(name: str, columns: str, path: str, small: str) -> dict[str, Any]:
    """Fit a model by name to the column of the outcome and that of the event, if there is one."""
    import kullback as kl

    model = getattr(kl, name)()
    options = dict(zip(("y", "event"), columns.split(","), strict=False))
    compiling = kl.fit(model, small, **options).convergence.compile_seconds
    seconds, fit = timed(lambda: kl.fit(model, path, **options))
    if not all(error > 0.0 for error in fit.stderr.values()):
        raise RuntimeError(f"no standard errors: {fit.convergence.reason}")
    return {
        "seconds": seconds,
        "compiling": compiling + fit.convergence.compile_seconds,
        "passes": fit.convergence.passes,
        "log_likelihood": fit.log_likelihood,
        "peak_mb": peak_mb(),
    }


def _read(columns: str, path: str) -> dict[str, Any]:
    """One read of the columns, by row groups in bounded memory or whole: the faster of the two."""
    import pyarrow.parquet as pq

    def by_groups() -> None:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                file.read_row_group(group, columns=columns.split(","))

    def whole() -> None:
        pq.read_table(path, columns=columns.split(","))

    by_groups()  # once unmeasured, for imports, thread pools and memory
    whole()
    return {"seconds": min(timed(by_groups)[0], timed(whole)[0])}


def peak_mb() -> float:
    """Peak memory of this process, in units of 10⁶ bytes."""
    try:  # of this program alone: ru_maxrss may be that of the parent before this one began
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    except (OSError, StopIteration):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    program = {"fit": _fit, "read": _read}[sys.argv[1]]
    print(json.dumps(program(*sys.argv[2:])))
