"""kullback train, predict and evaluate, as a user runs them."""

import csv
import io
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import kullback as kl

QUICK = ("--hidden", "8", "--members", "1", "--epochs", "15", "--learning-rate", "0.03")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    x, y = load_iris(return_X_y=True)
    frame = pd.DataFrame(x, columns=["a", "b", "c", "d"])
    frame["label"] = np.array(["setosa", "versicolor", "virginica"])[y]
    order = np.random.default_rng(0).permutation(150)
    frame.iloc[order[:100]].to_csv(folder / "train.csv", index=False)
    frame.iloc[order[100:]].to_parquet(folder / "test.parquet")
    return folder


def test_train_save_predict_and_evaluate(run, folder):
    code, out, _ = run(
        "train", "train.csv", "--target", "label", *QUICK, "--save", "model", "--unit", "bits",
        "--test", "test.parquet", "--report", "page.html",
    )  # fmt: skip
    assert code == 0
    assert "explained of the label" in out
    assert "Loss report: label" in (folder / "page.html").read_text(encoding="utf-8")
    code, out, _ = run("predict", "model", "test.parquet")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert len(rows) == 50
    p = kl.load(folder / "model").predict_proba(pd.read_parquet(folder / "test.parquet"))
    assert float(rows[7]["p(setosa)"]) == p[7, 0]
    code, out, _ = run("evaluate", "model", "test.parquet", "--target", "label", "--json")
    assert code == 0
    codes = pd.Categorical(pd.read_parquet(folder / "test.parquet")["label"]).codes
    assert json.loads(out)["cross_entropy"]["value"] == pytest.approx(
        -np.mean(np.log(p[np.arange(50), codes])), rel=1e-12
    )


def test_a_report_on_a_share_of_the_rows(run, folder):
    code, out, _ = run(
        "train", "train.csv", "--target", "label", *QUICK, "--report", "own.html", "--unit", "bits"
    )
    assert code == 0
    assert "On 20 test rows:" in out
    assert "train.csv without 20 test rows: 80 rows" in out
    page = (folder / "own.html").read_text(encoding="utf-8")
    assert "20 rows, 3 classes" in page
    # the test rows depend on the seed only, and are not used in training
    code, other, _ = run(
        "train", "train.csv", "--target", "label", *QUICK, "--test", "0.5", "--json"
    )  # fmt: skip
    document = json.loads(other)
    assert (document["rows"], document["test"]["rows"]) == (50, 50)
    assert code == 0


def test_options_of_a_training_reach_it(run, folder):
    code, out, _ = run(
        "train", "train.csv", "--target", "label", *QUICK, "--inputs", "a,c",
        "--calibration", "none",
        "--class-weight", "balanced", "--normalization", "layer", "--skip", "--weight-decay", "0.1",
        "--label-smoothing", "0.05", "--held-out", "test.parquet", "--checkpoint", "run.ckpt",
        "--save", "small", "--json",
    )  # fmt: skip
    document = json.loads(out)
    assert code == 0
    assert document["held_out_rows"] == 50
    form = kl.load(folder / "small").form.sources["logits"]
    assert (form.inputs, form.normalization, form.skip) == (("a", "c"), "layer", True)
    assert (folder / "run.ckpt").is_file()


def test_predictions_as_files(run, folder):
    run("train", "train.csv", "--target", "label", *QUICK, "--save", "files")
    expected = kl.load(folder / "files").predict_proba(pd.read_parquet(folder / "test.parquet"))
    for name, read in (("out.csv", pd.read_csv), ("out.parquet", pd.read_parquet)):
        code, out, _ = run("predict", "files", "test.parquet", "--out", name)
        assert (code, out) == (0, "")
        found = read(folder / name)
        assert list(found.columns)[:2] == ["class", "p(setosa)"]
        # every digit is there
        np.testing.assert_array_equal(found.iloc[:, 1:].to_numpy(), expected)
    code, _, err = run("predict", "files", "test.parquet", "--out", "out.txt")
    assert code == 2
    assert "must end in .csv, .parquet, .pq" in err


def test_a_regression_predicts_its_parameters(run, folder):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 1))
    model = kl.Normal(loc=kl.MLP(hidden=(4,), members=1), scale=kl.Param())
    fit = kl.fit(model, x, 2.0 * x[:, 0] + rng.normal(size=200), solver=kl.Minibatch(epochs=3))
    fit.save(folder / "line")
    pd.DataFrame({"x0": x[:, 0]}).to_csv(folder / "line.csv", index=False)
    code, out, _ = run("predict", "line", "line.csv")
    found = pd.read_csv(io.StringIO(out))
    assert code == 0
    assert list(found.columns) == ["mean", "loc", "scale"]
    np.testing.assert_array_equal(found["loc"], fit.predict_params(x)["loc"])


def test_the_loss_report_of_probabilities_in_a_table(run, folder):
    run("train", "train.csv", "--target", "label", *QUICK, "--save", "probabilities")
    run("predict", "probabilities", "test.parquet", "--out", "q.parquet")
    table = pd.read_parquet(folder / "test.parquet")
    joined = pd.concat(
        [table.reset_index(drop=True), pd.read_parquet(folder / "q.parquet")], axis=1
    )
    joined["half"] = np.arange(50) % 2
    joined.to_parquet(folder / "joined.parquet")
    names = "p(setosa),p(versicolor),p(virginica)"
    code, out, _ = run(
        "evaluate", "joined.parquet", "--target", "label", "--probabilities", names,
        "--slices", "half", "--json",
    )  # fmt: skip
    document = json.loads(out)
    assert code == 0
    _, own, _ = run("evaluate", "probabilities", "test.parquet", "--target", "label", "--json")
    assert document["cross_entropy"]["value"] == json.loads(own)["cross_entropy"]["value"]
    assert [part["rows"] for part in document["slices"]["half"]] == [25, 25]
    assert document["worst"][0]["label"] in document["classes"]
    code, out, _ = run(
        "evaluate", "joined.parquet", "--target", "label", "--probabilities", names,
        "--classes", "virginica,versicolor,setosa",
    )  # fmt: skip
    assert code == 0
    assert "setosa" in out


def test_the_page_of_numbered_classes_in_a_table(run, folder):
    # by hand: (-log2 0.5 - log2 0.25) / 2 = 1.5 bits; Brier (2 · 0.25 + 2 · 0.5625) / 2
    (folder / "numbers.csv").write_text("p(3),p(7),size,label\n0.5,0.5,big,3\n0.75,0.25,small,7\n")
    command = (
        "evaluate", "numbers.csv", "--target", "label", "--probabilities", "p(3),p(7)",
        "--unit", "bits", "--report", "numbers.html",
    )  # fmt: skip
    code, out, _ = run(*command, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["cross_entropy"]["value"] == pytest.approx(1.5, rel=1e-14)
    assert document["worst"][0]["features"] == {"size": "small"}
    page = (folder / "numbers.html").read_text(encoding="utf-8")
    assert ">1.5000</td>" in page
    assert '<th scope="row">3</th>' in page
    assert ">0.8125</td>" in page
    assert "<td>small</td>" in page
    assert ">3.0<" not in page


def test_json_of_a_training(run):
    code, out, _ = run("train", "train.csv", "--target", "label", *QUICK, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["classes"] == ["setosa", "versicolor", "virginica"]
    assert len(document["held_out"]) == document["epochs"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "train.csv", "--target", "lable"), 'did you mean "label"'),
        (("train", "train.csv", "--target", "label", "--hidden", "a"), "--hidden must be widths"),
        (("train", "train.csv", "--target", "label", "--test", "1.5"), "between 0 and 1"),
        (("train", "train.csv", "--target", "label", "--calibration", "platt"), "--calibration mu"),
        (("train", "train.csv", "--target", "label", "--held-out", "no.csv"), "no.csv"),
        (("train", "train.csv", "--target", "lable", "--report", "x.html"), 'did you mean "label"'),
        (("evaluate", "model", "--target", "label"), "needs MODEL and TABLE"),
        (("evaluate", "test.parquet", "--target", "label", "--probabilities", "q"), '"q"'),
        (("predict", "nothing", "test.parquet"), "there is no such file"),
    ],
)
def test_messages_of_wrong_input(run, arguments, message):
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err


def test_the_bar_shows_the_progress_of_a_training():
    from rich.console import Console

    from kullback.report.training_bar import TrainingBar

    bar = TrainingBar("bits")
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(bar.view())
    for number in (1, 2, 3):
        bar(kl.Epoch(number, 0.6, 0.5, 0.4), 10, 1.0986)
    console.print(bar.view())
    text = console.export_text()
    assert "compiling" in text
    assert "epoch 3 of 10" in text
    # 0.4 nats are 0.5771 bits, and 1.0986 − 0.4 nats 1.0079
    assert "held out 0.5771 bits" in text
    assert "1.008 bits of the label explained" in text
    assert "s left at most" in text


# ---- Ctrl-C --------------------------------------------------------------------------------------

ENDLESS = ("--epochs", "1000000", "--patience", "1000000", "--hidden", "8", "--members", "1")


def _until(done, process):
    """Wait for what the process does; a loaded machine may take its time."""
    end = time.monotonic() + 120.0
    while not done():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def training(folder, tmp_path):
    """A training that never ends by itself, after its first epoch."""
    kept = tmp_path / "kept.ckpt"
    command = (sys.executable, "-m", "kullback", "train", "train.csv", "--target", "label")
    with subprocess.Popen(
        (*command, *ENDLESS, "--checkpoint", str(kept)),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        _until(kept.exists, process)
        yield process
        process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_keeps_the_best_weights_and_reports_it(training):
    training.send_signal(signal.SIGINT)
    out, err = training.communicate(timeout=120)
    assert training.returncode == 1  # not converged
    assert "stopping, the best weights are kept; Ctrl-C again ends at once" in err
    assert "interrupted after epoch" in out
    assert "the best weights are kept" in out
