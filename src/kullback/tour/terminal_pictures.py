"""The picture of each step in a terminal."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from kullback.tour.drawing import curves, rectangles, stacked
from kullback.tour.session import Step

# One colour for each quantity everywhere, distinct for the colour-blind and on light and dark
# terminals (Okabe and Ito 2008, the nearest of the 256).
ENTROPY, RELATIVE, CROSS = "color(32)", "color(166)", "color(36)"


def picture_of(step: Step, unit: str, width: int) -> list[RenderableType]:
    """Draw the picture of a step.

    Args:
        step: one of the eight.
        unit: of its entropies.
        width: in characters.
    """
    return _PICTURES[step.number](step, unit, width)


def _coin(step: Step, unit: str, width: int) -> list[RenderableType]:
    p, entropy = step.picture["p"], step.picture["entropy"]
    x = np.linspace(0.0, 1.0, 201)
    limit = np.append(0.0, x[1:] * np.log(x[1:]))
    return [
        _caption("x log x", "bold", "against x (natural logarithm): it tends to 0 with x"),
        curves(x, [(limit, "")], width, 4),
        Text(),
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


def _areas(step: Step, unit: str, width: int) -> list[RenderableType]:
    picture = step.picture
    p, room = picture["p"], width - 2
    views: list[RenderableType] = []
    for name, code, style, total in (
        ("H(p, q)", "q", CROSS, picture["cross"]),
        ("H(p)", "p", ENTROPY, picture["entropy"]),
    ):
        bits = -np.log2(picture[code])
        text = f"= {total:.4f} {unit}: areas of width p (here downwards) and height log 1/{code}"
        labels = [
            f"{letter}: {share:g} · {length:g} bits"
            for letter, share, length in zip("abcd", p, bits, strict=True)
        ]
        views += [
            _caption(name, style, text),
            rectangles(list(zip(8 * p, bits, strict=True)), labels, style, 3.0, room),
        ]
    return [*views, Text(), *_bars([("", picture["entropy"], picture["relative"])], unit, width)]


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
        return [
            Text.assemble(
                ("H(p) unknown", ENTROPY),
                "  +  ",
                ("D(p‖q) unknown", RELATIVE),
                "  =  ",
                (f"H(p, q) {picture['at_best']:.6f}", CROSS),
                (f"  {unit}", "dim"),
            )
        ]
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
    picture = step.picture
    losses, entropy, baseline = picture["losses"], picture["entropy"], picture["baseline"]
    steps = np.arange(len(losses)) + 1.0
    # evenly spaced in their logarithm, as the loss falls ever more slowly
    chosen = np.unique(np.geomspace(1, len(losses), 200).astype(int)) - 1
    level = np.ones(len(chosen))
    views: list[RenderableType]
    shown = np.where(losses <= 1.5 * max(losses[0], baseline), losses, np.nan)
    last = float(losses[-1])
    views = [
        Text.assemble(
            ("loss", CROSS),
            (f" ({unit}) by step (log scale), the ", "dim"),
            ("baseline H(Y)", RELATIVE),
            (" and the ", "dim"),
            ("entropy H(Y | X)", ENTROPY),
        ),
        curves(
            np.log10(steps[chosen]),
            [(baseline * level, RELATIVE), (entropy * level, ENTROPY), (shown[chosen], CROSS)],
            width,
            10,
            ("step 0", f"step {len(losses) - 1:,}"),
        ),
    ]
    if not np.isfinite(last):
        return views
    return [*views, Text(), *_bars([("after the last step", entropy, last - entropy)], unit, width)]


_PICTURES = {
    1: _coin,
    2: _means,
    3: _two_coins,
    4: _areas,
    5: _product,
    6: _three_curves,
    7: _decomposition,
    8: _descent,
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
