"""The tour in a terminal, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from kullback.tour.formulas import Formula
from kullback.tour.listing import Line
from kullback.tour.network_choice import NetworkChoice
from kullback.tour.session import Step
from kullback.tour.steps import BOOKS, DATA, OPENING, TITLE, begin, walk
from kullback.tour.terminal_pictures import picture_of

# Longer lines are hard to read.
_WIDEST = 84


def show(
    console: Console,
    *,
    data: Any = None,
    name: str | None = None,
    unit: str = "nats",
    network: NetworkChoice | None = None,
    pause: bool = False,
    prepare: Callable[[], None] | None = None,
) -> None:
    """Run the tour and print each step when it has run.

    Args:
        console: the terminal.
        data: a column of numbers or labels for steps five to seven, in place of the tour's own.
        name: of the column.
        unit: nats, bits or hartleys.
        network: depth, activation and learning rate of the network of step eight.
        pause: whether to wait for the Enter key after each step; "q" ends the tour.
        prepare: called after the first step, the only one that does without JAX, whose import takes
            a second.

    Raises:
        KullbackError: for another unit.
        DataError: where the column cannot be used; the message gives the reason.
    """
    session = begin(data, name, unit, network)
    width = min(console.width, _WIDEST)
    console.print(
        Text(TITLE, style="bold"),
        Text("A tour in eight steps. Every number is computed as you read.", style="dim"),
        Text(f"\n{OPENING}"),
        sep="\n",
        width=width,
    )
    for step in walk(session):
        console.print(_step_view(step, unit, width), width=width)
        if pause and _is_last(console):
            return
        if step.number == 1 and prepare:
            prepare()
    console.print(
        Text("\nBooks\n", style="bold"),
        *(Padding(Text(book), (0, 0, 0, 2), expand=False) for book in BOOKS),
        Text(f"\n{DATA}", style="dim"),
        sep="\n",
        width=width,
    )


def _is_last(console: Console) -> bool:
    """Wait for Enter; return whether the reader ends the tour."""
    try:
        answer = console.input(Text("\nEnter for the next step, q to end: ", style="dim"))
    except EOFError:
        return True
    return answer.strip().lower().startswith("q")


def _step_view(step: Step, unit: str, width: int) -> RenderableType:
    parts: list[RenderableType] = [
        Text(),
        Rule(Text(f"{step.number}. {step.title}", style="bold"), align="left", style="dim"),
        Text(),
    ]
    for part in step.sentences:
        parts.append(
            Padding(Text(part.text, style="italic"), (0, 0, 0, 4), expand=False)
            if isinstance(part, Formula)
            else Text(part)
        )
        parts.append(Text())
    parts += [_line_view(line) for line in step.lines]
    parts += [Text(), *picture_of(step, unit, width)]
    parts += [Text(), Text(step.finding, style="bold")]
    return Group(*parts)


def _line_view(line: Line) -> RenderableType:
    """Show a statement and its output; both wrap where the terminal is narrow."""
    code = Syntax(
        line.code, "python", theme="ansi_dark", background_color="default", word_wrap=True
    )
    prompts = "\n".join(["›", *["·"] * line.code.count("\n")])
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(Text(prompts, style="dim"), code)
    if not line.shown:
        return table
    shown = Text(line.shown, style="bold cyan", overflow="fold")
    return Group(table, Padding(shown, (0, 0, 0, 2), expand=False))
