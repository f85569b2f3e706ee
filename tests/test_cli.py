"""The command line: what it prints, where, and the exit code."""

import io
import json
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import kullback
from kullback import cli
from kullback._core.cache_folder import cache_folder
from kullback.fitting import Progress
from kullback.report.progress import ProgressBar
from kullback.report.terminal import least_width, summary_view, table_view
from kullback.results.decomposition import Decomposition, Line
from kullback.results.load import load
from kullback.results.summary import Summary

# Sixty outcomes with weights; the expected numbers are those of kullback.fit on the same rows.
X = np.random.default_rng(3).weibull(1.7, 60).round(6) * 3.0
N = np.arange(60) % 3 + 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    rows = "".join(f"{x!r},{n}\n" for x, n in zip(X.tolist(), N.tolist(), strict=True))
    (folder / "a.csv").write_text("time,n\n" + rows)
    (folder / "b.csv").write_text("time,n\n" + rows)
    (folder / "counts.csv").write_text("k\n" + "2\n3\n" * 3)  # less spread than a Poisson's
    (folder / "gaps.csv").write_text("time,n\n1.5,1\n,1\n2.5,1\n")
    (folder / "labels.csv").write_text("k\na\nb\na\n")
    return folder


WEIBULL = ("fit", "a.csv", "--y", "time", "--model", "weibull")


def without_seconds(text):
    return re.sub(r"(?m)^  time .*$", "", text)


def test_a_fit_prints_its_summary(run):
    code, out, err = run(*WEIBULL, "--unit", "bits")
    expected = kullback.fit(kullback.Weibull(), "a.csv", "time").summary("bits")
    assert (code, err) == (0, "")
    assert without_seconds(out) == without_seconds(f"{expected}\n")
    assert "\x1b" not in out, "colours in a pipe"


def test_json_is_only_json(run):
    code, out, err = run(*WEIBULL, "--weights", "n", "--unit", "bits", "--json")
    fit = kullback.fit(kullback.Weibull(), "a.csv", "time", weights="n")
    found = json.loads(out, parse_constant=pytest.fail)
    assert (code, err) == (0, "")
    assert found["params"] == fit.params
    assert found["stderr"] == fit.stderr
    assert found["intervals"] == {k: v.tolist() for k, v in fit.interval(0.95).items()}
    assert (found["level"], found["unit"]) == (0.95, "bits")
    assert found["cross_entropy"] == fit.cross_entropy / math.log(2.0)
    assert found["log_likelihood"] == fit.log_likelihood
    assert (found["aic"], found["bic"], found["n"]) == (fit.aic, fit.bic, float(N.sum()))
    lines = {line["name"]: line["value"] for line in found["decomposition"]}
    assert lines == cli.process.plain(
        {line.name: line.value for line in fit.decomposition("bits").lines}
    )
    assert found["convergence"]["converged"] is True
    assert found["convergence"]["reason"] == fit.convergence.reason
    assert found["data"] == {"outcome": 'column "time"', "source": "a.csv", "rows": 60}


def test_a_fit_that_did_not_converge(run):
    # variance below the mean: the size of a negative binomial diverges
    code, out, _ = run("fit", "counts.csv", "--model", "NegativeBinomial")
    assert code == 1
    assert "NOT CONVERGED" in out
    code, out, _ = run("fit", "counts.csv", "--model", "NegativeBinomial", "--json")
    found = json.loads(out, parse_constant=pytest.fail)
    assert code == 1
    assert found["convergence"]["converged"] is False
    assert found["stderr"] == {"mean": None, "size": None}
    assert found["decomposition"][-2]["name"] == "entropy"


def test_json_has_texts_for_infinities_and_null_for_nan():
    assert cli.process.plain({"a": [math.inf, -math.inf], "b": np.array([math.nan, 1.5])}) == {
        "a": ["inf", "-inf"],
        "b": [None, 1.5],
    }


def test_several_tables_and_patterns(run):
    for tables in (["a.csv", "b.csv"], ["[ab].csv"]):
        code, out, _ = run("fit", *tables, "--y", "time", "--model", "weibull", "--json")
        assert code == 0
        assert json.loads(out)["n"] == 120.0


def test_fixed_and_chosen_parameters(run):
    code, out, _ = run(*WEIBULL, "--param", "shape=2", "--param", " scale = 3e0", "--json")
    assert code == 0
    assert json.loads(out)["params"] == {"shape": 2.0, "scale": 3.0}
    code, out, _ = run(
        "fit", "a.csv", "--y", "time", "--model", "gamma", "--param", "mean=?", "--json"
    )
    assert code == 0
    assert list(json.loads(out)["params"]) == ["mean", "shape"]
    fixed = ("--model", "categorical", "--param", "probabilities=0.5,0.5")
    code, out, _ = run("fit", "labels.csv", *fixed, "--json")
    assert code == 0
    assert json.loads(out)["params"] == {"probabilities": [0.5, 0.5]}
    assert json.loads(out)["levels"] == ["a", "b"]


def test_missing_rows_are_dropped_only_on_request(run):
    gaps = ("fit", "gaps.csv", "--y", "time", "--model", "exponential")
    code, out, err = run(*gaps)
    assert (code, out) == (2, "")
    assert err.startswith('error: 1 missing value in column "time"')
    code, out, _ = run(*gaps, "--missing", "drop")
    assert code == 0
    assert "2 rows, 1 dropped as missing" in out


def test_a_saved_fit(run, folder):
    code, out, _ = run(*WEIBULL, "--save", "fit.json", "--json")
    assert code == 0
    assert load(folder / "fit.json").params == json.loads(out)["params"]


@pytest.mark.parametrize(
    ("name", "start"), [("p.svg", b"<?xml"), ("p.PNG", b"\x89PNG\r\n\x1a\n"), ("p.pdf", b"%PDF-")]
)
def test_a_picture_of_the_fit(run, folder, name, start):
    (folder / name).write_bytes(b"replaced, like the files of other commands")
    code, out, err = run(*WEIBULL, "--plot", name)
    assert (code, err) == (0, "")
    assert without_seconds(out) == without_seconds(run(*WEIBULL)[1])
    assert (folder / name).read_bytes().startswith(start)


def test_class_labels_have_a_picture_too(run, folder):
    code, _, err = run("fit", "labels.csv", "--y", "k", "--model", "categorical", "--plot", "k.svg")
    assert (code, err) == (0, "")
    assert (folder / "k.svg").stat().st_size > 5_000


@pytest.mark.parametrize("name", ["student-t", "StudentT", "studentt", "STUDENT_T"])
def test_names_of_models(name):
    assert type(cli.fit._model(name, [])) is kullback.StudentT


WRONG = [
    (["--model", "gama"], 'there is no model "gama"; did you mean "Gamma"?'),
    (["--model", "__init__"], 'there is no model "__init__". The command "kullback families"'),
    (["--model", "family"], 'there is no model "family"'),
    (["--model", "gamma", "--y", "tim"], 'there is no column "tim" in a.csv; did you mean "time"?'),
    (["--model", "gamma", "--unit", "bit"], "--unit bit is not a unit of information; did you"),
    (["--model", "gamma", "--missing", "no"], '--missing must be "error" or "drop", got \'no\''),
    (["--model", "gamma", "--param", "shape"], "--param must be NAME=NUMBER, such as shape=2, got"),
    (["--model", "gamma", "--param", "shape=two"], '--param shape=two: "two" is not a number.'),
    (["--model", "gamma", "--param", "shape=-1"], "shape=-1.0 lies outside its domain"),
    (["--model", "gamma", "--param", "shape=nan"], "must be finite, got"),
    (["--model", "gamma", "--param", "shap=1"], 'did you mean "shape"?'),
    (["--model", "gamma", *["--param", "shape=1"] * 2], "--param names shape twice."),
    (["--model", "gamma", "--save", "nowhere/fit.json"], "there is no folder nowhere"),
    (["--model", "gamma", "--save", "."], "this is a folder"),
    (["--model", "gamma", "--plot", "p.jpg"], 'must end in .png, .svg or .pdf, got ".jpg".'),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[said for _, said in WRONG])
def test_the_message_of_wrong_input_is_one_line(arguments, said, run):
    code, out, err = run("fit", "a.csv", "--y", "time", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["fit"], ["fit", "a.csv"], ["fit", "a.csv", "--model", "gamma", "--bogus"], ["fi"]],
)
def test_wrong_usage(arguments, run):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Usage: kullback" in err


def test_a_table_that_is_not_there(run):
    code, out, err = run("fit", "c.csv", "--model", "gamma")
    assert (code, out) == (2, "")
    assert err.startswith('error: there is no file "c.csv"')


def test_interrupted(run, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(kullback, "fit", interrupt)
    assert run(*WEIBULL) == (130, "", "")


def test_a_bug_is_not_reported_as_wrong_input(folder, monkeypatch, capsys):
    def fail(*_, **__):
        raise ZeroDivisionError("ours")

    monkeypatch.chdir(folder)
    monkeypatch.setattr(cli.process, "keep_compiled_code", lambda: None)
    monkeypatch.setattr(kullback, "fit", fail)
    monkeypatch.setattr(sys, "argv", ["kullback", *WEIBULL])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 3
    assert "ZeroDivisionError: ours" in capsys.readouterr().err


def test_version(run):
    assert run("--version") == (0, f"kullback {kullback.__version__}\n", "")


def test_families_are_those_that_are_exported(run):
    code, out, _ = run("families")
    assert code == 0
    head, *lines = out.splitlines()
    assert head.split() == ["model", "parameters", "outcomes", "alternatives"]
    names = [line.split()[0] for line in lines]
    exported = {
        name
        for name in kullback.__all__
        if isinstance(value := getattr(kullback, name), type)
        and issubclass(value, kullback.Model)
        and value not in (kullback.Model, kullback.Family, kullback.LogDensity)
    }
    assert names == sorted(exported)
    gamma = next(line for line in lines if line.startswith("Gamma"))
    assert "shape > 0, rate > 0" in gamma
    assert "y > 0" in gamma
    assert gamma.endswith("mean > 0, shape > 0; or mean > 0, dispersion > 0")
    binomial = next(line for line in lines if line.startswith("Binomial"))
    assert "(required)" in binomial
    assert "y = 0, ..., trials" in binomial
    assert next(line for line in lines if line.startswith("Categorical")).endswith("logits")


# ---- on a terminal -----------------------------------------------------------------------------

SUMMARY = Summary(
    title='[bold]Gamma fitted to column "loss"',
    columns=("", "estimate", "std. error", "95% interval"),
    estimates=(("shape", "2.41559", "0.1015", "2.2247 .. 2.62285"), ("rate[1]", "0.88", "", "")),
    facts=(("log-likelihood", "-1,828.390658"), ("AIC", "3,660.7813")),
    decomposition=Decomposition(
        (
            Line("cross-entropy", 2.637810, 0.032247, "of the sample under the fitted model " * 3),
            Line("entropy", 1.5, 0.0, "exact"),
            Line("other", 1.25, math.nan, "no error known"),
        ),
        "bits",
    ),
    converged=False,
    reason="flat: the gradient vanishes, but not at a strict minimum " * 2,
    convergence=(("on the boundary", "shape = 0, its lower bound " * 5),),
    notes=("Fix one of them, or choose a simpler model. " * 4,),
    coefficients={},
)


def shown(view, width, **options):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, **options)
    console.print(view)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [least_width(SUMMARY), 80, 200])
def test_a_summary_on_a_terminal(width):
    text = shown(summary_view(SUMMARY), width, color_system=None)
    assert all(len(line) <= width for line in text.splitlines())
    assert "…" not in text
    whole = " ".join(text.split())
    numbers = [cell for row in SUMMARY.estimates for cell in row[1:]]
    numbers += ["2.637810", "0.032247", "1.500000", "exact", "-1,828.390658", "3,660.7813"]
    for number in numbers:
        assert number in whole
    # a bracket is not markup, and wrapped text is complete
    parts = [SUMMARY.title, SUMMARY.reason, SUMMARY.notes[0], SUMMARY.convergence[0][1]]
    words = " ".join(parts).split()
    assert all(word in whole for word in words)
    assert "NOT CONVERGED" in whole


def test_colours_only_in_a_terminal():
    assert "\x1b[1;31mNOT CONVERGED" in shown(summary_view(SUMMARY), 80, color_system="standard")
    assert "\x1b[1;31m" not in shown(summary_view(SUMMARY), 80, no_color=True)


def test_a_table_of_words_wraps():
    text = shown(table_view(("model", "parameters"), [("Gamma", "shape > 0 " * 9)]), 40)
    assert "…" not in text
    assert text.count("shape") == 9


def test_the_progress_line(monkeypatch):
    clock = iter(range(9))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    bar = ProgressBar("bits")
    assert "compiling" in shown(bar.view(), 80)
    bar(Progress(1, 500, None))
    assert "pass 1" in shown(bar.view(), 80)
    assert "rows/s" not in shown(bar.view(), 80)
    bar(Progress(1, 1_000, 2.0 * math.log(2.0)))
    bar(Progress(2, 1_250, 2.0 * math.log(2.0)))
    text = shown(bar.view(), 80, color_system=None)
    assert "pass 2" in text
    assert "375 rows/s" in text, "750 rows in two seconds"
    assert "cross-entropy 2.000000 bits" in text
    assert text.count("━") == 4, "a quarter of the second pass is a quarter of 16 columns"
    assert text.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal of POSIX")
def test_the_progress_line_appears_late_and_goes(monkeypatch):
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        with ProgressBar(delay=30.0) as bar:
            bar(Progress(1, 500, 1.5))
        with ProgressBar(delay=0.0) as bar:
            bar(Progress(3, 500, 1.5))
            written = b""
            end = time.monotonic() + 120.0  # a loaded machine may take its time
            while b"cross-entropy 1.5" not in written and time.monotonic() < end:
                written += os.read(master, 4096)
        assert b"pass 3" in written
        assert b"pass 1" not in written
        terminal.write("end")
        terminal.flush()
        while not written.endswith(b"end"):
            written += os.read(master, 4096)
    assert b"\x1b[2K" in written[-40:], "the line is not taken away"
    os.close(master)


# ---- the process -------------------------------------------------------------------------------


def test_where_the_cache_is(monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    assert cache_folder({}, "linux") == Path("/home/me/.cache/kullback")
    assert cache_folder({"KULLBACK_CACHE_DIR": "/own", "XDG_CACHE_HOME": "/c"}, "linux") == Path(
        "/own"
    )
    assert cache_folder({"KULLBACK_CACHE_DIR": "", "XDG_CACHE_HOME": "/c"}, "linux") is None
    assert cache_folder({"XDG_CACHE_HOME": "/c"}, "linux") == Path("/c/kullback")
    assert cache_folder({"XDG_CACHE_HOME": "c"}, "linux") == Path("/home/me/.cache/kullback")
    assert cache_folder({}, "darwin") == Path("/home/me/Library/Caches/kullback")
    assert cache_folder({"LOCALAPPDATA": "/local"}, "win32") == Path("/local/kullback/cache")

    def none():
        raise RuntimeError

    monkeypatch.setattr(Path, "home", none)
    assert cache_folder({}, "linux") is None


def whole_process(folder, environment, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", "from kullback.cli import main; main()", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_closed_output_is_not_an_error(folder):
    # kullback fit ... --save fit.json >&-
    command = [sys.executable, "-c", "from kullback.cli import main; main()", *WEIBULL]
    shell = f"exec {shlex.join([*command, '--save', 'closed.json'])} >&-"
    done = subprocess.run(
        ["/bin/sh", "-c", shell], cwd=folder, stderr=subprocess.PIPE, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert load(folder / "closed.json").convergence.converged


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-", "<&-"])
def test_closed_streams_are_not_an_error(folder, closed):
    # without a standard error there was no result, and code 3
    command = [sys.executable, "-c", "from kullback.cli import main; main()", *WEIBULL, "--json"]
    shell = f"exec {shlex.join([*command, '--save', 'streams.json'])} {closed}"
    done = subprocess.run(
        ["/bin/sh", "-c", shell], cwd=folder, capture_output=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    expected = kullback.fit(kullback.Weibull(), str(folder / "a.csv"), "time").params
    assert load(folder / "streams.json").params == expected
    if ">&- " not in closed:
        assert json.loads(done.stdout)["params"] == expected


# Ctrl-C at the moment when a module is found, before any of it is run
INTERRUPTED = """
import os, signal, sys
module = sys.argv.pop(1)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from kullback.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("module", ["typer", "jax", "kullback.fitting", "pyarrow.csv"])
def test_an_interrupt_during_imports_is_quiet(folder, module):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, module, *WEIBULL],
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--help"], ""),
        (["fit", "--typo"], "No such option: --typo"),
        ([*WEIBULL[:3], "typo", *WEIBULL[4:]], 'there is no column "typo"'),
        ([*WEIBULL, "--weights", "typo"], 'there is no column "typo"'),
        (["train", WEIBULL[1], "--target", "typo"], 'there is no column "typo"'),
        (["fit", "typo.csv", "--model", "weibull"], 'there is no file "typo.csv"'),
    ],
)
def test_mistakes_are_found_before_jax_is_imported(folder, arguments, error):
    # None: an import of jax raises ImportError. It takes longer than all the rest
    code = "import sys; sys.modules['jax'] = None; from kullback.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == (2 if error else 0), done.stderr
    assert error in done.stderr


def test_compiled_code_is_kept_between_processes(folder, tmp_path):
    environment = {"KULLBACK_CACHE_DIR": str(tmp_path), "JAX_COMPILATION_CACHE_DIR": ""}
    # fits of up to 2,048 rows compile nothing
    rows = np.random.default_rng(5).logistic(size=3_000)
    np.savetxt(folder / "many.csv", rows, header="x", comments="")
    command = ("fit", "many.csv", "--model", "logistic", "--json")
    code, first, err = whole_process(folder, environment, *command)
    assert (code, err) == (0, "")
    kept = {path: path.stat().st_ino for path in tmp_path.rglob("*")}
    assert kept, "nothing was kept"
    code, second, err = whole_process(folder, environment, *command)
    assert (code, err) == (0, "")
    again = {path: path.stat().st_ino for path in tmp_path.rglob("*")}
    assert again == kept, "the second process compiled again"
    first, second = json.loads(first), json.loads(second)
    assert first["params"] == second["params"]


def test_without_a_cache_everything_works(folder, tmp_path):
    (tmp_path / "file").touch()  # no folder can be made in a file
    environment = {"KULLBACK_CACHE_DIR": str(tmp_path / "file"), "JAX_COMPILATION_CACHE_DIR": ""}
    code, _, err = whole_process(folder, environment, *WEIBULL)
    assert (code, err) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_closed_pipe_prints_no_traceback():
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        [sys.executable, "-c", "from kullback.cli import main; main()", "families"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(write)
        _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (128 + signal.SIGPIPE, "")


def test_a_message_names_options_instead_of_python_arguments(run):
    code, _, err = run("fit", "a.csv", "--model", "gamma")
    assert code == 2
    assert "for example --y time" in err
    code, _, err = run("fit", "gaps.csv", "--y", "time", "--model", "gamma")
    assert code == 2
    assert "give --missing drop to drop such rows" in err


def test_help_imports_nothing_heavy():
    # kullback as a bare package: only what the command line itself imports is measured
    code = (
        "import sys, types; kullback = types.ModuleType('kullback'); "
        f"kullback.__path__ = {list(kullback.__path__)!r}; sys.modules['kullback'] = kullback; "
        "import kullback.cli; heavy = {'jax', 'numpy', 'pyarrow', 'rich', 'scipy'}; "
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


COMMANDS = ["fit", "families", "entropy", "train", "predict", "evaluate", "tour"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("width", ["80", "120"])
def test_every_option_has_a_help_text(run, monkeypatch, command, width):
    monkeypatch.setenv("COLUMNS", width)
    code, out, _ = run(command, "--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= int(width)
    assert "Exit code" in out
    lines = out.partition("Options:")[2].splitlines()
    options = [number for number, line in enumerate(lines) if line.startswith("  --")]
    for number in options:
        # beside the option, or below one that is long
        text = lines[number].strip().partition("  ")[2] or lines[number + 1]
        assert text.strip(), lines[number]
