"""Lines below a notebook's cell that are redrawn as plain text, without ipywidgets."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:  # rich is imported when the lines first appear
    from rich.console import RenderableType

# Characters in a line.
_WIDTH = 100


@final
class NotebookLines:
    """Text that a thread redraws in one output of a cell, until it is stopped.

    Args:
        view: draws the current state.
        pause: seconds between two drawings.
    """

    def __init__(self, view: Callable[[], RenderableType], pause: float) -> None:
        """Prepare; nothing is shown yet."""
        self._view, self._pause = view, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._redraw, daemon=True)
        self._output: Any = None

    def start(self) -> None:
        """Show the lines."""
        from IPython.display import display  # in a notebook it is there

        self._output = display(self._drawn(), raw=True, display_id=True)
        self._thread.start()

    def stop(self) -> None:
        """Show the last state, which stays below the cell."""
        self._stop.set()
        self._thread.join()
        self._output.update(self._drawn(), raw=True)

    def _redraw(self) -> None:
        while not self._stop.wait(self._pause):
            self._output.update(self._drawn(), raw=True)

    def _drawn(self) -> dict[str, str]:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=_WIDTH, force_jupyter=False, color_system=None)
        with console.capture() as drawn:
            console.print(self._view())
        return {"text/plain": drawn.get().rstrip()}
