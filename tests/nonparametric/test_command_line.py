"""Censored and delayed rows at the command line: the fit, its picture and its page."""

import pytest

ROWS = "time,died,entry\n" + "\n".join(
    f"{time},{died},{entry}"
    for time, died, entry in [
        (5, 1, 0), (8, 0, 0), (12, 1, 2), (3, 1, 1), (9, 0, 2), (15, 1, 0), (7, 1, 3)
    ]
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    return tmp_path


def test_a_fit_of_censored_rows_is_drawn_and_reported(run, folder):
    table = ("fit", "rows.csv", "--y", "time", "--event", "died")
    files = ("--model", "weibull", "--plot", "fit.svg", "--report", "fit.html")
    code, out, err = run(*table, "--truncation-lower", "entry", *files)
    assert (code, err) == (0, "")
    assert "7 rows" in out
    assert (folder / "fit.svg").stat().st_size > 10_000
    page = (folder / "fit.html").read_text(encoding="utf-8")
    assert "Kaplan–Meier estimate" in page
    # two rows entered at 0 and died or were seen last: they are truncated there, too
    assert "5 left-truncated and 2 right-censored and left-truncated" in page


def test_commands_without_events_refuse_them(run):
    for command in ("describe", "entropy"):
        code, _, err = run(command, "rows.csv", "--event", "died")
        assert code == 2
        assert "No such option: --event" in err
