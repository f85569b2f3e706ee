"""What reaches the terminal: no control character of a file's names, labels or values."""

import json
import re
import sys

import numpy as np
import pandas as pd
import pytest

import kullback as kl
from kullback._core.printable import printable

# Codes that clear the screen, set the title and write to the clipboard; the one-byte form of ESC [;
# and characters that reverse the order of what follows: Unicode 15, UAX #9; ECMA-48.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\x1b]52;c;cm0=\x07\x9b31m\u202eabc\u2066\x7f\x08"
WANTED = r"\x1b[2J\x1b]0;owned\x07\x1b]52;c;cm0=\x07\x9b31m\u202eabc\u2066\x7f\x08"  # by hand
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# the codes that rich itself writes: colours, and the cursor hidden and shown
OF_RICH = re.compile("\x1b\\[(?:[0-9;]*m|\\?25[lh])")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terminal")
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    label = np.where(x + rng.normal(size=60) > 0.0, HOSTILE, "b")
    table = pd.DataFrame({HOSTILE: x, "x": x, "label": label, "many": label})
    table.to_parquet(folder / "a.parquet")
    q = np.clip(rng.uniform(size=60), 0.1, 0.9)
    rated = pd.DataFrame({"p(b)": q, f"p({HOSTILE})": 1.0 - q, "label": label, HOSTILE: label})
    rated.to_parquet(folder / "q.parquet")
    pd.DataFrame({HOSTILE: [HOSTILE, "2"], "n": [1, 2]}).to_csv(folder / "text.csv", index=False)
    model = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1, inputs=("x",)))
    kl.fit(model, table, "label", solver=kl.Minibatch(epochs=2)).save(folder / "model")
    return folder


COMMANDS = [
    ("fit", "a.parquet", "--y", HOSTILE, "--model", "normal"),
    ("fit", "a.parquet", "--y", "label", "--model", "categorical"),
    ("fit", "a.parquet", "--y", "x" + HOSTILE, "--model", "normal"),
    ("fit", "a.parquet", "--y", "x", "--weights", HOSTILE, "--model", "normal"),
    ("fit", "text.csv", "--y", HOSTILE, "--model", "normal"),
    ("fit", HOSTILE + ".csv", "--model", "normal"),
    ("entropy", "a.parquet", "--joint"),
    ("entropy", "a.parquet", "--by", "label"),
    ("entropy", "a.parquet", "--columns", HOSTILE),
    ("predict", "model", "a.parquet"),
    ("evaluate", "model", "a.parquet", "--target", "label", "--slices", "many"),
    (
        *("evaluate", "q.parquet", "--target", "label", "--slices", HOSTILE),
        *("--probabilities", f"p(b),p({HOSTILE})"),
    ),
    ("evaluate", "model", "a.parquet", "--target", "x" + HOSTILE),
    (
        *("train", "a.parquet", "--target", "label", "--inputs", HOSTILE, "--hidden", "4"),
        *("--members", "1", "--epochs", "2", "--test", "0.3"),
    ),
    ("tour", "--data", "a.parquet", "--y", HOSTILE),
]


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2])[:40])
def test_no_control_character_reaches_the_terminal(run, monkeypatch, command, terminal):
    if terminal:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "300")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    elif command[0] == "predict":
        pytest.skip("a file keeps the names as they are")
    _, out, err = run(*command)
    shown = OF_RICH.sub("", out) if terminal else out
    assert not CONTROLS.findall(shown + err)
    assert out + err


def test_names_are_shown_as_escapes(run):
    code, out, _ = run("fit", "a.parquet", "--y", HOSTILE, "--model", "normal")
    assert code == 0
    assert f'Normal fitted to column "{WANTED}": 60 rows' in out
    code, _, err = run("fit", "text.csv", "--y", HOSTILE, "--model", "normal")
    assert code == 2
    assert f'error: column "{WANTED}" holds text in text.csv' in err


def test_json_holds_the_names_themselves(run):
    _, out, _ = run("fit", "a.parquet", "--y", HOSTILE, "--model", "normal", "--json")
    assert json.loads(out)["data"]["outcome"] == f'column "{HOSTILE}"'
    assert not CONTROLS.findall(out)


def test_printable_text():
    assert printable(HOSTILE) == WANTED
    assert printable("a\tb\nc\r") == r"a\tb\nc\r"
    assert printable("a\tb\nc\r", lines=True) == "a\\tb\nc\\r"
    plain = "naïve − 3·10⁻⁵ “Größe” 大小 العمر 👩‍🔬"  # a joiner belongs to the last one
    assert printable(plain) == plain
    for code in [*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F)]:
        assert printable(chr(code)).isprintable()
