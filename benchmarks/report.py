"""The table of results, in Markdown."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import machine
from growth import Curve
from measure import Measured, show_seconds
from tasks import TASKS

HEAD = (
    "task",
    "rows",
    "peer",
    "peer, median",
    "kullback, median",
    "ratio",
    "to reach",
    "outcome",
    "log-likelihood, peer",
    "log-likelihood, kullback",
    "kullback compiles once",
    "first call, peer",
    "first call, kullback",
    "timed",
    "notes",
)
_RIGHT = {1, 3, 4, 5, 8, 9, 10, 11, 12, 13}  # columns of numbers

_EXPLAINED = """\
Every row is measured in a separate process, the peer and Kullback by turns; medians of the calls
after the first. Kullback's fits give standard errors, the peers' do not. Both log-likelihoods are
SciPy's, at each program's estimate (the streamed one is Kullback's own); a fit is **lost**,
however fast, where its log-likelihood is worse than the peer's by more than 10⁻⁹ of its size.
Compilation at the first call of a model in a process is not part of the medians of warm calls, and
has a separate column; the rows of whole processes contain it. The ratio of the streamed row is
Kullback's time over that of as many reads as it makes passes.
"""


def table(found: Mapping[str, Measured], rows: Mapping[str, int]) -> str:
    """The table of the measurements, by name of the task."""
    lines = [_line(HEAD), _line(["---:" if i in _RIGHT else "---" for i in range(len(HEAD))])]
    lines += [_line(_cells(name, measured, rows[name])) for name, measured in found.items()]
    return "\n".join(lines)


def document(
    found: Mapping[str, Measured], rows: Mapping[str, int], curves: Mapping[str, Curve]
) -> str:
    """The whole of RESULTS.md."""
    reached = sum(TASKS[name].target.met(measured) for name, measured in found.items())
    parts = [
        "# Kullback compared with its peers",
        f"Measured on {datetime.date.today().isoformat()} by `make bench`, which writes this file; "
        f"{reached} of {len(found)} targets reached.",
        "\n".join(machine.describe()),
        table(found, rows),
        _EXPLAINED.strip(),
        "## Time against rows",
        "![Seconds for one warm fit against the number of rows](rows.svg)",
        _growth(curves),
        "Warm fits with standard errors, medians. Arrays up to 10⁷ rows; Parquet files from there, "
        "of which those with more than 256 MiB in the column are streamed.",
        "## To reproduce",
        "```sh\nmake bench\n```",
        "`benchmarks/README.md` describes the measurements.",
    ]
    return "\n\n".join(parts) + "\n"


def summary_line(name: str, measured: Measured) -> str:
    """One row for the terminal."""
    task = TASKS[name]
    notes = f"; {'; '.join(measured.notes)}" if measured.notes else ""
    compiling = _seconds(measured.compiling)
    return (
        f"{name}: {task.peer} {_seconds(measured.peer)}, kullback {_seconds(measured.own)}, "
        f"{task.target.ratio(measured)} (to reach {task.target.text()}): "
        f"{task.target.outcome(measured).strip('*')}; compiles {compiling}{notes}"
    )


def _cells(name: str, measured: Measured, rows: int) -> list[str]:
    task = TASKS[name]
    return [
        task.title,
        f"{rows:,}",
        task.peer,
        _seconds(measured.peer),
        _seconds(measured.own),
        task.target.ratio(measured),
        task.target.text(),
        task.target.outcome(measured),
        _log_likelihood(measured.peer_log_likelihood),
        _log_likelihood(measured.own_log_likelihood),
        _seconds(measured.compiling),
        _seconds(measured.peer_first),
        _seconds(measured.own_first),
        f"{len(measured.own_seconds)}×",
        "; ".join(measured.notes),
    ]


def _growth(curves: Mapping[str, Curve]) -> str:
    """The numbers of the plot."""
    sizes = sorted({rows for curve in curves.values() for rows, _ in curve})
    by_size = {label: dict(curve) for label, curve in curves.items()}
    lines = [_line(["rows", *curves]), _line(["---:"] * (1 + len(curves)))]
    for rows in sizes:
        lines.append(_line([f"{rows:,}", *(_seconds(by_size[k].get(rows)) for k in curves)]))
    return "\n".join(lines)


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else show_seconds(seconds)


def _log_likelihood(value: float | None) -> str:
    return "" if value is None else f"{value:.5f}"
