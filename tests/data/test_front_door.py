"""One front door: every source of rows and every role of a column give the same sample and fit.

The reference is the same table as a mapping of arrays. Codes and levels are those of NumPy's
``unique``; the other expected values are written next to their test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kullback as kl
from kullback._core.domains import REAL
from kullback.data import Exact, Roles, RowKind, RowSource, open_sample
from kullback.data.observation import Soft, Unobserved
from kullback.data.schema import Column, Outcome, Schema
from kullback.models.linear import Linear
from kullback.models.source import Coefficient
from kullback.results.by_parameter import flat

ROWS = 400


def table() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(12)
    age = rng.normal(size=ROWS)
    shares = rng.integers(1, 5, (3, ROWS)) / 16.0  # sums of sixteenths are exact
    shares[2] = 1.0 - shares[0] - shares[1]
    return {
        "loss": rng.gamma(2.0, size=ROWS) + 0.5,
        "n": rng.integers(1, 4, ROWS).astype(float),
        "age": age,
        "height": rng.uniform(1.0, 2.0, ROWS),
        "region": np.array(["west", "east", "north"])[rng.integers(0, 3, ROWS)],
        "grade": rng.integers(1, 4, ROWS),
        "label": np.where(age + rng.logistic(size=ROWS) > 0.0, "yes", "no"),
        "p(a)": shares[0],
        "p(b)": shares[1],
        "p(c)": shares[2],
    }


TABLE = table()


def csv(data: Mapping[str, Any], folder: Path) -> str:
    pd.DataFrame(data).to_csv(folder / "rows.csv", index=False)
    return str(folder / "rows.csv")


def zipped(data: Mapping[str, Any], folder: Path) -> str:
    pd.DataFrame(data).to_csv(folder / "rows.csv.gz", index=False)
    return str(folder / "rows.csv.gz")


def parquet(data: Mapping[str, Any], folder: Path) -> str:
    pq.write_table(pa.table(dict(data)), folder / "rows.parquet", row_group_size=70)
    return str(folder / "rows.parquet")


def several(data: Mapping[str, Any], folder: Path) -> str:
    for name, rows in (("a", slice(0, 150)), ("b", slice(150, None))):
        part = pa.table({key: values[rows] for key, values in data.items()})
        pq.write_table(part, folder / f"{name}.parquet", row_group_size=60)
    return str(folder / "?.parquet")


# By name: a function from a table and a folder to data, and whether they are read at every pass. A
# new kind of source is one more line here.
SOURCES: dict[str, tuple[Callable[[Mapping[str, Any], Path], Any], bool]] = {
    "arrays": (lambda data, _: dict(data), False),
    "pandas": (lambda data, _: pd.DataFrame(data), False),
    "polars": (lambda data, _: pl.DataFrame(dict(data)), False),
    "arrow": (lambda data, _: pa.table(dict(data)), False),
    "parquet": (parquet, False),
    "csv": (csv, False),
    "csv.gz": (zipped, False),
    "several files": (several, False),
    "stream of parquet": (parquet, True),
    "stream of csv": (csv, True),
    "stream of csv.gz": (zipped, True),
    "stream of several files": (several, True),
}


@final
@dataclass(frozen=True)
class ByRegion(kl.Source):
    """A number for each of three regions."""

    columns: ClassVar[tuple[str, ...]] = ("region",)
    categories: ClassVar[Mapping[str, Any]] = {"region": None}
    at: tuple[float, ...] | None = None

    @property
    def structure(self):
        return (ByRegion, self.at is None)

    def coefficients(self, parameter, domain):  # noqa: ARG002
        values = (None,) * 3 if self.at is None else [np.array([v]) for v in self.at]
        return tuple(
            Coefficient(f"{parameter}.{k}", REAL, np.array([1.0]), v) for k, v in enumerate(values)
        )

    def value(self, coefficients, row, parameters):  # noqa: ARG002
        return sum(c * (row["region"] == k) for k, c in enumerate(coefficients))

    def fixed_at(self, values):
        return ByRegion(tuple(float(v[0]) for v in values))


@final
@dataclass(frozen=True)
class Between(RowKind):
    """The outcome lies between ``lower`` and ``upper``."""

    fields: ClassVar[tuple[str, ...]] = ("lower", "upper")

    def ends(self, fields):
        return fields["lower"], fields["upper"]


NETWORK = {"columns": None, "inferred": True}
SHARES = ["p(a)", "p(b)", "p(c)"]
BETWEEN = {"lower": "loss", "upper": "height"}
ROLES: dict[str, Roles] = {
    "y": Roles("loss"),
    "weights": Roles("loss", "n"),
    "labels": Roles("label", "n", outcome="label"),
    "numbers as labels": Roles("grade", outcome="label"),
    "shares": Roles(SHARES, "n", columns=["age"], outcome="label", inferred=True),
    "numeric covariates": Roles("loss", "n", columns=["age", "height"]),
    "categories of a source": Roles("loss", columns=["age", "region"], categorical=["region"]),
    "numbers as categories": Roles("loss", columns=["grade"], categorical=["grade"]),
    "categories of a network": Roles("label", "n", outcome="label", **NETWORK),
    "fields of another kind": Roles(BETWEEN, "n", columns=["age"], kind=Between()),
    "no outcome": Roles(columns=["age", "region"], inferred=True, kind=Unobserved()),
}


def rows_of(sample: RowSource) -> dict[str, bytes]:
    """All rows of a sample, bit by bit."""
    chunks = list(sample.chunks())
    found = {n: np.concatenate([c.fields[n] for c in chunks]) for n in chunks[0].fields}
    weights = [np.ones(c.count) if c.weight is None else c.weight for c in chunks]
    return {n: v.tobytes() for n, v in {**found, "weight": np.concatenate(weights)}.items()}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("source", SOURCES)
def test_every_source_and_role_gives_the_same_rows(source: str, role: str, tmp_path: Path) -> None:
    make, streamed = SOURCES[source]
    expected = open_sample(TABLE, ROLES[role])
    sample = open_sample(make(TABLE, tmp_path), ROLES[role], in_memory=not streamed)
    assert sample.in_memory is not streamed
    assert sample.schema == expected.schema
    assert sample.kinds == expected.kinds
    assert sample.label == expected.label
    assert rows_of(sample) == rows_of(expected)
    # and again with what is known: the same codes, in rows that lack some of the levels
    few = {name: values[TABLE["region"] != "east"][:50] for name, values in TABLE.items()}
    again = open_sample(
        make(few, tmp_path), ROLES[role], expected.schema, in_memory=not streamed, head=streamed
    )
    assert again.schema == expected.schema
    assert rows_of(again) == rows_of(open_sample(few, ROLES[role], expected.schema))


def test_codes_schema_and_kinds_are_those_of_numpy() -> None:
    sample = open_sample(TABLE, ROLES["categories of a network"])
    (chunk,) = sample.chunks()
    for name in ("label", "region"):
        levels, codes = np.unique(TABLE[name], return_inverse=True)
        field = "y" if name == "label" else name
        np.testing.assert_array_equal(chunk.fields[field], codes)
        known = sample.levels if name == "label" else sample.schema.columns[name].levels
        assert known == tuple(levels)
    names = [name for name in TABLE if name not in ("label", "n")]
    regions = ("east", "north", "west")
    assert sample.schema == Schema(
        {n: Column(n, regions if n == "region" else None, may_be_missing=True) for n in names},
        Outcome(("no", "yes")),
    )
    shares = open_sample(TABLE, ROLES["shares"])
    assert (shares.kinds, shares.levels) == ((Soft(3),), tuple(SHARES))
    (chunk,) = open_sample(TABLE, ROLES["fields of another kind"]).chunks()
    assert chunk.kind == Between()
    np.testing.assert_array_equal(chunk.kind.ends(chunk.fields)[1], TABLE["height"])
    (chunk,) = open_sample(TABLE, ROLES["no outcome"]).chunks()
    assert list(chunk.fields) == ["age", "region"]


MODELS: dict[str, tuple[kl.Model, Any, dict[str, Any]]] = {
    "gamma": (kl.Gamma(), "loss", {}),
    "weights": (kl.Weibull(), "loss", {"weights": "n"}),
    "labels": (kl.Categorical(), "label", {"weights": "n"}),
    "linear source": (kl.Normal(loc=Linear(("age", "height"))), "loss", {"weights": "n"}),
    "source of categories": (kl.Normal(loc=ByRegion()), "loss", {"weights": "n"}),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_source_gives_the_same_estimates(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, y, options = MODELS[name]
    expected = kl.fit(model, TABLE, y, **options)
    assert expected.convergence.converged
    if name == "source of categories":  # the maximum: the weighted mean of each region
        codes = np.unique(TABLE["region"], return_inverse=True)[1]
        total = np.bincount(codes, TABLE["n"])
        means = np.bincount(codes, TABLE["n"] * TABLE["loss"]) / total
        np.testing.assert_allclose(expected.params["loc"], means, rtol=1e-10)
    for make, streamed in SOURCES.values():
        with monkeypatch.context() as patch:
            if streamed:
                patch.setattr("kullback.data.open.IN_MEMORY_BYTES", -1)
            data = make(TABLE, tmp_path)
            fit = kl.fit(model, data, y, **options)
            score = kl.estimate_cross_entropy(kl.Gamma(shape=2.0, rate=1.0), data, "loss")
        for found, value in ((fit.params, expected.params), (fit.stderr, expected.stderr)):
            assert list(found) == list(value)
            assert all(np.array_equal(flat(found[key]), flat(value[key])) for key in value)
        assert fit.cross_entropy == expected.cross_entropy
        assert float(score) == float(
            kl.estimate_cross_entropy(kl.Gamma(shape=2.0, rate=1.0), TABLE["loss"])
        )


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("y", ["label", SHARES])
def test_every_source_trains_the_same_network(
    y: Any, streamed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = kl.MLP(hidden=(4,), members=1, inputs=("age", "region", "grade"))
    model, how = kl.Categorical(logits=net), kl.Minibatch(epochs=2, batch=64)
    engine = {"engine": kl.StreamingEngine} if streamed else {}
    found = []
    for make, read_again in SOURCES.values():
        data = make(TABLE, tmp_path)
        if read_again is streamed:
            fit = kl.fit(model, data, y, weights="n", solver=how, **engine)
            found.append((fit.cross_entropy, fit.levels, fit.predict_proba(data).tobytes()))
            scored = kl.estimate_cross_entropy(fit.model, data, y)
            with monkeypatch.context() as patch:
                patch.setattr("kullback.data.open.IN_MEMORY_BYTES", -1)
                again = kl.estimate_cross_entropy(fit.model, data, y)
            assert (scored.value, scored.stderr) == (again.value, again.stderr)
    assert len(found) == (4 if streamed else 8)
    assert found == found[:1] * len(found)
    assert found[0][1] == {"region": ("east", "north", "west")}


@pytest.mark.parametrize(
    ("data", "changes", "said"),
    [
        (
            {"region": ["south"]},
            {},
            'column "region" holds "south", which is not one of the categories: "east", "north" '
            'and "west"',
        ),
        (
            {"region": [2]},
            {},
            'column "region" held categories such as "east" in the rows of the fit, and holds 2 '
            "here; give it the same type",
        ),
        ({"region": [None]}, {}, '1 missing value in column "region": row 0.'),
        (
            {"label": ["perhaps"]},
            {"y": "label", "outcome": "label"},
            'column "label" holds "perhaps", which is not one of the classes: "no" and "yes"',
        ),
    ],
)
def test_what_is_not_in_the_schema_is_refused(
    data: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    roles = replace(ROLES["categories of a source"], **changes)
    schema = open_sample(TABLE, roles).schema
    row = {name: values[:1] for name, values in TABLE.items()}
    with pytest.raises(kl.DataError) as refused:
        open_sample({**row, **data}, roles, schema)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(("column", "what"), [("label", "a class"), ("region", "a category")])
def test_a_streamed_identifier_is_refused(
    column: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kullback.data.categories._MOST_LEVELS", 20)
    data = {**TABLE, column: np.array([f"id {k}" for k in range(ROWS)])}
    said = f'column "{column}" holds more than 20 different values, which suggests an identifier'
    with pytest.raises(kl.DataError, match=f"{said} rather than {what}; leave it out"):
        open_sample(
            parquet(data, tmp_path), ROLES["categories of a network"], in_memory=False, head=True
        )


def test_an_unknown_category_is_missing_for_a_network() -> None:
    roles = Roles("label", columns=["region"], outcome="label", inferred=True)
    schema = open_sample(TABLE, roles).schema
    other = {"label": ["no", "yes"], "region": ["south", "west"]}
    (chunk,) = open_sample(other, roles, schema).chunks()
    np.testing.assert_array_equal(chunk.fields["region"], [np.nan, 2.0])
    np.testing.assert_array_equal(chunk.fields["y"], [0.0, 1.0])


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        (
            {"y": "loss", "kind": Between()},
            "rows of kind Between need y as the columns of their fields",
        ),
        (
            {"y": {"lower": "los", "upper": "age"}, "kind": Between()},
            'there is no column "los" in a dict of arrays; did you mean "loss"?',
        ),
        (
            {"y": SHARES, "columns": ["age"]},
            "several columns of y are shares of classes, which need a model of classes",
        ),
        (
            {"y": "loss", "columns": ["age"], "categorical": ["region"]},
            'there is no covariate "region" to read as categories; the covariates are "age"',
        ),
        ({"y": "loss", "columns": ["region"]}, 'column "region" holds text; row 0 is "'),
    ],
)
def test_roles_that_do_not_fit_the_data_are_refused(roles: dict[str, Any], said: str) -> None:
    with pytest.raises(kl.DataError) as refused:
        open_sample(TABLE, Roles(**roles))
    assert str(refused.value).startswith(said)


def test_a_field_of_another_kind_is_checked_like_an_outcome() -> None:
    roles = Roles({"lower": "a", "upper": "b"}, kind=Between(), missing="drop")
    data = {"a": [1.0, 2.0, None], "b": [2.0, 3.0, 4.0]}
    sample = open_sample(data, roles)
    assert (sample.dropped, sample.label) == (1, 'column "a" and column "b"')
    with pytest.raises(kl.DataError, match='1 missing value in column "a": row 2'):
        open_sample(data, replace(roles, missing="error"))


def test_arrays_take_the_roles_of_columns() -> None:
    x = np.column_stack([TABLE["age"], TABLE["height"]])
    named = {"x0": TABLE["age"], "x1": TABLE["height"], "loss": TABLE["loss"], "n": TABLE["n"]}
    model = kl.Normal(loc=Linear(("x0", "x1")))
    expected = kl.fit(model, named, "loss", weights="n")
    for y in (TABLE["loss"], pd.Series(TABLE["loss"], name="loss"), pl.Series(TABLE["loss"])):
        fit = kl.fit(model, x, y, weights=TABLE["n"])
        assert np.array_equal(flat(fit.params["loc"]), flat(expected.params["loc"]))
        assert fit.cross_entropy == expected.cross_entropy
    assert isinstance(open_sample(x, Roles(TABLE["loss"], columns=["x1"])).kinds[0], Exact)
