"""kullback describe: a saved fit at the command line; completion in shells, and help texts.

Expected values: SciPy's Weibull distribution at the estimates, the shares of labels by hand, and
the library's own methods in Python for draws and documents.
"""

import csv
import dataclasses
import io
import json
import math
import os
import shutil
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import scipy.stats
from sklearn.datasets import load_iris

import kullback as kl
from kullback.models.linear import Linear

X = np.random.default_rng(5).weibull(1.7, 300) * 3.0
LABELS = ["b", "a", "c", "a", "a", "b", "a", "c"]
# the smallest files of each kind: what begins a PNG, an SVG and a PDF file
PICTURES = {"p.png": b"\x89PNG", "p.svg": b"<?xml", "p.pdf": b"%PDF"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("describe")
    fit = kl.fit(kl.Weibull(), {"time $x": X}, "time $x")
    fit.save(folder / "fit.json")
    failed = dataclasses.replace(fit.convergence, converged=False)
    dataclasses.replace(fit, convergence=failed).save(folder / "diverged.json")
    kl.fit(kl.Geometric(), np.arange(9.0)).save(folder / "counts.json")
    kl.fit(kl.Categorical(), {"kind": LABELS}, "kind").save(folder / "labels.json")
    kl.fit(kl.Cauchy(), np.random.default_rng(0).standard_cauchy(99)).save(folder / "cauchy.json")
    line = kl.Weibull(scale=Linear(("age",)))
    kl.fit(line, {"time": X, "age": np.arange(300.0)}, "time").save(folder / "linear.json")
    (folder / "rows.csv").write_text("other,time $x\n1,0.5\n2,-1\n3,4\n")
    (folder / "kinds.csv").write_text("kind\nc\na\nunknown\n")
    x, y = load_iris(return_X_y=True)
    network = kl.Categorical(logits=kl.MLP(hidden=(6, 4), members=2, activation="tanh"))
    data = {"width": x[:, 3], "side": np.where(x[:, 0] > 6.0, "left", "right"), "kind": y}
    kl.fit(network, data, "kind", solver=kl.Minibatch(epochs=4)).save(folder / "network")
    spread = kl.Normal(loc=kl.MLP(hidden=(), members=1), scale=1.0)
    kl.fit(spread, x[:, :2], x[:, 2], solver=kl.Minibatch(epochs=2)).save(folder / "regression")
    return folder


@pytest.fixture(scope="module")
def theirs(folder):
    """SciPy's distribution with the estimates."""
    params = kl.load(folder / "fit.json").params
    return scipy.stats.weibull_min(params["shape"], scale=params["scale"])


def table(text):
    """The cells of a printed table, without its head."""
    return [line.rsplit(maxsplit=1) for line in text.splitlines()[1:]]


def test_a_description_is_the_summary_and_the_moments(run, folder, theirs):
    code, out, err = run("describe", "fit.json", "--unit", "bits")
    assert (code, err) == (0, "")
    summary, rest = out.split("\n\nof the fitted distribution\n")
    assert summary == str(kl.load(folder / "fit.json").summary("bits"))
    found = {name.strip(): float(value) for name, value in table("\n" + rest)}
    # 1e-7: the eight digits that are printed
    assert found == pytest.approx(
        {
            "mean": theirs.mean(),
            "variance": theirs.var(),
            "standard deviation": theirs.std(),
            "entropy (bits)": theirs.entropy() / math.log(2.0),
            "quantile 0.05": theirs.ppf(0.05),
            "quantile 0.5": theirs.median(),
            "quantile 0.95": theirs.ppf(0.95),
        },
        rel=1e-7,
    )


def test_quantiles_and_probabilities(run, theirs):
    code, out, err = run(
        "describe", "fit.json", "--quantile", "0.5,0.99", "--quantile", "0", "--cdf", "-1,2.5"
    )
    assert (code, err) == (0, "")
    upper, lower = out.split("\n\n")
    levels = {float(u): float(q) for u, q in table(upper)}
    # 1e-9: ten digits are printed
    assert levels == pytest.approx({u: theirs.ppf(u) for u in (0.5, 0.99, 0.0)}, rel=1e-9)
    rows = [[float(cell) for cell in line.split()] for line in lower.splitlines()[1:]]
    assert rows[0] == [-1.0, 0.0, 1.0]
    assert rows[1] == pytest.approx([2.5, theirs.cdf(2.5), theirs.sf(2.5)], rel=1e-9)


def test_draws_are_those_of_python(run, folder):
    for name, column in (("fit", "time $x"), ("counts", "y"), ("labels", "kind")):
        code, out, err = run("describe", f"{name}.json", "--sample", "50", "--seed", "1")
        head, *cells = [row[0] for row in csv.reader(io.StringIO(out))]
        assert (code, err, head) == (0, "", column)
        fit = kl.load(folder / f"{name}.json")
        values = fit.model.sample(50, seed=1).tolist()
        if name == "labels":
            assert cells == ["abc"[int(v)] for v in values]
        else:
            assert [float(cell) for cell in cells] == values
        assert not any("." in cell for cell in cells) or name == "fit"
    assert run("describe", "fit.json", "--sample", "0")[1] == '"time $x"\n'


def test_scored_rows(run, theirs):
    code, out, err = run("describe", "fit.json", "--density", "rows.csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, err) == (0, "")
    assert [float(row["time $x"]) for row in rows] == [0.5, -1.0, 4.0]
    logs = [float(row["log_density"]) for row in rows]
    assert logs == pytest.approx(theirs.logpdf([0.5, -1.0, 4.0]).tolist(), rel=1e-12)
    densities = [float(row["density"]) for row in rows]
    assert densities == pytest.approx(theirs.pdf([0.5, -1.0, 4.0]).tolist(), rel=1e-12)
    # another column
    _, out, _ = run("describe", "fit.json", "--density", "rows.csv", "--y", "other")
    assert [row["time $x"] for row in csv.DictReader(io.StringIO(out))] == ["1", "2", "3"]


def test_scored_labels(run):
    code, out, _ = run("describe", "labels.json", "--density", "kinds.csv")
    rows = [(row["kind"], float(row["density"])) for row in csv.DictReader(io.StringIO(out))]
    assert code == 0
    shares = Counter(LABELS)
    assert rows == [("c", shares["c"] / 8), ("a", shares["a"] / 8), ("unknown", 0.0)]


def test_json_has_everything(run, folder, theirs):
    code, out, err = run(
        "describe", "fit.json", "--quantile", "0.9", "--cdf", "1", "--sample", "3", "--seed", "2",
        "--density", "rows.csv", "--json",
    )  # fmt: skip
    assert (code, err) == (0, "")
    found = json.loads(out, parse_constant=pytest.fail)
    fit = kl.load(folder / "fit.json")
    assert found["params"] == fit.params
    assert found["sample"] == fit.model.sample(3, seed=2).tolist()
    inner = found["distribution"]
    assert inner["mean"] == pytest.approx(theirs.mean(), rel=1e-12)
    assert inner["standard_deviation"] == pytest.approx(theirs.std(), rel=1e-12)
    assert inner["quantiles"] == [{"probability": 0.9, "value": fit.model.quantile(0.9)}]
    assert inner["cdf"] == [
        {"value": 1.0, "probability": fit.model.cdf(1.0), "above": fit.model.survival(1.0)}
    ]
    assert found["rows"]["time $x"] == [0.5, -1.0, 4.0]
    assert found["rows"]["log_density"][1] == "-inf"
    found = json.loads(run("describe", "labels.json", "--json")[1])
    assert list(found["distribution"]) == ["entropy", "quantiles", "cdf"]


def test_moments_that_do_not_exist(run):
    _, out, _ = run("describe", "cauchy.json")
    assert "\nmean                        does not exist\n" in out
    assert json.loads(run("describe", "cauchy.json", "--json")[1])["distribution"]["mean"] is None


def test_a_fit_that_did_not_converge_has_exit_code_1(run):
    for more in ((), ("--quantile", "0.5"), ("--json",)):
        code, out, _ = run("describe", "diverged.json", *more)
        assert code == 1
        assert out


@pytest.mark.parametrize(
    "name", ["fit.json", "counts.json", "labels.json", "cauchy.json", "network"]
)
def test_a_picture(run, folder, name):
    code, out, err = run("describe", name, "--plot", "p.svg")
    assert (code, err) == (0, "")
    assert out
    drawn = (folder / "p.svg").read_text(encoding="utf-8")
    assert drawn.startswith("<?xml")
    assert drawn.count("<path") > 10


def test_pictures_of_each_kind_with_the_quantiles_that_are_asked_for(run, folder):
    for name, start in PICTURES.items():
        code, _, err = run("describe", "fit.json", "--quantile", "0,0.5,1", "--plot", name)
        assert (code, err) == (0, "")
        assert (folder / name).read_bytes().startswith(start)


def test_a_picture_shows_the_density_and_its_quantiles(folder, theirs):
    from kullback.pictures.fit_figure import fit_figure

    (axes,) = fit_figure([kl.load(folder / "fit.json")], "density", marks=(0.1, 0.9)).axes
    x, density = axes.lines[0].get_data()
    np.testing.assert_allclose(density, theirs.pdf(x), rtol=1e-10)
    marks = [line.get_xdata()[0] for line in axes.lines[1:]]
    np.testing.assert_allclose(marks, theirs.ppf([0.1, 0.9]), rtol=1e-10)
    assert x[0] < marks[0] < marks[1] < x[-1]
    assert axes.get_xlabel() == r"time \$x"
    (axes,) = fit_figure([kl.load(folder / "counts.json")], "density").axes
    heights = [bar.get_height() for bar in axes.patches]
    np.testing.assert_allclose(heights, scipy.stats.geom(0.2, loc=-1).pmf(range(len(heights))))


def test_a_network_is_described_by_its_layers(run, folder):
    code, out, err = run("describe", "network")
    fit = kl.load(folder / "network")
    assert (code, err) == (0, "")
    assert out.startswith(fit.summary())
    assert "  classes  0, 1, 2\n" in out
    rows = dict(line.split(maxsplit=1) for line in out.split("\nnetwork\n")[1].splitlines())
    assert rows["gives"] == "logits"
    assert rows["covariates"] == "width, side (2 categories)"
    assert rows["hidden"] == "layers  6, 4"
    assert (rows["outputs"], rows["activation"], rows["networks"]) == ("3", "tanh", "2")
    found = json.loads(run("describe", "network", "--json", "--unit", "bits")[1])
    assert found["networks"][0]["hidden_layers"] == [6, 4]
    assert found["cross_entropy"] == fit.cross_entropy / math.log(2.0)
    assert found["classes"] == [0, 1, 2]


def test_a_regression_is_described_too(run):
    code, out, err = run("describe", "regression")
    assert (code, err) == (0, "")
    assert "classes" not in out
    assert "hidden layers  none\n" in out
    assert json.loads(run("describe", "regression", "--json")[1])["classes"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.json",), "none.json is not a saved fit that can be read: there is no such file."),
        (("rows.csv",), "rows.csv is not a saved fit that can be read: it is damaged"),
        (("fit.json", "--quantile", "1.5"), "--quantile must lie between 0 and 1, got 1.5."),
        (("fit.json", "--quantile", "0.5,x"), 'must be numbers separated by commas, got "x"'),
        (("fit.json", "--cdf", "nan"), '--cdf must be numbers separated by commas, got "nan"'),
        (("fit.json", "--sample", "-1"), "--sample must be at least 0, got -1."),
        (("fit.json", "--seed", "1"), "--seed is the seed of --sample: add --sample N."),
        (("fit.json", "--sample", "1", "--seed", "-1"), r"--seed must lie in [0, 2**63), got -1."),
        (("fit.json", "--y", "x"), "--y names a column of --density: add --density TABLE."),
        (("fit.json", "--sample", "1", "--cdf", "1"), "print tables of different kinds"),
        (("fit.json", "--density", "none.csv"), 'there is no file "none.csv"'),
        (("fit.json", "--density", "rows.csv", "--y", "tim"), 'there is no column "tim"'),
        (("fit.json", "--plot", "p.txt"), "must end in .png, .svg or .pdf, got \".txt\"."),
        (("fit.json", "--plot", "none/p.png"), "there is no folder none."),
        (("fit.json", "--unit", "trits"), "trits"),
        (("labels.json", "--quantile", "0.5"), "--quantile does not apply to class labels"),
        (("labels.json", "--cdf", "1"), "--cdf does not apply to class labels"),
        (("network", "--quantile", "0.5"), "whose distribution depends on the row. Give rows"),
        (("network", "--density", "rows.csv"), "kullback evaluate network TABLE"),
    ],
)  # fmt: skip
def test_wrong_input(run, arguments, message):
    code, out, err = run("describe", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("describe", "none.json", "--plot", "p.png"),
        ("entropy", "none.csv", "--joint", "--plot", "p.png"),
        ("train", "none.csv", "--target", "y", "--report", "p.html"),
        ("evaluate", "none", "none.csv", "--target", "y", "--report", "p.html"),
    ],
)
def test_a_picture_without_matplotlib_is_refused_before_the_work(run, arguments, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "need matplotlib, which is not installed." in err
    assert "clone: pip install -e '.[plot]'" in err


# ---- completion and help -----------------------------------------------------------------------


def kullback(*arguments, **environment):
    command = [sys.executable, "-m", "kullback", *arguments]
    env = os.environ | environment
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=env, check=False
    )
    assert done.stderr == ""
    return done.stdout


# The scripts that shells run ask the command itself, by these variables.
ASK = {
    "zsh": {"_TYPER_COMPLETE_ARGS": "kullback des"},
    "fish": {"_TYPER_COMPLETE_ARGS": "kullback des", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell, tmp_path):
    # the name of the shell is otherwise taken from the process that runs the command
    chosen = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(tmp_path)}
    script = kullback("--show-completion", shell, **chosen)
    assert f"_KULLBACK_COMPLETE=complete_{shell}" in script
    if shell != "bash":
        asked = {"_KULLBACK_COMPLETE": f"complete_{shell}", **ASK[shell]}
        assert "describe" in kullback(**asked)
        assert "evaluate" not in kullback(**asked)
    elif shutil.which("bash"):
        own = tmp_path / "kullback"
        own.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kullback "$@"\n')
        own.chmod(0o755)
        words = 'COMP_WORDS=(kullback describe --qu)\nCOMP_CWORD=2\n_kullback_completion "$0"\n'
        command = f'{script}\n{words} echo "${{COMPREPLY[@]}}"'
        done = subprocess.run(
            ["bash", "-c", command, own], capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == ["--quantile"]
    assert "installed" in kullback("--install-completion", shell, **chosen)
    assert [path for path in tmp_path.rglob("*") if "kullback" in path.name]


COMMANDS = ["describe", "entropy", "evaluate", "families", "fit", "predict", "tour", "train"]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_into_80_columns(run, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = run(*command.split(), "--help")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    if not command:
        assert [line.split()[0] for line in out.split("\n\nCommands:\n")[1].splitlines()] == [
            "fit", "compare", "families", "describe", "entropy", "train", "predict", "evaluate",
            "tour",
        ]  # fmt: skip
        for line in (
            "0    done",
            "1    not converged",
            "2    wrong",
            "3    a bug",
            "130  interrupted",
        ):
            assert f"    {line}" in out


def test_a_fit_with_a_linear_source_is_described_by_its_summary(run, folder):
    code, out, _ = run("describe", "linear.json")
    assert code == 0
    assert out == str(kl.load(folder / "linear.json").summary()) + "\n"
    code, out, _ = run("describe", "linear.json", "--json")
    assert code == 0
    scale = kl.load(folder / "linear.json").params["scale"]
    assert json.loads(out)["params"]["scale"] == scale
    for option in (["--quantile", "0.5"], ["--plot", "p.png"]):
        code, _, err = run("describe", "linear.json", *option)
        assert code == 2
        assert "do not apply to Weibull with a linear source" in err
