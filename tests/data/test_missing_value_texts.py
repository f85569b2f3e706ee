"""Texts that mean missing values in columns of numbers: reported with counts, and read as missing.

The expected tables are those of pandas, ``read_csv(na_values=["?"])``.
"""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kullback as kl
from kullback.data import Roles, open_sample
from kullback.data import open as opening
from kullback.data.observation import Unobserved

CLASSES = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1))
QUICK = kl.Minibatch(epochs=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("missing")
    r = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": r.integers(20, 90, 200).astype(str),
            "work": np.array(["private", "state", "?"])[r.integers(0, 3, 200)],
            "label": np.array(["no", "yes"])[r.integers(0, 2, 200)],
        }
    )
    frame.loc[::20, "age"] = "?"
    frame.loc[5, "age"] = "-"
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_parquet(folder / "t.parquet")
    return folder


def _in_memory_and_streamed(monkeypatch, streamed):
    if streamed:
        monkeypatch.setattr(opening, "IN_MEMORY_BYTES", -1)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("kind", ["csv", "parquet", "frame"])
def test_a_column_of_numbers_and_marks_is_refused_with_counts(folder, kind, streamed, monkeypatch):
    _in_memory_and_streamed(monkeypatch, streamed)
    data = pd.read_parquet(folder / "t.parquet") if kind == "frame" else str(folder / f"t.{kind}")
    with pytest.raises(kl.DataError) as refused:
        kl.fit(CLASSES, data, "label", solver=QUICK)
    said = str(refused.value)
    assert 'column "age" holds 189 numbers and 11 texts: "?" (10 rows) and "-" (1 row)' in said
    assert 'kl.DataFiles(paths, missing_values=["?", "-"])' in said
    assert 'categorical=("age",)' in said


@pytest.mark.parametrize("streamed", [False, True])
def test_the_texts_named_as_missing_are_missing(folder, streamed, monkeypatch):
    _in_memory_and_streamed(monkeypatch, streamed)
    path = str(folder / "t.csv")
    files = kl.DataFiles(path, missing_values=["?", "-"])
    expected = pd.read_csv(path, na_values=["?", "-"])
    fit = kl.fit(CLASSES, files, "label", solver=QUICK)
    assert fit.levels == {"work": ("private", "state")}
    np.testing.assert_array_equal(fit.predict_proba(files), fit.predict_proba(expected))
    if streamed:
        with pytest.raises(kl.DataError, match=r"t\.csv: too large to be read into memory"):
            kl.evaluate(fit, files, "label")
    else:
        assert kl.evaluate(fit, files, "label").rows == 200
    ages = kl.fit(kl.Normal(), files, "age", missing="drop")
    assert ages.params["loc"] == pytest.approx(expected["age"].mean(), rel=1e-13)
    assert ages.n == expected["age"].count()


def test_numbers_may_be_categories_where_they_are_named_so(folder):
    net = kl.MLP(hidden=(4,), members=1, categorical=("age",))
    fit = kl.fit(kl.Categorical(logits=net), str(folder / "t.csv"), "label", solver=QUICK)
    assert {"?", "-"} <= set(fit.levels["age"])


@pytest.mark.parametrize(
    "values",
    [
        ["0", "1", "2", "3 or more"] * 5,  # few numbers
        ["a", "b", "?", "1"] * 5,  # mostly texts
        [f"{k}" for k in range(20)],  # numbers written as text, such as postal codes
        [None, "a", "1"] * 5,
    ],
)
def test_what_may_well_be_categories_is_read(values):
    roles = Roles(columns=None, inferred=True, kind=Unobserved())
    assert "x" in open_sample(pd.DataFrame({"x": values}), roles).schema.categories


@pytest.mark.parametrize("mark", ["?", "-", ".", "NA", "n/a", "NULL", "None", ""])
def test_every_usual_mark_is_missing_by_itself_or_reported(mark, tmp_path):
    lines = [f"{k % 7},{'ab'[k % 2]}" for k in range(50)]
    lines[7] = f"{mark},a"
    (tmp_path / "t.csv").write_text("x,y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    path = str(tmp_path / "t.csv")
    files: Any = path
    roles = Roles("y", columns=None, outcome="label", inferred=True)
    if mark in ("?", "-", ".", "None"):  # pyarrow reads the others as missing
        with pytest.raises(kl.DataError, match=re.escape(f'"{mark}" (1 row)')):
            open_sample(path, roles)
        files = kl.DataFiles([path], [mark])
    x = open_sample(files, roles).fields["x"]
    assert np.flatnonzero(np.isnan(x)).tolist() == [7]


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "t.csv", "--target", "label", "--epochs", "1", "--save", "m"],
        ["train", "t.csv", "--target", "label", "--epochs", "1", "--report", "r.html"],
        ["train", "t.csv", "--target", "label", "--epochs", "1", "--held-out", "t.csv"],
        ["fit", "t.csv", "--y", "age", "--model", "normal", "--missing", "drop"],
        ["entropy", "t.csv", "--columns", "age", "--missing", "drop"],
        ["predict", "m", "t.csv"],
        ["evaluate", "m", "t.csv", "--target", "label"],
    ],
)
def test_the_command_line_offers_the_option_and_takes_it(run, arguments):
    if arguments[1] == "m":  # of a network of numbers
        run("train", "t.csv", "--target", "label", "--epochs", "1", "--missing-values", "?,-",
            "--save", "m")  # fmt: skip
    code, _, error = run(*arguments)
    assert code == 2
    if arguments[1] != "m":
        assert "--missing-values '?,-'" in error or "--missing-values ?,-" in error
    code, _, error = run(*arguments, "--missing-values", "?,-")
    assert (code, error) == (0, "")


def test_wrong_texts_are_refused(run):
    with pytest.raises(kl.DataError, match="missing_values must be texts"):
        kl.DataFiles("t.csv", missing_values=[0])
    code, _, error = run("fit", "t.csv", "--model", "normal", "--missing-values", "")
    assert code == 2
    assert "--missing-values must be texts" in error
