"""The progress bar of a training: epoch, losses, bits of the label explained, time left."""

from __future__ import annotations

import math
import sys
import time
from typing import Any, final

from kullback._core.units import nats_per
from kullback.report.live_lines import BAR, DELAY, LiveLines
from kullback.results.trained import Epoch

# The time left is estimated from this many of the last epochs.
_EPOCHS_TIMED = 10

_STOPPING = "stopping, the best weights are kept; Ctrl-C again ends at once"
_NOTHING = "stopping before the end of the first epoch: nothing is kept; Ctrl-C again ends at once"


@final
class TrainingBar(LiveLines):
    """Two lines on the standard error stream while a training runs, after a delay.

    Use it as a context manager, and pass it to ``kl.fit`` as ``progress``.

    Args:
        unit: of the losses: nats, bits or hartleys.
        delay: seconds before it appears.
    """

    def __init__(self, unit: str = "nats", delay: float = DELAY) -> None:
        """Prepare; nothing is shown yet."""
        super().__init__(delay)
        self._unit, self._nats = unit, nats_per(unit)
        self._stopping = False
        self._epoch: Epoch | None = None
        self._epochs, self._baseline, self._lowest = 0, math.nan, math.inf
        self._ends: list[float] = []  # when the last epochs ended

    def __call__(self, epoch: Epoch, epochs: int, baseline: float) -> None:
        """Store the progress of the training.

        Args:
            epoch: the last epoch.
            epochs: the largest number of epochs.
            baseline: entropy of the label, in nats; NaN for outcomes that are numbers.
        """
        self._epochs, self._baseline = epochs, baseline
        self._lowest = min(self._lowest, epoch.refined)
        self._ends = [*self._ends[-_EPOCHS_TIMED:], time.perf_counter()]
        self._epoch = epoch

    def stopping(self) -> None:
        """Store that the training was interrupted, and say so on standard error."""
        self._stopping = True
        if not self.shown:
            sys.stderr.write(f"{self._interrupt_message}\n")
            sys.stderr.flush()

    def view(self) -> Any:
        """Draw the current state, as a renderable of rich."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar as Bar
        from rich.table import Table
        from rich.text import Text

        epoch = self._epoch
        line = Table.grid(padding=(0, 2, 0, 0))
        done = 0 if epoch is None else epoch.number
        bar: Any = Bar(total=self._epochs or None, completed=done, pulse=epoch is None, width=BAR)
        parts: list[Any] = [line]
        if epoch is None:
            line.add_row(bar, Text("reading, compiling, first epoch"))
        else:
            cells = [bar, Text(f"epoch {epoch.number} of {self._epochs}")]
            if (left := self._left(epoch.number)) is not None:
                cells.append(Text(f"{_duration(left)} left at most"))
            line.add_row(*cells)
            parts.append(Text(self._losses(epoch), style="dim"))
        if self._stopping:
            parts.append(Text(self._interrupt_message, style="bold yellow"))
        return Group(*parts)

    @property
    def _interrupt_message(self) -> str:
        return _NOTHING if self._epoch is None else _STOPPING

    def _losses(self, epoch: Epoch) -> str:
        text = (
            f"training {epoch.training / self._nats:.4f}, "
            f"held out {epoch.refined / self._nats:.4f} {self._unit}"
        )
        if math.isfinite(self._baseline) and math.isfinite(self._lowest):
            gained = (self._baseline - self._lowest) / nats_per("bits")
            text += f"; {gained:.3f} bits of the label explained"
        return text

    def _left(self, done: int) -> float | None:
        """Seconds until the last possible epoch ends; None before the second epoch."""
        if len(self._ends) < 2:  # the first one includes compilation
            return None
        per_epoch = (self._ends[-1] - self._ends[0]) / (len(self._ends) - 1)
        since = time.perf_counter() - self._ends[-1]
        return max(per_epoch * (self._epochs - done) - since, 0.0)


def _duration(seconds: float) -> str:
    """Format a duration: 8 s, 2 min 05 s, 1 h 02 min."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
