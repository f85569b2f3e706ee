"""``kl.fit(..., by=)``: every group as its own fit, with the same bits whatever lies beside it.

Expected values are those of ``kl.fit`` on the rows of a group alone (which the families' tests
compare with other programs), and SciPy's.
"""

from __future__ import annotations

import datetime
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.stats

import kullback as kl
from kullback.models.linear import Linear

SIZES = (1, 2, 17, 64, 99, 100, 129, 300)
RNG = np.random.default_rng(3)


def sample(draw: Any, sizes: Any = SIZES, repeats: int = 1) -> pd.DataFrame:
    """Groups of these sizes, their rows in any order."""
    sizes = list(sizes) * repeats
    frame = pd.DataFrame(
        {
            "machine": np.repeat(np.arange(len(sizes)), sizes),
            "y": np.concatenate([draw(n) for n in sizes]).astype(float),
        }
    )
    frame["count"] = RNG.integers(0, 4, len(frame))
    return frame.sample(frac=1.0, random_state=1)


def alone(model: kl.Model, rows: pd.DataFrame, weights: str | None) -> kl.Fit | str:
    try:
        return kl.fit(model, rows[["y", "count"]], "y", weights=weights)
    except kl.KullbackError as error:
        return str(error)


# Relative tolerances of standard errors. A group takes the steps of its own fit, also where several
# starting points lead to one minimum, and they agree to 1e-13, unless rounding ends one search a
# step before the other: the estimate is corrected for a scaled gradient of up to 1e-10, the Hessian
# is not.
FAMILIES: list[tuple[kl.Model, Any, float]] = [
    (kl.Weibull(), lambda n: 3.0 * RNG.weibull(1.5, n), 1e-12),
    (kl.Weibull(shape=kl.Param(lower=1.4)), lambda n: 3.0 * RNG.weibull(1.5, n), 1e-11),
    (kl.Gamma(), lambda n: RNG.gamma(2.5, 2.0, n), 1e-12),
    (kl.Normal(), lambda n: RNG.normal(5.0, 2.0, n), 1e-12),
    (kl.Poisson(), lambda n: RNG.poisson(4.0, n), 1e-12),
    (kl.Bernoulli(), lambda n: RNG.integers(0, 2, n), 1e-12),
    (kl.NegativeBinomial(), lambda n: RNG.negative_binomial(3, 0.3, n), 1e-11),
    (kl.StudentT(), lambda n: RNG.standard_t(4.0, n) + 3.0, 1e-11),
    (kl.GeneralizedExtremeValue(), lambda n: RNG.gumbel(size=n), 1e-11),
    (kl.Beta(), lambda n: RNG.beta(2.0, 3.0, n), 1e-11),
    (kl.Pareto(), lambda n: 1.0 + RNG.pareto(2.0, n), 1e-12),
    (kl.Uniform(), lambda n: RNG.uniform(size=n), 1e-12),
    (kl.Laplace(), lambda n: RNG.laplace(size=n), 1e-12),
]


def names(value: Any) -> str:
    """Name a case by its model alone: the address of a function differs between processes."""
    return repr(value)[:40] if isinstance(value, kl.Model) else ""


@pytest.mark.parametrize("weights", [None, "count"])
@pytest.mark.parametrize(("model", "draw", "errors"), FAMILIES, ids=names)
def test_a_group_is_fitted_as_its_rows_alone(
    model: kl.Model, draw: Any, errors: float, weights: str | None
) -> None:
    frame = sample(draw)
    table = kl.fit(model, frame, "y", by="machine", weights=weights)
    made = table.to_frame()
    assert list(table) == made["machine"].to_list() == sorted(set(frame["machine"]))
    for i, key in enumerate(table):
        expected = alone(model, frame[frame["machine"] == key], weights)
        if isinstance(expected, str):
            assert not table.converged[i]
            if "weight" not in expected:  # of rows as an array, not as a column
                assert table.reason[i] == expected
            assert np.isnan(table.log_likelihood[i])
            with pytest.raises(kl.DataError, match=f"group {key} could not be fitted"):
                table[key]
            continue
        fit = table[key]
        assert fit.convergence.reason == expected.convergence.reason == table.reason[i]
        assert fit.convergence.converged == expected.convergence.converged == table.converged[i]
        assert fit.convergence.solver == expected.convergence.solver
        assert fit.convergence.bounds == expected.convergence.bounds
        assert fit.n == expected.n == table.n[i]
        assert fit.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-12)
        assert table.log_likelihood[i] == fit.log_likelihood
        for name, value in expected.params.items():
            if expected.convergence.converged:  # where it did not, the last point is any
                assert fit.params[name] == pytest.approx(value, rel=1e-12)
            error = pytest.approx(expected.stderr[name], rel=errors, nan_ok=True)
            assert fit.stderr[name] == error
            assert made[name][i] == table.params[name][i] == fit.params[name]
            shown = pytest.approx(fit.stderr[name], rel=1e-13, nan_ok=True)
            assert made[f"{name}_stderr"][i] == shown
            assert table.stderr[name][i] == shown


def test_most_groups_are_solved_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = sample(lambda n: RNG.weibull(1.5, n), [100], 50)
    monkeypatch.setattr("kullback.groups.batch._alone", None)  # called for none
    assert kl.fit(kl.Weibull(), frame, "y", by="machine").converged.all()


def test_no_group_can_be_fitted() -> None:
    frame = pd.DataFrame({"k": [1, 1, 2], "y": [-1.0, 2.0, -3.0]})
    table = kl.fit(kl.Weibull(), frame, "y", by="k")
    assert not table.converged.any()
    assert np.isnan(table.params["shape"]).all()
    assert list(table.to_frame().columns)[:3] == ["k", "n", "shape"]


def test_estimates_are_those_of_scipy() -> None:
    frame = sample(lambda n: 3.0 * RNG.weibull(1.5, n), [100], 20)
    table = kl.fit(kl.Weibull(), frame, "y", by="machine")
    for key, rows in frame.groupby("machine")["y"]:
        shape, _, scale = scipy.stats.weibull_min.fit(rows, floc=0.0)
        params = table[key].params
        # SciPy's simplex ends within 1e-4; its likelihood is never above ours
        assert [params["shape"], params["scale"]] == pytest.approx([shape, scale], rel=1e-3)
        peer = scipy.stats.weibull_min.logpdf(rows, shape, 0.0, scale).sum()
        assert table[key].log_likelihood >= peer - 1e-9


@pytest.mark.parametrize(
    ("model", "draw"),
    [
        (kl.Weibull(), lambda n: RNG.weibull(1.5, n)),
        (kl.Gamma(), lambda n: RNG.gamma(2.5, 2.0, n)),
        (kl.StudentT(), lambda n: RNG.standard_t(4.0, n)),
    ],
)
def test_the_bits_of_a_group_do_not_depend_on_anything_beside_it(
    model: kl.Model, draw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = sample(draw, [17, 99, 100, 129, 300], 8).reset_index(drop=True)
    failing = {"machine": [-1] * 40, "y": [-5.0] * 20 + [2.0] * 20, "count": 1}
    frame = pd.concat([frame, pd.DataFrame(failing)], ignore_index=True)
    whole = kl.fit(model, frame, "y", by="machine").to_frame().set_index("machine")
    whole["reason"] = whole["reason"].str.partition(";")[0]

    def same(rows: pd.DataFrame) -> None:
        found = kl.fit(model, rows, "y", by="machine").to_frame().set_index("machine")
        found["reason"] = found["reason"].str.partition(";")[0]  # it goes on with row numbers
        pd.testing.assert_frame_equal(found, whole.loc[found.index], check_exact=True)

    for key in range(5):  # alone
        same(frame[frame["machine"] == key])
    same(frame[frame["machine"] % 3 == 1])  # in other company
    same(frame.sort_values("machine", kind="stable"))
    renamed = frame.assign(machine=1_000 - frame["machine"])  # in the reverse order
    found = kl.fit(model, renamed, "y", by="machine").to_frame()
    found = found.assign(machine=1_000 - found["machine"]).set_index("machine")
    found["reason"] = found["reason"].str.partition(";")[0]
    pd.testing.assert_frame_equal(found.sort_index(), whole, check_exact=True)
    monkeypatch.setattr("kullback.groups.solve.threads_or_all", lambda _: 1)
    same(frame)


def test_several_keys_missing_values_and_every_library() -> None:
    frame = sample(lambda n: RNG.gamma(2.0, 1.0, n), [30], 6)
    frame["plant"] = np.where(frame["machine"] % 2, "b", "a")
    frame.loc[frame.index[:4], "y"] = np.nan
    expected = kl.fit(kl.Gamma(), frame, "y", by=["plant", "machine"], missing="drop")
    assert list(expected) == [("a", 0), ("a", 2), ("a", 4), ("b", 1), ("b", 3), ("b", 5)]
    assert ("b", 3) in expected
    assert len(expected) == 6
    rows = frame[(frame["machine"] == 3) & frame["y"].notna()]["y"]
    assert expected["b", 3].params == pytest.approx(kl.fit(kl.Gamma(), rows).params, rel=1e-12)
    columns = {name: frame[name].to_numpy() for name in frame}
    for data, kind in (
        (pl.from_pandas(frame), pl.DataFrame),
        (pl.from_pandas(frame).to_arrow(), type(pl.DataFrame().to_arrow())),
        (columns, pd.DataFrame),
    ):
        table = kl.fit(kl.Gamma(), data, "y", by=["plant", "machine"], missing="drop")
        assert table.to_frame().__class__ is kind
        assert table == expected
    by = kl.fit(kl.Gamma(), columns["y"], by=columns["machine"], missing="drop")
    assert list(by) == [0, 1, 2, 3, 4, 5]
    assert by.by == ("group",)


def test_a_file_of_groups(tmp_path: Path) -> None:
    frame = sample(lambda n: RNG.gamma(2.0, 1.0, n), [30], 6)
    path = tmp_path / "rows.parquet"
    frame.to_parquet(path, index=False)
    expected = kl.fit(kl.Gamma(), frame, "y", by="machine", weights="count")
    assert kl.fit(kl.Gamma(), path, by="machine", weights="count") == expected


def test_keys_keep_their_type() -> None:
    days = [datetime.date(2024, 1, d) for d in (2, 1)]
    for frame in (pd.DataFrame, pl.DataFrame):
        data = frame({"day": days * 10, "y": [float(k) for k in range(1, 21)]})
        made = kl.fit(kl.Exponential(), data, "y", by="day").to_frame()
        assert list(made["day"]) == days[::-1]
        assert made["day"].dtype == data["day"].dtype


HOSTILE = ["<b>", "a,b", '"', "\x1b[2J", "", " ", "é\u202e", "shape"]
STAMPS = [datetime.datetime(2024, 1, d, 12, 30, 0, d) for d in range(1, 9)]


@pytest.mark.parametrize(
    "keys",
    [
        pd.Series(HOSTILE),
        pd.Series(HOSTILE, dtype=pd.CategoricalDtype([*HOSTILE[::-1], "unused"])),
        pd.Series([True, False] * 4),
        pd.Series(STAMPS),
        pd.Series(STAMPS).dt.as_unit("ns"),
        pd.Series(STAMPS).dt.tz_localize("Europe/Berlin"),
        pd.Series([datetime.timedelta(minutes=d) for d in range(8)]),
        pd.Series([stamp.date() for stamp in STAMPS]),
        pd.Series([0.5, -0.5, 1e300, 0.0, 3.0, -1e-300, 2.0, 7.0]),
        pd.Series([2**62, -(2**62), 0, 1, 2, 3, 4, 5]),
    ],
    ids=lambda keys: str(keys.dtype) + str(len(set(keys))),
)
def test_keys_of_every_type(keys: Any) -> None:
    frame = pd.DataFrame({"k": pd.concat([keys] * 5, ignore_index=True)})
    frame["y"] = RNG.exponential(size=len(frame))
    texts = keys.astype(object) if isinstance(keys.dtype, pd.CategoricalDtype) else keys
    for data in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame, preserve_index=False)):
        table = kl.fit(kl.Exponential(), data, "y", by="k")
        assert list(table) == sorted(texts.drop_duplicates())
        for key in texts:
            rows = frame[texts.iloc[frame.index % 8].to_numpy() == key]
            assert table[key].params["rate"] == pytest.approx(1.0 / rows["y"].mean(), rel=1e-14)
        made = table.to_frame()
        column = made["k"]
        found = column.to_pylist() if isinstance(made, pa.Table) else column.to_list()
        assert found == list(table)
        own = data["k"].type if isinstance(data, pa.Table) else data["k"].dtype
        assert (made["k"].type if isinstance(made, pa.Table) else made["k"].dtype) == own
        assert "\x1b" not in repr(table)


def test_times_in_nanoseconds_keep_them() -> None:
    stamps = np.array(["2024-01-01T00:00:00.000000001", "2024-01-01"], dtype="datetime64[ns]")
    table = kl.fit(kl.Exponential(), [1.0, 2.0, 3.0, 5.0], by=np.repeat(stamps, 2))
    assert list(table) == sorted(stamps)
    assert table[stamps[1]].params["rate"] == pytest.approx(0.25)
    days = stamps.astype("datetime64[D]").astype("datetime64[ns]")
    (day,) = kl.fit(kl.Exponential(), [1.0, 2.0, 3.0, 5.0], by=np.repeat(days, 2))
    assert day == datetime.datetime(2024, 1, 1)


def test_several_keys_of_several_types() -> None:
    frame = pd.DataFrame(
        {
            "plant": pd.Categorical(["b", "a"] * 10),
            "day": [datetime.date(2024, 1, 1 + k % 4 // 2) for k in range(20)],
            "machine": [3, 7] * 10,
            "y": RNG.exponential(size=20),
        }
    )
    table = kl.fit(kl.Exponential(), frame, "y", by=["plant", "day", "machine"])
    assert list(table) == [
        ("a", datetime.date(2024, 1, 1), 7),
        ("a", datetime.date(2024, 1, 2), 7),
        ("b", datetime.date(2024, 1, 1), 3),
        ("b", datetime.date(2024, 1, 2), 3),
    ]
    assert table["b", datetime.date(2024, 1, 2), 3].n == 5.0
    assert len(table) == 4


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_null_key_is_an_error_with_its_row(library: Any) -> None:
    data = library({"k": ["a", None, "b"], "y": [1.0, 2.0, 3.0]})
    with pytest.raises(kl.DataError, match='1 missing key in column "k": row 1'):
        kl.fit(kl.Exponential(), data, "y", by="k")


def test_models_that_are_fitted_group_by_group() -> None:
    frame = sample(lambda n: RNG.integers(0, 2, n), [40], 3)
    frame["x"] = RNG.normal(size=len(frame))
    linear = kl.Bernoulli(logit=Linear(("x",)))
    rows = frame[frame["machine"] == 1]
    for model in (linear, kl.Categorical()):
        table = kl.fit(model, frame, "y", by="machine")
        own, expected = table[1], kl.fit(model, rows, "y")
        assert own.log_likelihood == expected.log_likelihood
        (name,) = own.params
        np.testing.assert_array_equal(own.params[name], expected.params[name])
        column = "logit[Intercept]" if model is linear else f"{name}[0]"
        assert column in table.to_frame().columns


def test_a_group_that_cannot_be_fitted_is_a_row_with_its_reason() -> None:
    frame = pd.DataFrame(
        {
            "k": ["a"] * 3 + ["one"] + ["equal"] * 4 + ["outside"] * 2 + ["weightless"] * 2,
            "y": [1.0, 2.0, 4.0, 7.0, 3.0, 3.0, 3.0, 3.0, -1.0, 2.0, 1.0, 2.0],
            "w": [1] * 10 + [0, 0],
        }
    )
    table = kl.fit(kl.Weibull(), frame, "y", by="k", weights="w")
    reasons = dict(zip(table, table.reason, strict=True))
    assert table["a"].convergence.converged
    assert "the only row of" in reasons["one"]
    assert "all 4 rows of" in reasons["equal"]
    assert "needs y > 0" in reasons["outside"]
    assert "row 8 (-1.0)" in reasons["outside"]  # as the user numbers the rows
    assert "weights are zero" in reasons["weightless"]
    assert table.n.tolist() == [3.0, 4.0, 1.0, 2.0, 0.0]


def test_how_a_table_shows_itself() -> None:
    frame = pd.DataFrame({"k": ["<b>", "a"] * 3, "y": [1.0, 2.0, 2.0, 3.0, 4.0, 6.0]})
    frame.loc[len(frame)] = ["c", -1.0]
    table = kl.fit(kl.Exponential(), frame, "y", by="k")
    text = repr(table)
    assert text.splitlines()[0] == "Exponential fitted to 3 groups by k"
    assert "0.428571 ± 0.25" in text  # 3/7, with error rate/√3
    assert "NOT CONVERGED: Exponential needs y > 0" in text or "needs y >= 0" in text
    assert text.endswith("1 of 3 fits did not converge: see reason.")
    page = table._repr_html_()
    assert "<b></td>" not in page
    assert "&lt;b&gt;" in page
    many = kl.fit(kl.Exponential(), np.arange(1.0, 51.0), by=np.arange(50))
    assert repr(many).splitlines()[-1] == "and 30 more"
    assert "and 30 more" in many._repr_html_()


def test_tables_pickle_and_compare() -> None:
    frame = sample(lambda n: RNG.gamma(2.0, 1.0, n), [30], 3)
    table = kl.fit(kl.Gamma(), frame, "y", by="machine")
    copy = pickle.loads(pickle.dumps(table))
    assert copy == table
    assert copy[1] == table[1]
    assert table != kl.fit(kl.Normal(), frame, "y", by="machine")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "machin"}, 'did you mean "machine"'),
        ({"by": "shape"}, 'the key column "shape" has the name of a column of the results'),
        ({"by": np.arange(3)}, "by has 3 keys"),
        ({"by": "k", "data": np.arange(1.0, 5.0), "y": None}, "the data are not a table"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    frame = pd.DataFrame({"machine": [0, 1] * 5, "shape": 1, "y": np.arange(1.0, 11.0)})
    with pytest.raises(kl.DataError, match=message):
        kl.fit(kl.Weibull(), **({"data": frame, "y": "y"} | arguments))


def test_a_key_that_is_no_group_is_named() -> None:
    table = kl.fit(kl.Exponential(), [1.0, 2.0], by=np.array(["north", "south"]))
    with pytest.raises(KeyError, match="did you mean"):
        table["nort"]


def test_networks_are_refused() -> None:
    with pytest.raises(kl.ModelError, match="by= does not train networks"):
        kl.fit(kl.Categorical(logits=kl.MLP()), {"k": [1], "x": [1.0], "y": ["a"]}, "y", by="k")


def test_groups_given_as_an_array_are_named_group():
    table = kl.fit(kl.Poisson(), [2, 3, 7, 9], by=np.array(["a", "a", "b", "b"]))
    assert table.by == ("group",)
    assert "fitted to 2 groups by group" in repr(table)
    assert list(table.to_frame()["group"]) == ["a", "b"]
