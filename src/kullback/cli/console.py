"""A terminal of rich that shows the control characters of what it prints as escapes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.segment import Segment

from kullback._core.printable import printable


class _Console(Console):
    def render(self, *arguments: Any, **options: Any) -> Iterable[Segment]:
        """Render as rich does; the codes of rich itself are in the styles and controls."""
        for text, style, control in super().render(*arguments, **options):
            yield Segment(text if control else printable(text, lines=True), style, control)


def console() -> Console:
    """The terminal of the standard output."""
    return _Console()
