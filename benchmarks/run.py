"""Time Kullback and its peers, print a table, and write RESULTS.md and rows.svg.

    python benchmarks/run.py [--quick] [--only NAME ...] [--rows N]

See README.md in this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from measure import Measured

HERE = Path(__file__).resolve().parent

# Rows of the largest fit in the plot.
MOST, MOST_QUICK = 100_000_000, 100_000

ROWS_PLOT = "rows"


def main() -> int:
    options = _options()
    if options.worker:
        print(json.dumps(_work(options.worker, options.quick, options.rows)))
        return 0
    from report import document, summary_line, table
    from tasks import TASKS

    names = options.only or [*TASKS, ROWS_PLOT]
    found: dict[str, Measured] = {}
    for name in names:
        if name == ROWS_PLOT:
            continue
        _say(f"... {name}")
        found[name] = Measured(**_worker(name, options.quick, options.rows))
        _say(summary_line(name, found[name]))
    curves: dict[str, Any] = {}
    if ROWS_PLOT in names:
        _say("... time against rows")
        curves = {
            key: [tuple(p) for p in c] for key, c in _worker(ROWS_PLOT, options.quick).items()
        }
    rows = {name: _rows(name, options.quick, options.rows) for name in found}
    whole = not options.quick and not options.only
    if whole or options.output:
        from growth import draw

        folder = Path(options.output or HERE)
        folder.mkdir(parents=True, exist_ok=True)
        if curves:
            draw(curves, folder / "rows.svg")
        (folder / "RESULTS.md").write_text(document(found, rows, curves), encoding="utf-8")
    if found:
        print(table(found, rows))
    return 1 if any(measured.lost for measured in found.values()) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time Kullback and its peers.")
    parser.add_argument("--quick", action="store_true", help="few rows and repeats; a trial")
    parser.add_argument("--only", action="append", metavar="NAME", help="one row; may be repeated")
    parser.add_argument("--rows", type=int, metavar="N", help="rows of those that --only names")
    parser.add_argument("--output", metavar="FOLDER", help="write RESULTS.md and rows.svg there")
    parser.add_argument("--worker", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rows and not (options.only or options.worker):
        parser.error("--rows is for rows of the table that --only names")
    if options.only:
        from tasks import TASKS

        known = [*TASKS, ROWS_PLOT]
        for name in options.only:
            if name not in known:
                parser.error(f"there is no row {name!r}; the rows are {', '.join(known)}")
    return options


def _worker(name: str, quick: bool, rows: int | None = None) -> Any:
    """Measure one row in a separate process, without a compilation cache except its own."""
    # as on a user's machine: compiled bytecode is kept, no compilation cache is set
    unset = ("JAX_COMPILATION_CACHE", "PYTHONDONTWRITEBYTECODE")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(unset)}
    environment["KULLBACK_CACHE_DIR"] = ""
    command = [sys.executable, __file__, "--worker", name, *(["--quick"] if quick else [])]
    command += [] if rows is None else ["--rows", str(rows)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def _work(name: str, quick: bool, rows: int | None) -> Any:
    """Measure one row, in this process."""
    if name == ROWS_PLOT:
        from growth import curves

        return curves(MOST_QUICK if quick else MOST)
    from tasks import TASKS

    task = TASKS[name]
    repeats = min(task.repeats, 3) if quick else task.repeats
    return asdict(task.run(_rows(name, quick, rows), repeats))


def _rows(name: str, quick: bool, rows: int | None) -> int:
    from tasks import TASKS

    if rows is not None:
        return rows
    return TASKS[name].quick_rows if quick else TASKS[name].rows


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
