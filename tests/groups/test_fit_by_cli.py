"""``kullback fit --by``: what it prints and writes is the table of ``kl.fit(..., by=)``."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.csv as pacsv
import pytest

import kullback as kl

RNG = np.random.default_rng(11)
HOSTILE = "\x1b[2J<b>"
FIT = ("fit", "a.parquet", "--y", "x", "--model", "weibull")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("by")
    frame = pd.DataFrame({"machine": np.repeat(np.arange(30), 40), "x": RNG.weibull(1.5, 1_200)})
    frame["plant"] = np.where(frame["machine"] < 15, "north", HOSTILE)
    frame.sample(frac=1.0, random_state=1).to_parquet(folder / "a.parquet", index=False)
    failing = pd.concat([frame[:80], pd.DataFrame({"machine": [7], "x": [-1.0], "plant": ["a"]})])
    failing.to_csv(folder / "failing.csv", index=False)
    return folder


def test_many_groups_are_shortened_with_their_count(run: Any, folder: Any) -> None:
    code, out, err = run(*FIT, "--by", "machine", "--unit", "bits")
    table = kl.fit(kl.Weibull(), folder / "a.parquet", "x", by="machine")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == "Weibull fitted to 30 groups by machine"
    assert lines[1].split()[:3] == ["machine", "n", "shape"]
    assert lines[-1] == "and 10 more"
    assert len(lines) == 1 + 1 + 20 + 1
    fit = table[0]
    shape, loss = fit.params["shape"], fit.cross_entropy / np.log(2.0)
    assert lines[2].split()[:5] == ["0", "40", f"{shape:.6g}", "±", f"{fit.stderr['shape']:.2g}"]
    assert lines[2].split()[-1] == f"{loss:.6f}"


def test_a_terminal_shows_the_same(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, expected, _ = run(*FIT, "--by", "machine")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    _, found, _ = run(*FIT, "--by", "machine")
    words = [line.split() for line in found.splitlines() if set(line) - set("─ ")]
    assert words == [line.split() for line in expected.splitlines()]


def test_json_has_every_group(run: Any, folder: Any) -> None:
    code, out, err = run(*FIT, "--by", "plant", "--by", "machine", "--json")
    found = json.loads(out, parse_constant=pytest.fail)
    table = kl.fit(kl.Weibull(), folder / "a.parquet", "x", by=["plant", "machine"])
    assert (code, err) == (0, "")
    assert (found["by"], found["model"]) == (["plant", "machine"], "Weibull")
    assert [tuple(group["key"]) for group in found["groups"]] == list(table)
    for group, key in zip(found["groups"], table, strict=True):
        assert group["params"] == table[key].params
        assert group["stderr"] == pytest.approx(table[key].stderr, rel=1e-13)
        assert group["cross_entropy"] == pytest.approx(table[key].cross_entropy, rel=1e-14)


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_file_has_every_group(run: Any, folder: Any, name: str) -> None:
    code, out, err = run(*FIT, "--by", "plant", "--by", "machine", "--out", name)
    assert (code, err) == (0, "")
    assert out == f"Weibull fitted to 30 groups by plant, machine: {name}\n"
    expected = kl.fit(kl.Weibull(), folder / "a.parquet", "x", by=["plant", "machine"]).to_frame()
    if name.endswith("csv"):
        found = pacsv.read_csv(folder / name).to_pandas().astype(expected.dtypes.to_dict())
    else:
        found = pd.read_parquet(folder / name)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_a_group_that_fails_is_a_row_and_an_exit_code(run: Any) -> None:
    arguments = ("fit", "failing.csv", "--y", "x", "--model", "weibull", "--by", "machine")
    code, out, _ = run(*arguments)
    assert code == 1
    assert "NOT CONVERGED: Weibull needs y > 0" in out
    assert out.endswith("1 of 3 fits did not converge: see reason.\n")
    code, out, _ = run(*arguments, "--json")
    last = json.loads(out, parse_constant=pytest.fail)["groups"][-1]
    assert (code, last["key"], last["converged"]) == (1, [7], False)
    assert last["params"] == {"shape": None, "scale": None}


def test_no_control_character_of_a_key_reaches_the_output(run: Any) -> None:
    code, out, _ = run(*FIT, "--by", "plant")
    assert code == 0
    assert "\x1b" not in out
    assert "\\x1b[2J<b>" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--by", "machin"), 'error: there is no column "machin"'),
        (("--by", "plant", "--by", "machin"), 'error: there is no column "machin"'),
        (("--out", "x.csv"), "error: --out writes a row for each group: give --by COLUMN too."),
        (("--by", "plant", "--out", "x.txt"), "error: x.txt: the name of a file must end in"),
        (("--by", "plant", "--out", "no/x.csv"), "error: --out no/x.csv: there is no folder no"),
        (("--by", "plant", "--out", "x.csv", "--json"), "error: --json prints all groups and"),
        (("--by", "plant", "--save", "fit.json"), "error: --save is for one fit: with --by"),
    ],
)
def test_wrong_options_are_refused(run: Any, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = run(*FIT, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
