"""Formats at the command line: every command that takes a table takes them all.

The expected output is that of the same rows in a plain CSV file.
"""

import gzip
import io
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kullback.data.temporary import remove_temporary_files

R = np.random.default_rng(2)
ROWS = 60
LINES = [
    "class,score,age,n",
    *(
        f"{label},{score!r},{age},{n}"
        for label, score, age, n in zip(
            R.choice(["no", "yes"], ROWS).tolist(),
            R.gamma(2.0, size=ROWS).tolist(),
            R.integers(20, 90, ROWS).tolist(),
            R.integers(1, 3, ROWS).tolist(),
            strict=True,
        )
    ),
]


def written(separator: str) -> str:
    return "".join(line.replace(",", separator) + "\n" for line in LINES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    (folder / "t.csv").write_text(written(","))
    (folder / "tabs.tsv.gz").write_bytes(gzip.compress(written("\t").encode()))
    (folder / "tildes.csv").write_text(written("~"))
    return folder


FIT = ["fit", "TABLE", "--model", "gamma", "--y", "score", "--weights", "n", "--json"]
TRAIN = ["train", "TABLE", "--target", "class", "--epochs", "1", "--members", "1", "--hidden", "4"]

# Each command, and what it needs to be run before; TABLE stands for the table.
COMMANDS = {
    "fit": FIT,
    "train": [*TRAIN, "--json"],
    "train --test": [*TRAIN, "--test", "0.3", "--json"],
    "evaluate": ["evaluate", "network", "TABLE", "--target", "class", "--json"],
    "predict": ["predict", "network", "TABLE"],
    "entropy": ["entropy", "TABLE", "--by", "class", "--json"],
    "describe": ["describe", "fit.json", "--density", "TABLE"],
    "tour": ["tour", "TABLE", "--y", "score", "--html", "tour.html"],
}

# What each command printed for the plain file.
EXPECTED = {}


@pytest.fixture
def models(run, folder):
    """A saved fit and a saved network."""
    if not (folder / "network").exists():
        code, *_ = run(*(w.replace("TABLE", "t.csv") for w in FIT), "--save", "fit.json")
        assert code == 0
        code, *_ = run(*(w.replace("TABLE", "t.csv") for w in TRAIN), "--save", "network")
        assert code in (0, 1)


def without_source(out: str, *tables: str) -> str:
    """The output without its names of the table, and without the times of the run."""
    lines = [line for line in out.splitlines() if "_seconds" not in line]
    for table in tables:
        lines = [line.replace(table, "t.csv") for line in lines]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("table", "source", "options"),
    [
        ("tabs.tsv.gz", "tabs.tsv.gz (separated by tabs)", ()),
        ("tildes.csv", 'tildes.csv (separated by \\"~\\")', ("--separator", "~")),
    ],
)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("models")
def test_every_command_reads_every_format(run, command, table, source, options):
    if command not in EXPECTED:
        EXPECTED[command] = run(*(word.replace("TABLE", "t.csv") for word in COMMANDS[command]))
    expected = EXPECTED[command]
    found = run(*(word.replace("TABLE", table) for word in COMMANDS[command]), *options)
    assert found[0] == expected[0] in (0, 1)
    assert without_source(found[1], source, table) == without_source(expected[1])


def test_the_message_about_two_separators_names_the_option(run, folder):
    (folder / "two.csv").write_text("a,b;c\n1,2;3\n4,5;6\n")
    code, out, err = run("fit", "two.csv", "--model", "normal", "--y", "a")
    assert (code, out) == (2, "")
    assert "Say which, as in --separator ,." in err
    code, *_ = run("fit", "two.csv", "--model", "normal", "--y", "a", "--separator", ",")
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fit", "t.csv", "--model", "gamma", "--separator", ";;"), "--separator must be one char"),
        (("describe", "fit.json", "--separator", ";"), "add --density TABLE"),
        (("tour", "--separator", ";"), "add --data FILE"),
        (
            ("fit", "t.csv", "--model", "gamma", "--y", "score", "--separator", ";"),
            "t.csv does not have semicolons between its values",
        ),
    ],
)
def test_a_wrong_separator_is_refused(run, arguments, said):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert Path("t.csv").exists()


# ---- standard input ----------------------------------------------------------------------------


@pytest.fixture
def send(monkeypatch, folder):
    """Put bytes on standard input; what is left at the exit of a process is removed then."""
    own = folder / "temporary"
    own.mkdir(exist_ok=True)
    monkeypatch.setattr("tempfile.tempdir", str(own))

    def send(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    yield send
    remove_temporary_files()
    assert list(own.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("models")
def test_every_command_reads_standard_input(run, send, command):
    if command not in EXPECTED:
        EXPECTED[command] = run(*(word.replace("TABLE", "t.csv") for word in COMMANDS[command]))
    send(written(",").encode())
    found = run(*(word.replace("TABLE", "-") for word in COMMANDS[command]))
    assert found[0] == EXPECTED[command][0]
    assert without_source(found[1], "standard input") == without_source(EXPECTED[command][1])


def test_the_kind_of_standard_input_is_recognised(run, send):
    arguments = ("--model", "gamma", "--y", "score", "--json")
    expected = run("fit", "t.csv", *arguments)[1]
    parquet = io.BytesIO()
    pd.read_csv(io.StringIO(written(","))).to_parquet(parquet)
    for content, source in [
        (written(";").encode(), "standard input (separated by semicolons)"),
        (gzip.compress(written(",").encode()), "standard input"),
        (parquet.getvalue(), "standard input (1 row group)"),
    ]:
        send(content)
        code, out, err = run("fit", "-", *arguments)
        assert (code, err) == (0, "")
        assert without_source(out, source) == without_source(expected)
        assert f'"source": "{source}"' in out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "standard input is empty (0 bytes)"),
        (b"a,b\n1,2\n3\n", "standard input cannot be read as CSV: CSV parse error"),
        (b"a,b\n1,2\n", 'there is no column "score" in standard input'),
        (b"score\n1.5\nx\n", 'column "score" holds text in standard input; row 1 is "x"'),
        (b"PAR1 and no more", "standard input cannot be read as Parquet"),
        (gzip.compress(written(",").encode())[:-9], "standard input cannot be read as CSV: Trunc"),
        (b'score,n\n1,"2\n', "standard input, line 2: the value"),
    ],
)
def test_wrong_standard_input_is_refused_by_that_name(run, send, content, said):
    send(content)
    code, out, err = run("fit", "-", "--model", "gamma", "--y", "score")
    assert (code, out) == (2, "")
    assert said in err
    assert "temporary" not in err


def test_standard_input_stands_for_one_table(run, send):
    send(written(",").encode())
    code, out, err = run(*(word.replace("TABLE", "-") for word in TRAIN), "--test", "-")
    assert (code, out) == (2, "")
    assert '"-" can stand for one table' in err


def test_a_terminal_is_not_read(run, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    code, out, err = run("fit", "-", "--model", "gamma")
    assert (code, out) == (2, "")
    assert "kullback fit - --model gamma < losses.csv" in err


@pytest.mark.parametrize(("column", "code"), [("score", 0), ("class", 2)])
def test_a_command_leaves_no_temporary_file(tmp_path, column, code):
    done = subprocess.run(
        [sys.executable, "-m", "kullback", "fit", "-", "--model", "normal", "--y", column],
        input=written(",").encode(),
        capture_output=True,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == code, done.stderr
    assert list(tmp_path.glob("kullback-*")) == []


def test_an_interrupted_command_leaves_no_temporary_file(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "kullback", "fit", "-", "--model", "gamma", "--y", "score"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    with process:
        process.stdin.write(written(",").encode())
        process.stdin.flush()  # and it waits for more
        end = time.monotonic() + 60.0
        while not (found := list(tmp_path.glob("kullback-*"))) and time.monotonic() < end:
            time.sleep(0.02)
        assert [stat.S_IMODE(file.stat().st_mode) for file in found] == [0o600]
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    assert (process.returncode, error) == (130, b"")
    assert list(tmp_path.glob("kullback-*")) == []
