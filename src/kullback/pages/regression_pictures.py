"""Pictures of a regression on its page: effects, coefficients, residuals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kullback._core.errors import KullbackError
from kullback.pictures.regression_figure import coefficient_panels, effect_panels, residual_panels
from kullback.pictures.svg import inline_svg

if TYPE_CHECKING:  # a fit writes its page
    from kullback.results.fit import Fit

# Effects on a page, and the height of a picture in inches.
_EFFECTS, _HEIGHT = 8, 3.1


def regression_pictures(fit: Fit, of: str) -> tuple[list[tuple[str, str]], str, list[str]]:
    """Return the pictures with their titles, what they show, and a sentence for each missing kind.

    Args:
        fit: the fit.
        of: the model and the outcome, for those who do not see the pictures.
    """
    out: list[tuple[str, str]] = []
    notes: list[str] = []
    about: list[str] = []

    def add(title: str, draw: Callable[[Any], None], height: float = _HEIGHT) -> None:
        out.append((title, inline_svg(draw, f"{title} ({of}).", height=height)))

    def effects() -> None:
        panels, below = effect_panels(fit, _EFFECTS)
        for panel in panels:
            add(*panel)
        about.append(f"Effects are of one column each: {below}.")

    def coefficients() -> None:
        for panel in coefficient_panels(fit):
            add(*panel)

    def residuals() -> None:
        for panel in residual_panels(fit):
            add(*panel)
        about.append(
            "Quantile residuals of the right model are standard normal: all lie in the grey band "
            "in 95% of samples."
        )

    kinds = (("Effects", effects), ("Residuals", residuals), ("Coefficients", coefficients))
    for what, draw in kinds:
        try:
            draw()
        except KullbackError as error:
            notes.append(f"{what} not drawn: {error}")
    return out, " ".join(about), notes
