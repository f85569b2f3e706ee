"""Lines on the standard error stream that are redrawn during a computation."""

from __future__ import annotations

import abc
import threading
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from kullback.report.notebook_lines import NotebookLines

if TYPE_CHECKING:  # rich is imported when the lines first appear
    from rich.console import RenderableType
    from rich.live import Live

Own = TypeVar("Own", bound="LiveLines")

# Seconds before the lines appear, and redraws a second.
DELAY, _REDRAWS = 1.0, 8.0

# Width of a bar in characters: with the text beside it, a line has fewer than 80.
BAR = 16


class LiveLines(abc.ABC):
    """A context that shows ``view`` while a computation runs, after a delay: abstract.

    Calls only store the state; a separate thread draws.

    Args:
        delay: seconds before the lines appear.
    """

    def __init__(self, delay: float = DELAY) -> None:
        """Prepare; nothing is shown yet."""
        self._timer = threading.Timer(delay, self._show)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._over = False
        self._live: Live | NotebookLines | None = None

    @abc.abstractmethod
    def view(self) -> RenderableType:
        """Draw the current state."""

    @property
    def shown(self) -> bool:
        """Whether the lines have appeared."""
        with self._lock:
            return self._live is not None

    def __enter__(self: Own) -> Own:
        """Start the timer."""
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the lines."""
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._live is not None:
                self._live.stop()

    def _show(self) -> None:
        from rich.console import Console
        from rich.live import Live

        with self._lock:
            if self._over:
                return
            console = Console(stderr=True)
            if console.is_jupyter:  # where rich needs ipywidgets
                self._live = NotebookLines(self.view, 1.0 / _REDRAWS)
                self._live.start()
                return
            self._live = Live(
                get_renderable=self.view,
                console=console,
                refresh_per_second=_REDRAWS,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
