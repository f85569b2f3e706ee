"""``kullback entropy`` and ``kullback tour``: what they print, and the exit codes.

Expected numbers are those of the library on the same rows, which other files test.
"""

import json
import re

import numpy as np
import pytest
from scipy import stats

import kullback as kl

ROWS = 120
RANDOM = np.random.default_rng(70)
SEX = RANDOM.choice(["f", "m"], ROWS)
AGE = RANDOM.integers(1, 6, ROWS)
SCORE = RANDOM.normal(size=ROWS) + (SEX == "m")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    rows = zip(AGE.tolist(), SEX.tolist(), SCORE.tolist(), strict=True)
    lines = [f"{age},{sex},{score!r}" for age, sex, score in rows]
    days = [f"2024-01-{i % 28 + 1:02d}" for i in range(ROWS)]
    (folder / "t.csv").write_text("\n".join(["age,sex,score", *lines, ""]))
    dated = [f"{line},{day}" for line, day in zip(lines, days, strict=True)]
    (folder / "days.csv").write_text("\n".join(["age,sex,score,day", *dated, ""]))
    gaps = [",".join(["", *line.split(",")[1:]]) if i < 2 else line for i, line in enumerate(lines)]
    (folder / "gaps.csv").write_text("\n".join(["age,sex,score", *gaps, ""]))
    same = ["a,b", *(["1,x"] * 30), ""]
    (folder / "constant.csv").write_text("\n".join(same))
    return folder


def refused(run, *arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    return err.removeprefix("error: ").rstrip("\n")


def parsed(text):
    return json.loads(text, parse_constant=pytest.fail)


def row(out, name):
    (line,) = (line for line in out.splitlines() if line.startswith(f"{name}  "))
    return line


# ---- kullback entropy --------------------------------------------------------------------


def test_the_table(run):
    code, out, err = run("entropy", "t.csv")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split() == (
        ["column", "entropy", "(nats)", "std.", "error", "95%", "interval", "method"]
    )
    for name in ("age", "sex", "score"):
        found = kl.estimate_entropy("t.csv", name)
        low, high = found.interval
        assert f"{found.value:.6g} " in row(out, name)
        assert f"{found.stderr:.2g} " in row(out, name)
        assert f"{low:.6g} .. {high:.6g}" in row(out, name)
        assert row(out, name).endswith(found.method.partition(",")[0])
        for note in found.assumptions:
            routine = re.match("(the )?rows are|chosen by|.* which are counted$", note)
            assert (note in " ".join(out.split())) != bool(routine), note
    assert max(map(len, out.splitlines())) < 80
    assert "\x1b" not in out, "colours in a pipe"


def test_a_note_of_all_columns_is_printed_once(run):
    _, out, _ = run("entropy", "t.csv", "--columns", "age,sex")
    assert out.count("ows are taken as independent draws") == 1
    assert out.count("the shares are nearly equal") == 1
    assert "age, sex: the shares" in out or "all: the shares" in out


def test_bits_and_another_estimator(run):
    code, out, _ = run(
        "entropy", "t.csv", "--columns", "sex", "--unit", "bits", "--method", "plug-in"
    )
    expected = stats.entropy(np.unique(SEX, return_counts=True)[1], base=2)
    assert code == 0
    assert "entropy (bits)" in out
    assert f"sex     {expected:.6g}" in out


def test_json_is_only_json(run):
    code, out, err = run("entropy", "t.csv", "--joint", "--json", "--unit", "bits")
    found = parsed(out)
    assert (code, err) == (0, "")
    assert found["unit"] == "bits"
    for entry in found["entropy"]:
        expected = kl.estimate_entropy("t.csv", entry.pop("column"), unit="bits")
        assert entry == {
            **vars(expected),
            "interval": list(expected.interval),
            "assumptions": list(expected.assumptions),
        }
    pairs = {(entry["x"], entry["y"]): entry["value"] for entry in found["mutual_information"]}
    assert list(pairs) == [("age", "sex"), ("age", "score"), ("sex", "score")]
    for (x, y), value in pairs.items():
        assert value == float(kl.estimate_mutual_information(x, y, "t.csv", unit="bits"))


def test_json_of_a_column_without_an_estimate(run):
    code, out, _ = run("entropy", "days.csv", "--json")
    found = {entry["column"]: entry for entry in parsed(out)["entropy"]}
    assert code == 0
    assert found["day"]["value"] is None
    assert "dates or times" in found["day"]["error"]
    assert "mutual_information" not in parsed(out)


def test_joint(run):
    code, out, _ = run("entropy", "t.csv", "--joint")
    assert code == 0
    for x, y in (("age", "sex"), ("age", "score"), ("sex", "score")):
        found = kl.estimate_mutual_information(x, y, "t.csv")
        assert f"{found.value:.6g} " in row(out, f"{x} – {y}")
        assert row(out, f"{x} – {y}").endswith(found.method.partition(",")[0])
    assert "share:" not in out


def test_by_gives_shares_of_the_labels_entropy(run):
    code, out, _ = run("entropy", "t.csv", "--columns", "age,score", "--by", "sex")
    assert code == 0
    base = float(kl.estimate_entropy("t.csv", "sex"))
    for name in ("age", "score"):
        share = float(kl.estimate_mutual_information(name, "sex", "t.csv")) / base
        assert f" {share:.1%} " in row(out, f"{name} – sex")
    assert 'share: of the entropy of "sex"' in out
    assert "age – score" not in out


def test_by_a_constant_column_prints_no_share(run):
    code, out, _ = run("entropy", "constant.csv", "--by", "b")
    assert code == 0
    assert "share" not in out.replace("shared", "")


def test_missing_values(run):
    code, out, _ = run("entropy", "gaps.csv")
    assert code == 0
    assert 'age: 2 missing values in column "age"' in out
    assert "--missing drop" in out
    said = refused(run, "entropy", "gaps.csv", "--columns", "age")
    assert said.startswith('2 missing values in column "age"')
    code, out, _ = run("entropy", "gaps.csv", "--missing", "drop", "--json", "--by", "sex")
    found = parsed(out)
    assert found["entropy"][0]["value"] == float(kl.estimate_entropy(AGE[2:]))
    expected = kl.estimate_mutual_information(AGE[2:], SEX[2:].tolist())
    assert found["mutual_information"][0]["value"] == float(expected)


def test_a_column_of_dates_is_skipped_with_a_note(run):
    code, out, err = run("entropy", "days.csv", "--joint")
    assert (code, err) == (0, "")
    assert row(out, "day").endswith("no estimate, see below")
    assert 'day: column "day" holds dates or times; row 0 is 2024-01-01.' in out
    assert "– day" not in out
    said = refused(run, "entropy", "days.csv", "--columns", "age,day")
    assert said.startswith('column "day" holds dates or times')


def test_numbers_rounded_too_far_have_mutual_information_but_no_entropy(run, folder):
    rng = np.random.default_rng(3)
    rows = [f"{value:.0f}.5,{'up' if value > 0 else 'down'}" for value in rng.normal(size=300)]
    (folder / "rounded.csv").write_text("\n".join(["v,sign", *rows, ""]))
    code, out, _ = run("entropy", "rounded.csv", "--columns", "v,sign", "--by", "sign")
    assert code == 0
    assert "Give --method grassberger to count the values instead." in out
    assert row(out, "v – sign")


def test_by_a_column_of_dates(run):
    assert "dates or times" in refused(run, "entropy", "days.csv", "--by", "day")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["t.csv", "--columns", "age,sxe"],
            'there is no column "sxe" in t.csv; did you mean "sex"?'
            ' The columns are "age", "sex" and "score".',
        ),
        (
            ["t.csv", "--by", "sxe"],
            'there is no column "sxe" in t.csv; did you mean "sex"? '
            'The columns are "age", "sex" and "score".',
        ),
        (["t.csv", "--columns", "sex,sex"], "--columns sex,sex names a column twice."),
        (
            ["t.csv", "--plot", "a.png"],
            "--plot draws the mutual information of pairs: add --joint.",
        ),
        (
            ["t.csv", "--joint", "--plot", "."],
            "--plot .: this is a folder. Give the name of a file in it.",
        ),
        (
            ["t.csv", "--joint", "--plot", "none/a.png"],
            "--plot none/a.png: there is no folder none. Create it first.",
        ),
        (
            ["t.csv", "--unit", "bit"],
            '--unit bit is not a unit of information; did you mean "bits"? '
            "Use one of 'nats', 'bits', 'hartleys'.",
        ),
        (["t.cvs"], 'there is no file "t.cvs"; did you mean "t.csv"?'),
    ],
)
def test_wrong_input(run, arguments, said):
    assert refused(run, "entropy", *arguments) == said


def test_an_unknown_method(run):
    said = refused(run, "entropy", "t.csv", "--method", "nsbb")
    assert said.startswith('--method nsbb is not an estimator here; did you mean "nsb"?')


def test_a_wrong_value_of_missing(run):
    assert "'skip'" in refused(run, "entropy", "t.csv", "--missing", "skip")


def test_a_picture(run, folder):
    pytest.importorskip("matplotlib")
    code, out, err = run("entropy", "t.csv", "--joint", "--plot", "map.png")
    assert (code, err) == (0, "")
    assert "age – sex" in out
    # the signature of the format
    assert (folder / "map.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    said = refused(run, "entropy", "t.csv", "--joint", "--plot", "map.xyz")
    assert (
        said == '--plot map.xyz: the name of a picture must end in .png, .svg or .pdf, got ".xyz".'
    )


def test_joint_and_by_together(run):
    code, out, _ = run("entropy", "t.csv", "--joint", "--by", "sex")
    assert code == 2 or "age – score" in out


# ---- kullback tour -----------------------------------------------------------------------


def test_a_page_with_a_hostile_column_name(run, folder):
    pytest.importorskip("jinja2")
    name = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    (folder / "evil.csv").write_text(
        f"{name}\n" + "".join(f"{value!r}\n" for value in np.abs(SCORE).tolist())
    )
    code, out, err = run("tour", "--data", "evil.csv", "--html", "tour.html")
    assert (code, err) == (0, "")
    assert out == "wrote tour.html: open it in a browser\n"
    page = (folder / "tour.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "alert(1)" in page, "the name itself is shown"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--y", "age"], "--y names a column of a file: add --data FILE."),
        (
            ["t.csv", "--data", "t.csv"],
            "--data t.csv: the file t.csv is given already. Give one file.",
        ),
        (["--depth", "9"], "--depth must be 0, 1, 2 or 3 hidden layers, got 9."),
        (["--activation", "sine"], "--activation must be tanh, relu or logistic, got 'sine'."),
        (["--learning-rate", "-1"], "--learning-rate must be a positive number, got -1.0."),
        (
            ["--html", "x.html", "--unit", "hartleys"],
            "the page is in nats or in bits, got --unit hartleys.",
        ),
        (
            ["--data", "t.csv", "--y", "scoer", "--html", "x.html"],
            'there is no column "scoer" in t.csv; did you mean "score"?'
            ' The columns are "age", "sex" and "score".',
        ),
        (["--html", "."], "--html .: this is a folder. Give the name of a file in it."),
        (
            ["--html", "none/x.html"],
            "--html none/x.html: there is no folder none. Create it first.",
        ),
        (
            ["--html", "t.csv"],
            "t.csv exists and is not a page that Kullback wrote: it is kept. Give another name.",
        ),
    ],
)
def test_wrong_input_to_the_tour(run, folder, arguments, said):
    assert refused(run, "tour", *arguments) == said
    assert not (folder / "x.html").exists()


def test_the_tour_takes_a_column_of_labels_and_the_choices_of_the_network(run, tmp_path):
    (tmp_path / "trees.csv").write_text("tree,height\n" + "oak,3.5\noak,4.5\nelm,2.5\n" * 20)
    code, out, err = run(
        "tour", str(tmp_path / "trees.csv"), "--y", "tree", "--unit", "bits", "--no-pause",
        "--depth", "0", "--learning-rate", "0.3",
    )  # fmt: skip
    assert (code, err) == (0, "")
    # of ⅔ and ⅓: log2 3 − ⅔
    assert "H(p) 0.918296  +  D(p‖q) 0.000000  =  H(p, q) 0.918296  bits" in out
    text = " ".join(out.split())
    assert "the labels in the 60 rows of “tree”" in text
    assert "With a depth of 0, tanh and a learning rate of 0.3, the loss falls" in text


def test_text_among_numbers_is_an_error_and_not_a_label(run, tmp_path):
    (tmp_path / "t.csv").write_text("x\n" + "".join(f"{i / 8}\n" for i in range(50)) + "?\n")
    message = refused(run, "tour", str(tmp_path / "t.csv"))
    assert "?" in message
    assert "label" not in message.partition(".")[0]


def test_a_name_with_a_comma_is_quoted(run, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text('"a,b",c\n' + "1,x\n2,y\n" * 20)
    code, out, _ = run("entropy", str(table), "--columns", '"a,b", c', "--json")
    assert code == 0
    assert [own["column"] for own in json.loads(out)["entropy"]] == ["a,b", "c"]


def test_the_tour_calls_an_only_column_by_its_name(run, tmp_path):
    (tmp_path / "one.csv").write_text("wait\n" + "1.5\n2.5\n3.1\n" * 20)
    page = tmp_path / "t.html"
    code, _, _ = run("tour", "--data", str(tmp_path / "one.csv"), "--html", str(page))
    assert code == 0
    assert "“wait”" in page.read_text(encoding="utf-8")


def test_identifiers_have_an_unknown_error_and_whole_numbers_a_way_out(run, folder):
    lines = [f"{place},{1 + place % 6}" for place in range(120)]
    (folder / "ids.csv").write_text("\n".join(["id,score", *lines, ""]))
    code, out, _ = run("entropy", "ids.csv")
    assert code == 0
    assert "nan" not in out
    assert row(out, "id").split()[2] == "unknown"
    assert "too little to trust" in " ".join(out.split())
    code, _, err = run("entropy", "ids.csv", "--columns", "score", "--method", "nearest neighbours")
    _, out, _ = run("entropy", "ids.csv", "--columns", "score", "--method", "nearest neighbours")
    assert "Give --method grassberger to count the values instead." in " ".join((out + err).split())
    assert "nan" not in str(kl.estimate_entropy(list(range(120))))
