"""The tour in a terminal."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from kullback._core.arrays import Vector
from kullback.tour.drawing import curves, stacked
from kullback.tour.listing import Line
from kullback.tour.session import Step
from kullback.tour.steps import Tour, take

# One colour for each quantity everywhere, distinct for the colour-blind and on light and dark
# terminals (Okabe and Ito 2008, the nearest of the 256).
ENTROPY, RELATIVE, CROSS = "color(32)", "color(166)", "color(36)"

# Longer lines are hard to read.
_WIDEST = 84


def show(
    console: Console,
    *,
    data: Vector | None = None,
    name: str | None = None,
    unit: str = "nats",
) -> None:
    """Run the tour and print it.

    Args:
        console: the terminal.
        data: a column of numbers for steps four to six, in place of the tour's own.
        name: of the column.
        unit: nats, bits or hartleys.

    Raises:
        KullbackError: for another unit.
        DataError: where the column cannot be used; the message gives the reason.
    """
    tour = take(data, name, unit)
    width = min(console.width, _WIDEST)
    console.print(
        Text("Why we minimise cross-entropy", style="bold"),
        Text("A tour in seven steps. Every number was computed just now.", style="dim"),
        sep="\n",
        width=width,
    )
    for step in tour.steps:
        console.print(_step_view(step, tour, width), width=width)


def _step_view(step: Step, tour: Tour, width: int) -> RenderableType:
    parts: list[RenderableType] = [
        Text(),
        Rule(Text(f"{step.number}. {step.title}", style="bold"), align="left", style="dim"),
        Text(),
    ]
    for sentence in step.sentences:
        parts += [Text(sentence), Text()]
    parts += [_line_view(line) for line in step.lines]
    parts += [Text(), *_PICTURES[step.number](step, tour.unit, width)]
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
    return Group(table, Padding(Text(line.shown, style="bold cyan", overflow="fold"), (0, 0, 0, 2)))


# ---- pictures ------------------------------------------------------------------------------------


def _coin(step: Step, unit: str, width: int) -> list[RenderableType]:
    p, entropy = step.picture["p"], step.picture["entropy"]
    return [
        _caption("H(p)", ENTROPY, f"of a coin, {unit}, against the probability of heads"),
        curves(p, [(entropy, ENTROPY)], width, 9),
    ]


def _means(step: Step, unit: str, width: int) -> list[RenderableType]:
    picture = step.picture
    draws, entropy = picture["draws"], np.full(len(picture["draws"]), picture["entropy"])
    band = 2.0 * picture["stderr"]
    return [
        _caption(
            "mean surprise",
            "bold",
            f"after 10 to 100,000 draws (log scale), {unit}; the entropy ± two standard errors",
        ),
        curves(
            np.log10(draws),
            [
                (entropy + band, "dim"),
                (entropy - band, "dim"),
                (entropy, ENTROPY),
                (picture["mean"], "bold"),
            ],
            width,
            9,
            ("10", "100,000"),
        ),
    ]


def _two_coins(step: Step, unit: str, width: int) -> list[RenderableType]:
    picture = step.picture
    return _bars([("", picture["entropy"], picture["relative"])], unit, width)


def _product(step: Step, _unit: str, width: int) -> list[RenderableType]:
    log_likelihood = step.picture["log_likelihood"]
    end = step.picture["end"]
    rows = np.arange(1, len(log_likelihood) + 1)
    chosen = np.unique(np.linspace(0, len(rows) - 1, 400).astype(int))
    lost = rows >= end if end else np.zeros(len(rows), dtype=bool)
    kept = np.where(lost, np.nan, log_likelihood)
    gone = np.where(lost, log_likelihood, np.nan)
    text = "log-likelihood (nats) of the first m rows"
    text += "; dim where the product is 0 or infinite" if end else ""
    if len(rows) == 1:
        return []
    return [
        _caption("Σ log q", "bold", text),
        curves(
            rows[chosen].astype(float),
            [(gone[chosen], "dim"), (kept[chosen], "bold")],
            width,
            9,
            ("m = 1", f"m = {len(rows):,}"),
        ),
    ]


def _three_curves(step: Step, _unit: str, width: int) -> list[RenderableType]:
    picture = step.picture
    theta = picture["theta"]
    views: list[RenderableType] = []
    for name, title in (
        ("likelihood", "Π q"),
        ("log_likelihood", "Σ log q"),
        ("mean", "(1/m) Σ log q"),
    ):
        heights = picture[name]
        top = int(np.argmax(heights))
        # far from its maximum a log-likelihood falls without bound, and would flatten the rest
        lowest = float(np.nanquantile(heights[np.isfinite(heights)], 0.25))
        cut = np.where(heights >= lowest, heights, np.nan)
        views += [
            _caption(title, "bold", f"maximum at θ = {theta[top]:g}"),
            curves(theta, [(cut, "")], width, 4),
        ]
    return views


def _decomposition(step: Step, unit: str, width: int) -> list[RenderableType]:
    picture = step.picture
    entropy = picture["entropy"]
    if entropy is None:
        return []
    # for counts the picture holds the relative entropy, for densities the whole loss
    guess, best = (
        picture[at] if "shares" in picture else picture[at] - entropy
        for at in ("at_guess", "at_best")
    )
    estimated = "" if "shares" in picture else " (entropy estimated)"
    return _bars(
        [
            (f"at the initial guess{estimated}", entropy, guess),
            (f"at the estimate{estimated}", entropy, best),
        ],
        unit,
        width,
    )


def _descent(step: Step, unit: str, width: int) -> list[RenderableType]:
    losses, baseline = step.picture["losses"], step.picture["baseline"]
    views: list[RenderableType] = []
    whole, room = float(losses[0]), width - 22
    for i, loss in enumerate(losses):
        views.append(
            Text.assemble(
                (f"step {i}  {loss:.6f}  ", "dim"),
                stacked([(float(loss), CROSS, "")], whole, room),
            )
        )
    place = round(room * baseline / whole)
    views.append(Text(f"{'':18}{'':{place}}↑", style="dim"))
    text = f"baseline (class shares), H(Y) = {baseline:.6f}"
    views.append(Text(f"{text:>{18 + place + 1}}", style="dim"))
    epochs = step.picture["network"]
    for i in range(0, len(epochs), max(len(epochs) // 6, 1)):
        views.append(
            Text.assemble(
                (f"epoch {i + 1:<2} {epochs[i]:.3f}   ", "dim"),
                stacked([(float(epochs[i]), CROSS, "")], whole, room),
            )
        )
    if len(epochs):
        views.append(Text("the network, on held-out rows", style="dim"))
    return [_caption("loss", CROSS, f"mean cross-entropy of the labels, {unit}"), *views]


_PICTURES = {
    1: _coin,
    2: _means,
    3: _two_coins,
    4: _product,
    5: _three_curves,
    6: _decomposition,
    7: _descent,
}


def _bars(rows: list[tuple[str, float, float]], unit: str, width: int) -> list[RenderableType]:
    """Draw entropy and relative entropy end to end, above the cross-entropy, their sum."""
    room = width - 2
    whole = max(entropy + relative for _, entropy, relative in rows)
    views: list[RenderableType] = []
    for title, entropy, relative in rows:
        cross = entropy + relative
        if title:
            views.append(Text(title, style="dim"))
        # an estimate and a differential entropy can be below 0; a bar cannot
        if entropy >= 0.0 and relative >= 0.0:
            views += [
                stacked([(entropy, ENTROPY, "H(p)"), (relative, RELATIVE, "D(p‖q)")], whole, room),
                stacked([(cross, CROSS, "H(p, q)")], whole, room),
            ]
        shown = adding(entropy, relative)
        views.append(
            Text.assemble(
                (f"H(p) {shown[0]}", ENTROPY),
                "  +  ",
                (f"D(p‖q) {shown[1]}", RELATIVE),
                "  =  ",
                (f"H(p, q) {shown[2]}", CROSS),
                (f"  {unit}", "dim"),
            )
        )
    return views


def adding(part: float, rest: float) -> tuple[str, str, str]:
    """Format two parts and their sum, each correctly rounded, so that the shown numbers add up.

    Args:
        part: one number.
        rest: another.

    Returns:
        The parts and the sum, with six decimals, or more where six would be off by one in the last
        place.

    >>> adding(0.1000004, 0.2000004)
    ('0.1000004', '0.2000004', '0.3000008')
    """
    for digits in range(6, 14):  # beyond, a double's own rounding would be shown
        shown = tuple(f"{number:.{digits}f}" for number in (part, rest, part + rest))
        if Decimal(shown[0]) + Decimal(shown[1]) == Decimal(shown[2]):
            break
    return shown[0], shown[1], shown[2]


def _caption(name: str, style: str, text: str) -> Text:
    return Text.assemble((name, style), " ", (text, "dim"))
