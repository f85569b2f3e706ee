"""The progress bar of a training: epoch, cross-entropies, bits explained, time left."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, final

from kullback._core.units import nats_per
from kullback.results.trained import Epoch

if TYPE_CHECKING:  # rich is loaded when a training begins, not with the command line
    from rich.console import RenderableType

_BAR, _REDRAWS = 16, 4.0


@final
class TrainingBar:
    """A line on the standard error stream while a network is trained.

    Use it as a context, and pass it to ``kl.fit`` as ``progress``.

    Args:
        unit: of the cross-entropies: nats, bits or hartleys.
    """

    def __init__(self, unit: str = "nats") -> None:
        """Prepare; nothing is shown yet."""
        self._unit, self._nats = unit, nats_per(unit)
        self._seen: tuple[Epoch, int, float] | None = None
        self._first: tuple[float, int] | None = None

    def __call__(self, epoch: Epoch, epochs: int, guess: float) -> None:
        """Note an epoch that is done."""
        self._seen = (epoch, epochs, guess)
        if self._first is None:  # the first one compiles, and says little of the others' time
            self._first = (time.perf_counter(), epoch.number)

    def __enter__(self) -> TrainingBar:
        """Show it."""
        from rich.console import Console
        from rich.live import Live

        self._live = Live(
            get_renderable=self.view,
            console=Console(stderr=True),
            refresh_per_second=_REDRAWS,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the line away."""
        self._live.stop()

    def view(self) -> RenderableType:
        """Draw the present state."""
        from rich.progress_bar import ProgressBar as Bar
        from rich.table import Table
        from rich.text import Text

        line = Table.grid(padding=(0, 2, 0, 0))
        if self._seen is None:
            line.add_row(Bar(total=None, pulse=True, width=_BAR), Text("compiling"))
            return line
        epoch, epochs, guess = self._seen
        losses = f"training {epoch.training / self._nats:.4f}, held out "
        losses += f"{epoch.refined / self._nats:.4f} {self._unit}"
        cells = [f"epoch {epoch.number} of {epochs}", losses]
        if guess == guess:  # not NaN: outcomes are classes
            cells.append(f"{(guess - epoch.refined) / nats_per('bits'):.3f} bits explained")
        if (left := self._left(epoch.number, epochs)) is not None:
            cells.append(f"{left:.0f} s left")
        bar = Bar(total=epochs, completed=epoch.number, width=_BAR)
        line.add_row(bar, *map(Text, cells))
        return line

    def _left(self, done: int, epochs: int) -> float | None:
        """Seconds until the last epoch, as the epochs so far went; it may end before."""
        assert self._first is not None
        since, first = self._first
        if done == first:
            return None
        return (time.perf_counter() - since) / (done - first) * (epochs - done)
