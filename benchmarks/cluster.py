"""Measure the constants of `benchmarks/cluster.md`: Dask's engine against the streaming one.

    python benchmarks/cluster.py [rows] [workers ...]

It writes Parquet files of Student-t numbers to a temporary folder, 8 bytes a row, and prints a line
of JSON for each measurement: seconds of five passes by either engine, the cost of a task, of a pass
and of a message, and what comes back from a pass. The start of workers and the first pass, in which
they import and compile, are not counted.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client, LocalCluster

import kullback as kl
from kullback.data import Roles, open_sample
from kullback.objective.statistics import LossDerivatives

PASSES, FILES, GROUP = 5, 8, 1_000_000


def write(folder: Path, rows: int) -> str:
    """Write the files, and return their pattern."""
    generator = np.random.default_rng(1)
    for i in range(FILES):
        table = pa.table({"t": generator.standard_t(5, rows // FILES)})
        pq.write_table(table, folder / f"{i}.parquet", row_group_size=GROUP)
    return str(folder / "*.parquet")


def passes(engine, derivatives: LossDerivatives, thetas: list[np.ndarray]) -> tuple[float, bytes]:
    """Return the seconds of five passes, and their bits."""
    engine.reduce(derivatives, thetas[0])  # imports and compiles
    began = time.perf_counter()
    found = [engine.reduce(derivatives, theta) for theta in thetas]
    return time.perf_counter() - began, b"".join(part.tobytes() for part in found)


def tasks(client: Client, count: int = 500) -> float:
    """Return the seconds of an empty task."""
    began = time.perf_counter()
    client.gather([client.submit(int, i, pure=False) for i in range(count)])
    return (time.perf_counter() - began) / count


def latency(client: Client, count: int = 100) -> float:
    """Return the seconds from a call to its result, one after the other."""
    began = time.perf_counter()
    for i in range(count):
        client.submit(int, i, pure=False).result()
    return (time.perf_counter() - began) / count


def main() -> None:
    """Measure, for each number of workers."""
    rows = int(float(sys.argv[1])) if len(sys.argv) > 1 else 20_000_000
    workers = [int(n) for n in sys.argv[2:]] or [1, 2, 4]
    model = kl.StudentT()
    derivatives = LossDerivatives(model, model.vector.is_free)
    thetas = [np.array([5.0 + 0.1 * i, 0.01 * i, 1.0]) for i in range(PASSES)]
    with tempfile.TemporaryDirectory() as folder:
        pattern = write(Path(folder), rows)
        sample = open_sample(pattern, Roles("t"), in_memory=False)
        for count in workers:
            with (
                LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=":0") as own,
                Client(own, set_as_default=False) as client,
            ):
                engine = kl.DaskEngine(client)(sample)
                seconds, bits = min(passes(engine, derivatives, thetas) for _ in range(3))
                streamed, expected = min(
                    passes(kl.StreamingEngine(sample), derivatives, thetas) for _ in range(3)
                )
                few = kl.DaskEngine(client, rows_per_task=GROUP)(sample)
                more, _ = min(passes(few, derivatives, thetas) for _ in range(3))
                line = {
                    "rows": rows,
                    "workers": count,
                    "dask": seconds,
                    "streaming": streamed,
                    "ratio": seconds / streamed,
                    "the same bits": bits == expected,
                    "one row group a task": more,
                    "task": tasks(client),
                    "latency": latency(client),
                }
                print(json.dumps({k: round(v, 5) for k, v in line.items()}), flush=True)


if __name__ == "__main__":
    main()
