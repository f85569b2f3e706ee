"""Fits on a Dask cluster: the same bits as on one machine, whatever dies, and errors that help.

The expected values are those of ``kl.StreamingEngine`` and ``kl.LocalEngine``, bit for bit, which
other tests compare with SciPy and R.
"""

import contextlib
import gc
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kullback as kl
from kullback._core.machine import this_machine
from kullback.cli import main
from kullback.data.blocks import ROWS
from kullback.data.observation import Exact
from kullback.engines import cluster_calls, cluster_tasks, dask_cluster
from kullback.engines.cluster_workers import other_instructions

distributed = pytest.importorskip("distributed", reason="Dask is not installed")
dask = pytest.importorskip("dask")

# Sizes of files and row groups that share no factor with blocks, so that most blocks lie in two
# parts or more.
SIZES, GROUP, TASK = (90_001, 40_000, 101_003), 30_011, 45_000

# On a busy machine a worker that died takes a minute and more to start again.
PATIENCE = 600.0

# Dask's own processes and threads leave sockets to the collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*unclosed"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three Parquet files of columns for all models."""
    folder = tmp_path_factory.mktemp("rows")
    random_numbers = np.random.default_rng(1)
    for i, n in enumerate(SIZES):
        x = random_numbers.normal(size=n)
        times = 3.0 * random_numbers.weibull(1.5, n)
        columns = {
            "x": x,
            "t": 2.0 + random_numbers.standard_t(5, n),
            "gamma": random_numbers.gamma(2.0, 3.0, n),
            "time": times,
            "event": (random_numbers.random(n) > 0.3).astype(int),
            "count": random_numbers.poisson(np.exp(0.3 * x)),
            "weight": random_numbers.integers(0, 3, n).astype(float),
            "share": random_numbers.random(n) + 0.5,
            "class": np.array(["a", "b", "c"])[random_numbers.integers(0, 3, n)],
            "entry": np.where(random_numbers.random(n) < 0.4, 0.5 * times, 0.0),
            "holes": np.where(random_numbers.random(n) < 0.01, np.nan, x),
        }
        if i == 1:  # a kind of row that few parts hold, and one that one part holds
            columns["event"][:40] = -1
        pq.write_table(pa.table(columns), folder / f"{'bac'[i]}.parquet", row_group_size=GROUP)
    return [str(folder / f"{name}.parquet") for name in "bac"]


@pytest.fixture(scope="module")
def cluster():
    """Two processes, which Dask starts again where they die."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 20}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as own,
    ):
        yield own


@pytest.fixture(scope="module")
def client(cluster):
    with distributed.Client(cluster, set_as_default=False) as own:
        yield own


@pytest.fixture(scope="module")
def engine(client):
    return kl.DaskEngine(client, rows_per_task=TASK, patience=PATIENCE)


MODELS = {
    "exact": (lambda: kl.StudentT(), "t", {}),
    "sums": (lambda: kl.Gamma(), "gamma", {}),
    "weights": (lambda: kl.Weibull(), "time", {"weights": "share"}),
    "weights of zero": (lambda: kl.Gamma(), "gamma", {"weights": "weight"}),
    "sampling weights": (
        lambda: kl.LogNormal(),
        "time",
        {"weights": "share", "weight_kind": "sampling"},
    ),
    "censored": (lambda: kl.Weibull(), "time", {"event": "event", "weights": "weight"}),
    "truncated": (lambda: kl.Exponential(), "time", {"truncation": ("entry", None)}),
    "rounded": (lambda: kl.Logistic(), "x", {"rounding": 0.1}),
    "dropped": (lambda: kl.Normal(), "holes", {"missing": "drop"}),
    "counts": (lambda: kl.Poisson(), "count", {"weights": "weight"}),
    "classes": (lambda: kl.Categorical(), "class", {}),
    "order statistics": (lambda: kl.Laplace(), "t", {}),
    "regression": (lambda: kl.Poisson(rate="~ x + C(class)"), "count", {}),
    "splines": (lambda: kl.Normal(loc="~ bs(x, 5)"), "t", {"weights": "share"}),
}


def numbers(fit):
    """The bits of a fit to rows that are described otherwise."""
    found = [fit.cross_entropy, fit.covariance()]
    return [np.asarray(number, dtype=np.float64).tobytes() for number in found]


@pytest.mark.parametrize("name", MODELS)
def test_the_bits_are_those_of_a_stream(name, files, engine):
    make, y, roles = MODELS[name]
    streamed = kl.fit(make(), files, y, engine=kl.StreamingEngine, **roles)
    found = kl.fit(make(), files, y, engine=engine, **roles)
    assert found == streamed
    assert numbers(found) == numbers(streamed)
    assert found.convergence.passes == streamed.convergence.passes
    assert found.sample_info.dropped == streamed.sample_info.dropped
    assert found.sample_info.source == streamed.sample_info.source


@pytest.mark.parametrize("name", ["exact", "splines"])
def test_the_bits_are_those_of_memory(name, files, engine):
    make, y, roles = MODELS[name]
    memory = kl.fit(make(), files, y, **roles)
    assert numbers(kl.fit(make(), files, y, engine=engine, **roles)) == numbers(memory)


def test_another_order_of_the_files_and_other_tasks(files, client):
    again = files[::-1]
    streamed = kl.fit(kl.Weibull(), again, "time", event="event", engine=kl.StreamingEngine)
    for rows in (1, 70_000, 10**9):
        one = kl.DaskEngine(client, rows_per_task=rows)
        assert kl.fit(kl.Weibull(), again, "time", event="event", engine=one) == streamed


def test_a_dask_dataframe_is_read_in_the_order_of_its_partitions(files, client, engine):
    import dask.dataframe as dd

    own = sorted(files[:2])  # as Dask sorts them

    table = dd.read_parquet(own, columns=["time", "event", "class", "count", "x"])
    streamed = kl.fit(kl.Weibull(), own, "time", event="event", engine=kl.StreamingEngine)
    with client.as_current():
        found = kl.fit(kl.Weibull(), table, "time", event="event", engine=engine)
    assert numbers(found) == numbers(streamed)
    model = kl.Poisson(rate="~ x + C(class)")
    streamed = kl.fit(model, own, "count", engine=kl.StreamingEngine)
    with client.as_current():
        assert numbers(kl.fit(model, table, "count", engine=engine)) == numbers(streamed)
    with pytest.raises(kl.DataError, match=r"give engine=kl\.DaskEngine"):
        kl.fit(kl.Weibull(), table, "time")


FRAMES = {
    "text": {},
    "categories in an order": {"c": pd.CategoricalDtype(["c", "b", "a"])},
    "nullable": {"t": "Float64", "x": "Float32", "e": "Int64"},
    "Arrow's types": {"t": "double[pyarrow]", "c": "string[pyarrow]", "e": "bool"},
}


@pytest.mark.parametrize("types", FRAMES.values(), ids=FRAMES)
def test_partitions_of_all_kinds_of_columns(types, thread):
    import dask.dataframe as dd

    random_numbers = np.random.default_rng(5)
    columns = {
        "t": random_numbers.gamma(2.0, 3.0, 3_000),
        "x": random_numbers.normal(size=3_000),
        "c": np.array(["a", "b", "c"])[random_numbers.integers(0, 3, 3_000)],
        "e": random_numbers.integers(0, 2, 3_000),
    }
    frame = pd.DataFrame(columns).astype(types)
    cuts = [0, 0, 1, 1500, 1500, 2999, 3000, 3000]  # three without a row, two of one row
    # no divisions are known of partitions that are made by a function
    parts = dd.from_map(
        lambda ends: frame.iloc[slice(*ends)], [*pairwise(cuts)], meta=frame.iloc[:0]
    )
    engine = kl.DaskEngine(thread[1])
    model = kl.Weibull(scale="~ x + c")
    found = kl.fit(model, parts, "t", event="e", engine=engine)
    memory = kl.fit(model, frame, "t", event="e")
    assert found.names == memory.names
    assert numbers(found) == numbers(memory)
    parts["c"] = parts["c"].astype("object").astype("category")  # unknown until it is computed
    sorted_levels = kl.fit(model, frame.astype({"c": "object"}), "t", event="e")
    assert numbers(kl.fit(model, parts, "t", event="e", engine=engine)) == numbers(sorted_levels)
    with pytest.raises(kl.DataError, match=r"without by=; .* \.compute\(\) it first"):
        kl.fit(kl.Gamma(), parts, "t", by="c", engine=engine)


def test_scores_and_comparisons(files, engine):
    model = kl.Weibull(shape=1.5, scale=3.0)
    streamed = kl.estimate_cross_entropy(model, files, "time", engine=kl.StreamingEngine)
    found = kl.estimate_cross_entropy(model, files, "time", engine=engine)
    assert vars(found) == vars(streamed)
    models = [kl.Weibull(), kl.Exponential()]
    for criterion in ("aic", "held_out"):
        streamed = kl.compare(
            models, files, "time", folds=2, criterion=criterion, engine=kl.StreamingEngine
        )
        found = kl.compare(models, files, "time", folds=2, criterion=criterion, engine=engine)
        assert str(found) == str(streamed)


def test_rows_in_memory_are_added_up_where_they_are(engine):
    x = np.random.default_rng(1).gamma(2.0, 3.0, 1_000)
    assert kl.fit(kl.Gamma(), x, engine=engine) == kl.fit(kl.Gamma(), x)


def test_the_fit_records_the_instructions_of_the_workers(files, engine, tmp_path):
    fit = kl.fit(kl.Exponential(), files, "time", engine=engine)
    assert fit.sample_info.instructions == (this_machine().instructions,)  # of this machine
    fit.save(tmp_path / "fit.json")
    assert kl.load(tmp_path / "fit.json").sample_info.instructions == fit.sample_info.instructions


def test_progress_is_reported_by_parts_and_passes(files, engine):
    seen = []
    kl.fit(kl.StudentT(), files, "t", engine=engine, progress=seen.append)
    first = [p for p in seen if p.passes == 1]
    assert first[-1].rows == sum(SIZES)
    assert {p.passes for p in seen} >= {1, 2, 3}
    done, parts = zip(*(p.partitions for p in first), strict=True)
    assert set(parts) == {4}, "of 60,022, 59,990, 70,011 and 40,981 rows"
    assert list(dict.fromkeys(done)) == [1, 2, 3, 4]


def test_progress_while_rows_are_counted(files, client):
    seen = []
    fresh = kl.DaskEngine(client, rows_per_task=TASK)
    kl.fit(kl.Weibull(), files, "time", event="event", engine=fresh, progress=seen.append)
    counted = [p.partitions for p in seen if p.passes == 0]
    assert counted == [(k, 4) for k in range(1, 5)]
    assert [p.rows for p in seen if p.passes == 0][-1] == sum(SIZES)


def test_the_command_line(files, cluster):
    address = cluster.scheduler_address
    command = [sys.executable, "-m", "kullback", "fit", *files, "--model", "gamma", "--y", "gamma"]
    done = subprocess.run([*command, "--dask", address, "--json"], capture_output=True, check=True)
    streamed = kl.fit(kl.Gamma(), files, "gamma", engine=kl.StreamingEngine)
    assert json.loads(done.stdout)["params"] == streamed.params


# ---- where blocks lie ----------------------------------------------------------------------------


def test_a_block_of_many_parts_belongs_to_the_first():
    kind = Exact()
    places = cluster_tasks.places([{kind: n} for n in (ROWS + 5, 0, 10, 20, ROWS, 3)])
    heads = [place.head.get(kind, 0) for place in places]
    assert heads == [0, 0, 10, 20, 65501, 3]
    assert [set(place.tails) for place in places] == [{2, 3, 4}, set(), set(), set(), {5}, set()]
    assert [place.before[kind] for place in places[1:]] == [65541, 65541, 65551, 65571, 131107]


# ---- whatever dies -------------------------------------------------------------------------------


class Deaths:
    """Kills a worker of the cluster after results that a seed chooses."""

    def __init__(self, cluster, moments, function=None):
        self.cluster, self.moments, self.function = cluster, set(moments), function
        self.results = self.deaths = 0
        self.random = random.Random(3)

    def watch(self, monkeypatch):
        run = dask_cluster.DaskEngine.run

        def watched(own, function, calls, *fixed):
            for found in run(own, function, calls, *fixed):
                if self.function in (None, function):
                    if self.results in self.moments:
                        self.kill()
                    self.results += 1
                yield found

        monkeypatch.setattr(dask_cluster.DaskEngine, "run", watched)

    def kill(self):
        alive = [w for w in self.cluster.workers.values() if w.pid is not None]
        if alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.random.choice(alive).pid, signal.SIGKILL)
                self.deaths += 1


def test_workers_killed_at_random_moments_change_no_bit(files, cluster, engine, monkeypatch):
    make, y, roles = MODELS["censored"]
    streamed = kl.fit(make(), files, y, engine=kl.StreamingEngine, **roles)
    deaths = Deaths(cluster, random.Random(7).sample(range(2, 20), 3))
    deaths.watch(monkeypatch)
    rows = []
    fresh = kl.DaskEngine(engine._client, rows_per_task=TASK, patience=PATIENCE)
    fit = kl.fit(make(), files, y, engine=fresh, progress=lambda p: rows.append(p.rows), **roles)
    assert deaths.deaths == 3
    assert fit == streamed
    assert numbers(fit) == numbers(streamed)
    # a task that was made again is not counted twice
    assert rows[-1] <= fit.convergence.passes * fit.sample_info.rows


def test_a_worker_killed_while_rows_are_counted(files, cluster, engine, monkeypatch):
    make, y, roles = MODELS["weights of zero"]
    streamed = kl.fit(make(), files, y, engine=kl.StreamingEngine, **roles)
    deaths = Deaths(cluster, [0], cluster_tasks.count)
    deaths.watch(monkeypatch)
    fresh = kl.DaskEngine(engine._client, rows_per_task=TASK, patience=PATIENCE)
    assert kl.fit(make(), files, y, engine=fresh, **roles) == streamed
    assert deaths.deaths == 1


def test_both_workers_killed_between_passes(files, cluster, engine):
    streamed = kl.fit(kl.StudentT(), files, "t", engine=kl.StreamingEngine)
    passes = set()

    def watch(progress):
        if progress.passes > 1 and progress.passes not in passes:
            passes.add(progress.passes)
            if len(passes) == 1:
                for worker in cluster.workers.values():
                    os.kill(worker.pid, signal.SIGKILL)

    found = kl.fit(kl.StudentT(), files, "t", engine=engine, progress=watch)
    assert passes
    assert numbers(found) == numbers(streamed)


def test_calls_that_were_cancelled_are_made_again(files, client):
    streamed = kl.fit(kl.StudentT(), files, "t", engine=kl.StreamingEngine)
    cancelled = []

    def watch(progress):  # as client.restart() does
        if progress.passes == 2 and not cancelled:
            cancelled.extend(distributed.Future(key, client) for key in client.futures)
            client.cancel(cancelled, force=True)

    fresh = kl.DaskEngine(client, rows_per_task=TASK)
    assert kl.fit(kl.StudentT(), files, "t", engine=fresh, progress=watch) == streamed
    assert len(cancelled) > 4  # heads among them


# ---- errors --------------------------------------------------------------------------------------


@pytest.fixture
def thread():
    """A cluster of one thread of this process, and a client."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as own,
        distributed.Client(own, set_as_default=False) as client,
    ):
        yield own, client


def small(folder, name="rows.parquet", n=4_000, **columns):
    path = str(folder / name)
    table = pa.table({"t": np.random.default_rng(2).gamma(2.0, 3.0, n), **columns})
    pq.write_table(table, path, row_group_size=1_000, write_page_checksum=True)
    return path


def test_a_file_that_changes_between_passes(thread, tmp_path):
    path = small(tmp_path)

    def watch(progress):
        if progress.passes == 1:
            os.utime(path, ns=(1, 1))

    engine = kl.DaskEngine(thread[1], rows_per_task=1_000)
    with pytest.raises(kl.FileFormatError, match=r"rows\.parquet has changed since it was opened"):
        kl.fit(kl.StudentT(), path, "t", engine=engine, progress=watch)


def test_a_file_that_a_worker_does_not_see(thread, tmp_path):
    path = small(tmp_path)

    def watch(progress):
        if progress.passes == 1 and os.path.exists(path):
            os.unlink(path)

    engine = kl.DaskEngine(thread[1], rows_per_task=1_000)
    with pytest.raises(kl.MissingFileError, match="must see the same files under the same paths"):
        kl.fit(kl.StudentT(), path, "t", engine=engine, progress=watch)


def test_of_several_wrong_parts_the_first_is_named(thread, tmp_path):
    path = small(tmp_path)
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        for share in (0.4, 0.9):  # in the second row group, and in the last
            file.seek(int(share * size))
            file.write(b"\x00" * 64)
    engine = kl.DaskEngine(thread[1], rows_per_task=1_000)
    with pytest.raises(kl.FileFormatError) as streamed:
        kl.fit(kl.Gamma(), path, "t", engine=kl.StreamingEngine)
    with pytest.raises(kl.FileFormatError) as found:
        kl.fit(kl.Gamma(), path, "t", engine=engine)
    assert "(row group 1)" in str(streamed.value)
    assert str(found.value).startswith(str(streamed.value))


@pytest.mark.parametrize(
    ("values", "roles"),
    [
        ([1.0, -2.0, 3.0, 4.0], {}),
        ([np.nan] * 4, {"missing": "drop"}),
        ([1.0, 2.0, 3.0, 4.0], {"weights": "nothing"}),
        ([2.0] * 4, {}),
    ],
    ids=["outside", "none left", "no weight", "constant"],
)
def test_errors_about_rows_are_those_of_a_stream(thread, tmp_path, values, roles):
    path = str(tmp_path / "rows.parquet")
    table = pa.table({"t": np.repeat(values, 3), "nothing": np.zeros(12)})
    pq.write_table(table, path, row_group_size=4)
    with pytest.raises(kl.KullbackError) as streamed:
        kl.fit(kl.Gamma(), path, "t", engine=kl.StreamingEngine, **roles)
    with pytest.raises(kl.KullbackError) as found:
        kl.fit(kl.Gamma(), path, "t", engine=kl.DaskEngine(thread[1], rows_per_task=4), **roles)
    assert str(found.value) == str(streamed.value)


def test_missing_values_are_named_with_their_file_and_row_group(thread, tmp_path):
    path = str(tmp_path / "rows.parquet")
    pq.write_table(pa.table({"t": np.repeat([1.0, np.nan, 3.0], 3)}), path, row_group_size=4)
    said = r'1 missing value in column "t" in .*rows\.parquet \(row group 0\): row 3\.'
    with pytest.raises(kl.DataError, match=said):
        kl.fit(kl.Gamma(), path, "t", engine=kl.DaskEngine(thread[1], rows_per_task=4))


def test_files_without_row_groups(thread, tmp_path):
    import dask.dataframe as dd

    path = tmp_path / "rows.csv"
    pd.DataFrame({"t": np.random.default_rng(2).gamma(2.0, 3.0, 4_000)}).to_csv(path, index=False)
    engine = kl.DaskEngine(thread[1])
    with pytest.raises(kl.DataError, match=r"Write them as Parquet, or give dask\.dataframe"):
        kl.fit(kl.Gamma(), path, "t", engine=engine)
    streamed = kl.fit(kl.Gamma(), path, "t", engine=kl.StreamingEngine)
    table = dd.read_csv(path, blocksize=20_000)
    assert table.npartitions > 2
    assert numbers(kl.fit(kl.Gamma(), table, "t", engine=engine)) == numbers(streamed)


def test_a_lost_scheduler(thread, tmp_path):
    path = small(tmp_path)

    def watch(progress):
        if progress.passes == 2:
            thread[0].close()

    engine = kl.DaskEngine(thread[1], rows_per_task=1_000)
    with pytest.raises(kl.KullbackError, match=r"scheduler at .* is lost") as found:
        kl.fit(kl.StudentT(), path, "t", engine=engine, progress=watch)
    assert found.value.reason == cluster_calls.LOST


def test_no_scheduler_no_worker_and_no_client(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(dask_cluster, "_CONNECT", 0.2)
    said = "no Dask scheduler answers at 'tcp://127"
    with pytest.raises(kl.KullbackError, match=said):
        kl.DaskEngine("tcp://127.0.0.1:1")
    command = ["kullback", "fit", small(tmp_path), "--model", "gamma"]
    monkeypatch.setattr(sys, "argv", [*command, "--dask", "tcp://127.0.0.1:1"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert said in capsys.readouterr().err
    with socket.create_server(("127.0.0.1", 0)) as silent:  # which is no scheduler
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(kl.KullbackError, match=r"nothing intelligible came in 0\.4 seconds"):
            kl.DaskEngine(address)
    with pytest.raises(kl.KullbackError, match="there is no Dask client"):
        kl.DaskEngine()
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as none:
        engine = kl.DaskEngine(none, patience=0.1)
        with pytest.raises(kl.KullbackError, match="no worker has joined the scheduler"):
            kl.fit(kl.Gamma(), small(tmp_path), "t", engine=engine)


# What a worker process of its own runs when it starts.
WITHOUT_KULLBACK = "import sys; sys.modules['kullback'] = None"
OTHER_VERSION = "import kullback; kullback.__version__ = '0.0.9'"
OTHER_PROCESSOR = """
from kullback._core import machine
own = machine.this_machine()
machine.this_machine = lambda: machine.Machine(own.versions, "x86_64 X86_V3")
"""


@contextlib.contextmanager
def worker_that(runs, scheduler, folder):
    """A worker in a process that runs some code first; yields the process and its address."""
    (folder / "sitecustomize.py").write_text(runs)
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "distributed.cli.dask_worker", scheduler.scheduler_address]
    command += ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]
    environment = {**os.environ, "PYTHONPATH": path}
    with (
        subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process,
        distributed.Client(scheduler, set_as_default=False) as client,
    ):
        try:
            client.wait_for_workers(1, timeout=120)
            (address,) = client.nthreads()
            yield process, address, client
        finally:
            process.kill()


@pytest.fixture
def scheduler():
    """A cluster that has no worker yet."""
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address=":0", host="127.0.0.1", protocol="tcp://"
    ) as own:
        yield own


def test_a_worker_without_the_package(scheduler, tmp_path):
    path = small(tmp_path)
    with worker_that(WITHOUT_KULLBACK, scheduler, tmp_path) as (_, address, client):
        said = f"worker {address}: kullback cannot be imported .* install the same versions"
        with pytest.raises(kl.KullbackError, match=said) as found:
            kl.fit(kl.Gamma(), path, "t", engine=kl.DaskEngine(client))
    assert found.value.reason == cluster_calls.VERSIONS


def test_a_worker_with_another_version(scheduler, tmp_path):
    path = small(tmp_path)
    with worker_that(OTHER_VERSION, scheduler, tmp_path) as (_, address, client):
        said = rf"worker {address}: kullback 0\.0\.9 \(client: .*install the same versions"
        with pytest.raises(kl.KullbackError, match=said) as found:
            kl.fit(kl.Gamma(), path, "t", engine=kl.DaskEngine(client))
    assert found.value.reason == cluster_calls.VERSIONS


def test_a_module_of_the_user_that_a_worker_lacks(client, tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(
        "import jax.numpy as jnp\ndef f(y, rate): return jnp.log(rate) - rate * y\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import own_models

    model = kl.LogDensity(own_models.f, {"rate": kl.Param(lower=0.0)}, support="positive")
    with pytest.raises(kl.KullbackError, match=r"cannot import .* 'own_models'") as found:
        kl.fit(model, small(tmp_path), "t", engine=kl.DaskEngine(client))
    assert found.value.reason == cluster_calls.NO_MODULE


def test_a_worker_on_another_processor(scheduler, tmp_path):
    path = small(tmp_path)
    own = this_machine().instructions
    with worker_that(OTHER_PROCESSOR, scheduler, tmp_path) as (_, address, client):
        engine = kl.DaskEngine(client)
        with pytest.warns(UserWarning, match="differ in their instructions") as warned:
            fit = kl.fit(kl.Gamma(), path, "t", engine=engine)
        assert len(warned) == 1
        assert f"(worker {address}: x86_64 X86_V3; the client: {own})" in str(warned[0].message)
        kl.fit(kl.StudentT(), path, "t", engine=engine)  # says so once
    assert fit.sample_info.instructions == tuple(sorted({own, "x86_64 X86_V3"}))


def test_workers_that_differ_from_each_other():
    said = other_instructions(
        {"a": "x86_64 V3 V4", "b": "x86_64 V3", "c": "x86_64 V3 V4"}, "x86_64 V3 V4"
    )
    assert "(workers a and c and the client: x86_64 V3 V4; worker b: x86_64 V3)" in said
    assert "(V4 here)" in said


def test_a_worker_lost_with_its_result(scheduler, tmp_path):
    with worker_that("", scheduler, tmp_path) as (process, _, client):
        engine = kl.DaskEngine(client, patience=0.5)
        future = client.submit(int, 1, pure=False)
        future.result()
        process.kill()
        with pytest.raises(kl.KullbackError, match=r"all workers .* are lost") as found:
            engine.gather([future])
    assert found.value.reason == cluster_calls.LOST


def test_what_it_opened_is_closed_and_nothing_else(thread, tmp_path):
    own, client = thread
    path = small(tmp_path)
    before, held = set(own.scheduler.clients), len(client.futures)

    def fit_with(given):
        fit = kl.fit(kl.StudentT(), path, "t", engine=kl.DaskEngine(given, rows_per_task=1_000))
        del fit
        gc.collect()
        for _ in range(200):  # Dask lets go in a thread of its own
            if set(own.scheduler.clients) == before and len(client.futures) == held:
                break
            time.sleep(0.05)

    for given in (client, own, own.scheduler_address):
        fit_with(given)
        assert len(client.futures) == held, "no result and no row is kept on the cluster"
        assert set(own.scheduler.clients) == before
    assert client.status == own.status.name == "running"


# ---- memory --------------------------------------------------------------------------------------


def test_a_worker_needs_little_memory_for_a_large_row_group(client, tmp_path):
    import resource

    path = str(tmp_path / "large.parquet")
    rows = 12_000_000
    table = pa.table({"t": np.random.default_rng(4).gamma(2.0, 3.0, rows)})
    pq.write_table(table, path, row_group_size=rows, use_dictionary=False)
    del table
    engine = kl.DaskEngine(client)
    kl.fit(kl.Gamma(), small(tmp_path), "t", engine=engine)  # imports

    def peaks():
        return client.run(lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    before = peaks()
    assert kl.fit(kl.Gamma(), path, "t", engine=engine).sample_info.rows == rows
    grown = max(after - before.get(worker, after) for worker, after in peaks().items())
    assert grown * 1024 < rows * 8 / 2  # half the column, which it never holds whole
