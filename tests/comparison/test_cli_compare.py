"""``kullback compare`` and ``kullback fit --model best``: what they print, and the exit codes."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import kullback as kl
from kullback import cli

X = np.random.default_rng(1).gamma(3.0, 2.0, 200)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compare") / "losses.csv"
    path.write_text("loss,n\n" + "".join(f"{x!r},1\n" for x in X.tolist()))
    return path


def run(*arguments: str | Path, code: int = 0, stdin: bytes | None = None) -> tuple[str, str]:
    """The standard output and error of a command that ends with an exit code."""
    found = CliRunner().invoke(cli.app, [*map(str, arguments)], input=stdin)
    assert found.exit_code == code, found.output
    return found.stdout, found.stderr


def test_the_table_is_that_of_the_library(table: Path) -> None:
    models = [kl.Gamma(), kl.LogNormal(), kl.Exponential()]
    expected = kl.compare(models, {"loss": X}, "loss")
    out, _ = run("compare", table, "--y", "loss", "--models", "gamma, log-normal,exponential")
    assert out == f"{expected}\n"
    assert out.startswith(
        '3 models of column "loss", 200 rows, 5 folds, by held-out cross-entropy\n'
    )
    again, _ = run(
        "compare", "-", "--y", "loss", "--models", "gamma,log-normal,exponential",
        stdin=table.read_bytes(),
    )  # fmt: skip
    assert again == out


def test_json_has_the_columns_of_the_frame(table: Path) -> None:
    out, _ = run(
        "compare", table, "--y", "loss", "--models", "uniform,gamma", "--weights", "n",
        "--folds", "4", "--seed", "2", "--json",
    )  # fmt: skip
    document = json.loads(out)
    found = kl.compare([kl.Uniform(), kl.Gamma()], {"loss": X}, "loss", folds=4, seed=2)
    assert (document["best"], document["rows"], document["folds"]) == ("Gamma", 200, 4)
    first, second = document["models"]
    assert first["held_out"] == pytest.approx(found.models[0].held_out, rel=1e-12)
    assert first["params"] == pytest.approx(found.best.params, rel=1e-12)
    assert (second["model"], second["held_out"], second["held_out_error"]) == (
        "Uniform",
        "inf",
        None,
    )
    assert set(first) == {*found.to_frame().columns, "params"}


def test_a_terminal_shows_the_table_of_rich(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as ended:
        cli.app(["compare", str(table), "--y", "loss", "--models", "gamma,exponential"])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert "2 models of" in out
    assert "─" in out
    assert "Losses in nats a row" in out


def test_best_is_the_first_of_the_comparison(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("k\n" + "".join(f"{x:.0f}\n" for x in X))
    out, _ = run("fit", path, "--model", "best", "--json")
    document = json.loads(out)
    found = kl.compare("all", {"k": X.round()})
    assert document["model"] == found.models[0].model == found.best.form.name
    assert document["params"] == pytest.approx(found.best.params, rel=1e-12)
    assert document["chosen"] == found.conclusion
    second = found.models[1]
    of = f"the best of {len(found.models)} models (counts) by held-out cross-entropy"
    assert of in found.conclusion
    assert f"{second.difference:.4f} ± {second.difference_error:.4f} nats a row" in found.conclusion


def test_a_picture_is_written(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.svg"
    run("compare", table, "--y", "loss", "--models", "gamma,exponential", "--plot", path)
    assert "<svg" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "gama"], 'there is no model "gama"'),
        (["--models", ","], "--models must be"),
        (["--models", "all,gamma"], '--models must be "all", "continuous", or names'),
        (["--models", "gamma,poisson"], "Gamma of numbers, Poisson of counts"),
        (["--folds", "1"], "--folds must be at least 2, got 1"),
        (["--folds", "150"], "too few for 150 folds of at least two: give --folds 100 or fewer"),
        (["--groups", "m"], 'there is no column "m"'),
        (["--groups", "n"], 'the groups in column "n": 1 group cannot fill 5 folds'),
        (["--groups", "n", "--time", "n"], "groups and time cannot both part the rows"),
        (["--criterion", "p"], "--criterion must be one of"),
        (["--weights", "m"], 'there is no column "m"'),
        (["--plot", "no/where.svg"], "--plot no/where.svg: there is no folder no"),
    ],
)
def test_wrong_arguments_are_named(table: Path, arguments: list[str], message: str) -> None:
    _, err = run("compare", table, "--y", "loss", *arguments, code=2)
    assert message in err


def test_options_of_one_distribution_are_refused_for_the_best(table: Path) -> None:
    _, err = run("fit", table, "--y", "loss", "--model", "best", "--param", "shape=2", code=2)
    assert "--param shape=2 is of one distribution, and --model best compares all" in err


def test_no_model_that_converges_is_an_exit_code(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("k\n" + "2\n3\n" * 10)  # less spread than a Poisson's
    out, _ = run("compare", path, "--models", "negative-binomial", "--folds", "2", code=1)
    assert "limit: Poisson" in out
