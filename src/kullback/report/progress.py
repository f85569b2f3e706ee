"""The progress bar of a long fit: passes, rows a second and the best cross-entropy so far."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, final

from kullback._core.units import nats_per
from kullback.data.checks import count_of
from kullback.fitting import Progress
from kullback.report.live_lines import BAR, DELAY, LiveLines

# The speed is averaged over at most the last and at least the first of these seconds.
_WINDOW = (0.5, 5.0)


@final
class ProgressBar(LiveLines):
    """A line on the standard error stream while a fit runs, after a delay.

    Use it as a context manager, and pass it to ``kl.fit`` as ``progress``.

    Args:
        unit: of the cross-entropy: nats, bits or hartleys.
        delay: seconds before it appears.
    """

    def __init__(self, unit: str = "nats", delay: float = DELAY) -> None:
        """Prepare; nothing is shown yet."""
        super().__init__(delay)
        self._unit, self._nats = unit, nats_per(unit)
        self._latest: Progress | None = None
        self._before = 0  # rows of the completed passes
        self._in_a_pass: int | None = None  # rows of one pass, known after the first
        self._speeds: deque[tuple[float, int]] = deque()

    def __call__(self, progress: Progress) -> None:
        """Store the progress of the fit."""
        if self._latest is not None and progress.passes > self._latest.passes:
            self._in_a_pass = self._latest.rows - self._before
            self._before = self._latest.rows
        self._latest = progress

    def view(self) -> Any:
        """Draw the current state, as a renderable of rich."""
        from rich.progress_bar import ProgressBar as Bar
        from rich.table import Table
        from rich.text import Text

        latest = self._latest
        total, done = self._in_a_pass, 0 if latest is None else latest.rows - self._before
        if latest is not None and latest.partitions is not None:
            done, total = latest.partitions
        bar: Any = Bar(total=total, completed=done, pulse=total is None, width=BAR)
        line = Table.grid(padding=(0, 2, 0, 0))
        if latest is None:
            line.add_row(bar, Text("compiling"))
            return line
        cells = [bar, Text(_place(latest))]
        if (speed := self._speed(latest.rows)) > 0.0:
            cells.append(Text(f"{speed:,.0f} rows/s"))
        if latest.cross_entropy is not None:
            cells.append(
                Text(f"cross-entropy {latest.cross_entropy / self._nats:.6f} {self._unit}")
            )
        line.add_row(*cells)
        return line

    def _speed(self, rows: int) -> float:
        now = time.perf_counter()
        self._speeds.append((now, rows))
        while len(self._speeds) > 2 and now - self._speeds[0][0] > _WINDOW[1]:
            self._speeds.popleft()
        then, before = self._speeds[0]
        return (rows - before) / (now - then) if now - then >= _WINDOW[0] else 0.0


def _place(progress: Progress) -> str:
    """Where a fit is: `pass 3, 17 of 64 partitions`."""
    place = f"pass {progress.passes}" if progress.passes else "counting rows"
    if progress.partitions is None:
        return place
    done, total = progress.partitions
    return f"{place}, {done} of {count_of(total, 'partition')}"
