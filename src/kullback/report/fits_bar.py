"""The progress bar of many fits: how many of all are made."""

from __future__ import annotations

from typing import Any, final

from kullback.report.live_lines import BAR, DELAY, LiveLines


@final
class FitsBar(LiveLines):
    """A line on the standard error stream while fits are made, after a delay.

    Use it as a context manager, and pass it to ``kl.compare`` as ``progress``.

    Args:
        delay: seconds before it appears.
    """

    def __init__(self, delay: float = DELAY) -> None:
        """Prepare; nothing is shown yet."""
        super().__init__(delay)
        self._done, self._total = 0, 0

    def __call__(self, done: int, total: int) -> None:
        """Store the number of fits made, and of all."""
        self._done, self._total = done, total

    def view(self) -> Any:
        """Draw the current state, as a renderable of rich."""
        from rich.progress_bar import ProgressBar as Bar
        from rich.table import Table
        from rich.text import Text

        total = self._total or None
        bar: Any = Bar(total=total, completed=self._done, pulse=total is None, width=BAR)
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_row(bar, Text(f"{self._done} of {total} fits" if total else "reading"))
        return line
