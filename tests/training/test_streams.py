"""Training on files that are read in every epoch, and with separate held-out rows."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kullback as kl
from kullback.data import Roles, open_sample
from kullback.data.sample_head import row_fractions

HOW = {"epochs": 8, "batch": 64, "learning_rate": 0.02}
ROWS = 9_000


def tiny(**options):
    return kl.Categorical(logits=kl.MLP(**{"hidden": (16,), "members": 1, **options}))


def cross_entropy(fit, table):
    p = fit.predict_proba(table)
    return -np.mean(np.log(p[np.arange(len(p)), np.searchsorted(fit.classes_, table["label"])]))


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    number = rng.normal(size=ROWS)
    color = rng.choice(["red", "green", "blue"], ROWS)
    label = np.where(number + (color == "red") + 0.5 * rng.logistic(size=ROWS) > 0.5, "yes", "no")
    number[rng.random(ROWS) < 0.05] = np.nan
    return {"number": number, "color": color, "label": label, "n": rng.integers(1, 3, ROWS)}


@pytest.fixture(scope="module")
def files(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    for k, rows in enumerate((slice(0, 4_000), slice(4_000, ROWS))):
        part = pa.table({name: values[rows] for name, values in table.items()})
        pq.write_table(part, folder / f"part{k}.parquet", row_group_size=1_500)
    return str(folder / "*.parquet")


def test_a_stream_trains_as_well_as_memory(table, files):
    how = kl.Minibatch(**HOW)
    inside = kl.fit(tiny(), files, "label", weights="n", solver=how, engine=kl.LocalEngine)
    streamed = kl.fit(tiny(), files, "label", weights="n", solver=how, engine=kl.StreamingEngine)
    assert streamed.classes_ == ("no", "yes")
    assert streamed.rows == ROWS
    assert 0.05 * ROWS < streamed.held_out_rows < 0.15 * ROWS
    assert "row groups" in streamed.source
    # the same rows; another order of them moves a network by less than its own error of 0.01
    assert cross_entropy(streamed, table) == pytest.approx(cross_entropy(inside, table), abs=0.01)
    again = kl.fit(tiny(), files, "label", weights="n", solver=how, engine=kl.StreamingEngine)
    np.testing.assert_array_equal(again.predict_proba(files), streamed.predict_proba(files))


def test_windows_of_a_stream_share_one_program_and_use_every_row(files, monkeypatch):
    from kullback.training import batches

    monkeypatch.setattr(batches, "_MOST_ROWS", 2_048)
    seen = []
    original = batches.StreamedBatches._window

    def watched(self, block, rng, batch):
        window = original(self, block, rng, batch)
        seen.append((block.index, window.rows, len(window.order)))
        return window

    monkeypatch.setattr(batches.StreamedBatches, "_window", watched)
    how = kl.Minibatch(**{**HOW, "epochs": 2})
    found = kl.fit(tiny(), files, "label", solver=how, engine=kl.StreamingEngine)
    first = [rows for _, rows, _ in seen[: len(seen) // 2]]
    assert sum(first) == ROWS - found.held_out_rows
    assert len(first) == 4
    assert {length for *_, length in seen} == {2_048}


def test_a_stream_has_levels_counts_and_uniform_row_fractions(table, files):
    roles = Roles("label", weights="n", columns=None, outcome="label", inferred=True)
    stream = open_sample([files], roles, in_memory=False, head=True)
    assert stream.head.of == stream.head.sample.count == ROWS
    assert stream.levels == ("no", "yes")
    assert stream.schema.categories == {"color": ("blue", "green", "red")}
    chunks = list(stream.chunks())
    assert sum(chunk.count for chunk in chunks) == ROWS
    number = np.concatenate([chunk.fields["number"] for chunk in chunks])
    np.testing.assert_array_equal(number, table["number"])
    # 9,000 uniform fractions: their distribution function is off by 1.63/√n in one of 100 samples
    drawn = np.sort(row_fractions(np.arange(ROWS)))
    assert np.max(np.abs(drawn - np.arange(ROWS) / ROWS)) < 1.63 / math.sqrt(ROWS)


def test_errors_of_a_stream_name_file_and_rows(table, tmp_path):
    label = table["label"].astype(object)
    label[7_000] = None
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table({**table, "label": label}), file, row_group_size=3_000)
    with pytest.raises(
        kl.DataError, match=r'missing value in column "label" in .*\(row group 2\): row 7000\.'
    ):
        kl.fit(tiny(), str(file), "label", solver=kl.Minibatch(**HOW), engine=kl.StreamingEngine)
    found = kl.fit(
        tiny(),
        str(file),
        "label",
        missing="drop",
        solver=kl.Minibatch(**{**HOW, "epochs": 1}),
        engine=kl.StreamingEngine,
    )
    assert found.rows == ROWS
    with pytest.raises(kl.DataError, match="reads files, but the data are in memory"):
        kl.fit(tiny(), table, "label", engine=kl.StreamingEngine)
    with pytest.raises(kl.DataError, match="weights must be the name of a column"):
        kl.fit(tiny(), str(file), "label", weights=np.ones(ROWS), engine=kl.StreamingEngine)


def test_a_stream_sorted_by_its_label_is_reported(table, tmp_path, monkeypatch):
    from kullback.training import batches

    monkeypatch.setattr(batches, "_MOST_ROWS", 1_024)
    order = np.argsort(table["label"], kind="stable")
    for name, rows in (("sorted", order), ("drawn", np.arange(ROWS))):
        columns = {key: values[rows] for key, values in table.items()}
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    how = kl.Minibatch(**{**HOW, "epochs": 1})
    for name, reported in (("sorted", True), ("drawn", False)):
        file = str(tmp_path / f"{name}.parquet")
        found = kl.fit(tiny(), file, "label", solver=how, engine=kl.StreamingEngine)
        assert ("shuffle the files first" in found.reason) is reported


def test_separate_held_out_rows(table):
    train = {name: values[:6_000] for name, values in table.items()}
    other = {name: values[6_000:] for name, values in table.items()}
    how = kl.Minibatch(**HOW, held_out=other)
    found = kl.fit(tiny(), train, "label", solver=how)
    assert found.held_out_rows == ROWS - 6_000
    assert found.rows == ROWS
    # what the training reports is the cross-entropy of exactly those rows
    assert found.cross_entropy == pytest.approx(cross_entropy(found, other), abs=1e-6)
    x, y = train["number"][:, None], train["label"]
    pair = (other["number"][:, None], other["label"])
    beside = kl.fit(tiny(), x, y, solver=kl.Minibatch(**HOW, held_out=pair))
    assert beside.held_out_rows == ROWS - 6_000


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        (0.0, "share of rows to hold out"),
        (lambda t: {**t, "label": ["perhaps"] * ROWS}, 'held_out: .*"perhaps", which is not one'),
        (lambda t: {"label": t["label"]}, 'held_out: .*no column "number"|held_out: .*number'),
        (lambda _: 7, "share of rows to hold out|held_out"),
    ],
)
def test_errors_of_separate_held_out_rows(table, held_out, message):
    given = held_out(table) if callable(held_out) else held_out
    with pytest.raises(kl.KullbackError, match=message):
        kl.fit(tiny(), table, "label", solver=kl.Minibatch(**HOW, held_out=given))


@pytest.mark.parametrize("rows", [2, 3, 7])
def test_a_short_stream_holds_a_row_out_and_trains_on_another(rows, tmp_path):
    path = tmp_path / "short.csv"
    path.write_text("x,y\n" + "".join(f"{k / 4},{'ab'[k % 2]}\n" for k in range(rows)))
    for share in (0.01, 0.99):  # of so few rows no row, or every one
        how = kl.Minibatch(epochs=2, held_out=share)
        fit = kl.fit(tiny(), path, "y", solver=how, engine=kl.StreamingEngine)
        assert 1 <= fit.held_out_rows < rows
        assert math.isfinite(fit.cross_entropy)
