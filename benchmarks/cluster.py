"""Measure the constants of `benchmarks/cluster.md`: Dask's engine against the streaming one.

    python benchmarks/cluster.py [rows] [workers ...]

It writes Parquet files of Student-t numbers to a temporary folder, 8 bytes a row, and prints a line
of JSON for each number of workers: seconds of five passes by either engine, the cost of a task and
of a call, the bytes a task that travel between client and scheduler, and for how many messages, one
after the other, a pass waits: a proxy between them counts the bytes, and delays them by a quarter
of a second each way. The start of workers and the first pass, in which they import and compile, are
not counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client, LocalCluster

import kullback as kl
from kullback.data import Roles, open_sample
from kullback.objective.statistics import LossDerivatives

PASSES, FILES, GROUP, DELAY = 5, 8, 1_000_000, 0.25


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


class Proxy:
    """Passes on what a client and a scheduler say to each other: counted, and later.

    Attributes:
        address: for the client.
        sent: bytes to the scheduler, and bytes to the client.
        delay: seconds each way.
    """

    def __init__(self, scheduler: str) -> None:
        self._host, _, self._port = scheduler.removeprefix("tcp://").rpartition(":")
        self.sent, self.delay = [0, 0], 0.0
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._connected, "127.0.0.1", 0), self._loop
        ).result()
        self.address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        others = await asyncio.open_connection(self._host, int(self._port))
        await asyncio.gather(self._pass(reader, others[1], 0), self._pass(others[0], writer, 1))

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: int
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 20):
                self.sent[way] += len(data)
                self._loop.call_later(self.delay, writer.write, data)


def messages(own: LocalCluster, sample, derivatives, thetas) -> dict[str, float]:
    """Return the bytes of a task, and for how many messages a pass waits."""
    proxy = Proxy(own.scheduler_address)
    with Client(proxy.address, set_as_default=False) as client:
        engine = kl.DaskEngine(client, rows_per_task=GROUP)(sample)

        def fastest() -> float:
            return min(passes(engine, derivatives, [theta])[0] for theta in thetas)

        undelayed = fastest()
        before = list(proxy.sent)
        for theta in thetas:
            engine.reduce(derivatives, theta)
        count = engine.partitions[1]
        up, down = ((a - b) / PASSES / count for a, b in zip(proxy.sent, before, strict=True))
        proxy.delay = DELAY
        waits = (fastest() - undelayed) / DELAY
        proxy.delay = 0.0
    return {"tasks": count, "bytes up": up, "bytes down": down, "waits": waits}


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
                    **messages(own, sample, derivatives, thetas),
                }
                print(json.dumps({k: round(v, 5) for k, v in line.items()}), flush=True)


if __name__ == "__main__":
    main()
