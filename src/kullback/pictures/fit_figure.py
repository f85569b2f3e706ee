"""Figures of fits: one picture, or the four by which a fit is judged."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kullback._core.errors import DataError, KullbackError
from kullback.data.checks import name_of_column
from kullback.pictures.distribution import (
    Curve,
    Subject,
    draw_cdf,
    draw_density,
    draw_quantile,
    draw_survival,
)
from kullback.pictures.estimated_rows import EstimatedRows
from kullback.pictures.figure import new_figure
from kullback.pictures.hazard import draw_hazard
from kullback.pictures.likelihood import draw_likelihood
from kullback.pictures.probability_plots import draw_paper, draw_pp, draw_qq
from kullback.pictures.regression_figure import KINDS as OF_REGRESSIONS
from kullback.pictures.regression_figure import regression_figure
from kullback.pictures.rows import DrawnRows, Rows
from kullback.pictures.style import ENTROPY, look, plain

if TYPE_CHECKING:  # a fit draws itself
    from kullback.results.fit import Fit

# Characters of a title over one picture.
_LINE = 66
# Class labels that are drawn one by one.
_CLASSES = 30

KINDS: dict[str, tuple[str, Callable[[Any, Subject], None]]] = {
    "density": ("Density", draw_density),
    "cdf": ("Distribution function", draw_cdf),
    "survival": ("Survival function", draw_survival),
    "hazard": ("Hazard", draw_hazard),
    "quantile": ("Quantile function", draw_quantile),
    "qq": ("Quantiles against quantiles", draw_qq),
    "pp": ("Probabilities against probabilities", draw_pp),
    "paper": ("Probability paper", draw_paper),
}
_TOGETHER = ("density", "cdf", "qq", "pp")
_WITH_BAND = ("density", "cdf", "survival", "quantile")
_OF_ROWS = ("qq", "pp", "paper")


def plot(
    fits: Any,
    kind: str | None = None,
    *,
    band: bool = False,
    parameters: Sequence[str] | None = None,
    exponentiate: bool = False,
    ax: Any = None,
) -> Any:
    """Draw fits of the same outcome over one another; needs matplotlib.

    Without a kind, four pictures by which a fit is judged: the density over a histogram of the
    rows, the distribution function over theirs, and quantiles and probabilities of the rows against
    the distribution's. The grey bands hold all rows together in 95% of samples from the first
    distribution (S. Aldor-Noiman et al. 2013); as its parameters were estimated from the same rows,
    the true level is higher. Positive outcomes with a long tail get logarithmic axes.

    Of censored and truncated rows the estimate of ``kl.empirical`` is drawn in place of their
    shares: Kaplan–Meier's with a band of equal precision (V. N. Nair 1984) without its ends, or
    Turnbull's with a band of each point, dotted where the rows do not say how it runs. Where all
    rows are truncated it is placed above the fitted probability of lower outcomes.

    Args:
        fits: a fit, or several, the main one first.
        kind: "density", "cdf", "survival", "hazard", "quantile", "qq", "pp"; "paper":
            probability paper, the scale on which the first distribution is a line; "likelihood": of
            one fit, the regions of two parameters that a likelihood-ratio test does not reject at
            50, 90, 95 and 99% (chi-squared with two degrees of freedom) beside the Wald region, or
            the log-likelihood of one parameter. Of a fit with more parameters it is the profile
            likelihood: at some 270 points the others are fitted again. Of a regression: "effects",
            the mean along each column with its confidence interval (``fit.partial_effects``) over
            the rows; "coefficients" with their intervals by parameter; "residuals", the quantile
            residuals against the normal distribution and their worm plot, alone "qq" and "worm".
            Without a kind, the largest effects and the Q–Q plot.
        band: whether to shade the confidence band of the fitted density, distribution function,
            survival function or quantiles: ``fit.band``, 95% for each point by itself.
        parameters: for "likelihood", one or two of ``fit.names``; None for a model of at most two.
        exponentiate: for "coefficients", whether to draw exp(coefficient): the ratio of rates,
            scales or odds for one unit of the column.
        ax: matplotlib axes to draw one kind on.

    Returns:
        The matplotlib figure; the last value of a notebook's cell is shown there.

    Raises:
        KullbackError: for another kind, fits of several outcomes, rows that a loaded fit does not
            have, or without matplotlib.

    Example:
        >>> import kullback as kl
        >>> x = [0.5, 1.5, 1.0, 3.0, 0.2]
        >>> figure = kl.plot([kl.fit(kl.Exponential(), x), kl.fit(kl.LogNormal(), x)], "density")
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['rows', 'Exponential', 'LogNormal']
    """
    several = list(fits) if isinstance(fits, (list, tuple)) else [fits]
    wrong = [fit for fit in several if not hasattr(fit, "sample_info")]
    if wrong or not several:
        given = f"got {wrong[0]!r}" if wrong else "got an empty list"
        raise KullbackError(f"kl.plot takes fits, the results of kl.fit, {given}.")
    return fit_figure(
        several, kind, band=band, parameters=parameters, exponentiate=exponentiate, ax=ax
    )


def _with_atoms(fit: Fit, kind: str | None) -> str:
    """The picture of a distribution with probabilities and densities: those of probabilities."""
    if kind in (None, "cdf"):
        return "cdf"
    if kind == "survival":
        return kind
    raise KullbackError(
        f"kind={kind!r} cannot show {fit.form.name}, with a probability at 0 and densities above: "
        "kind='cdf' and kind='survival' show both."
    )


def fit_figure(
    fits: Sequence[Fit],
    kind: str | None = None,
    *,
    marks: Sequence[float] = (),
    muted: Sequence[bool] = (),
    band: bool = False,
    parameters: Sequence[str] | None = None,
    exponentiate: bool = False,
    ax: Any = None,
) -> Any:
    """Draw one or several fits of the same outcome.

    Args:
        fits: the fits, the main one first.
        kind: as for ``kl.plot``; None draws the first four in one figure.
        marks: probabilities whose quantiles the density marks.
        muted: for each fit, whether it is drawn grey.
        band: whether to shade the confidence bands of the fitted curves.
        parameters: one or two numbers whose likelihood is drawn.
        exponentiate: whether coefficients are drawn in exponentials.
        ax: matplotlib axes to draw on, for one kind.

    Returns:
        A matplotlib figure; that of ``ax`` where it is given.

    Raises:
        KullbackError: for another kind, several outcomes, or rows that the fit does not have.
    """
    kinds = (*dict.fromkeys((*KINDS, "likelihood", *OF_REGRESSIONS)),)
    if kind is not None and kind not in kinds:
        raise KullbackError(f"kind must be one of {', '.join(map(repr, kinds))}, got {kind!r}.")
    if parameters is not None and kind != "likelihood":
        raise KullbackError(f"parameters are those of kind='likelihood', got kind={kind!r}.")
    if exponentiate and kind != "coefficients":
        raise KullbackError(f"exponentiate is for kind='coefficients', got kind={kind!r}.")
    if ax is not None and kind is None:
        raise KullbackError("ax takes one picture: give its kind, such as kind='density'.")
    if band and kind not in (None, *_WITH_BAND):
        shaded = ", ".join(map(repr, _WITH_BAND))
        raise KullbackError(f"band=True shades {shaded}, got kind={kind!r}.")
    with look():
        if kind == "likelihood":
            return _likelihood(fits, parameters, ax)
        if any(fit.form.columns for fit in fits) or kind in {*OF_REGRESSIONS} - {*KINDS}:
            return _regression(fits, kind, exponentiate, ax)
        if fits[0].form.outcome == "label":
            if band:
                fits[0].band("density")  # says that labels have none
            return _classes(fits[0], ax)
        if fits[0].form.atoms:
            kind = _with_atoms(fits[0], kind)
        rows, why = rows_of(fits[0])
        if rows is None and kind in _OF_ROWS:
            raise KullbackError(f"kind={kind!r} draws rows, but {why}.")
        subject = _subject(fits, muted, rows, band=band)
        shown: tuple[str, ...] = _TOGETHER if kind is None else (kind,)
        if subject.rows is None:
            shown = tuple(name for name in shown if name not in _OF_ROWS)
        if ax is not None:
            figure, places = ax.figure, [ax]
        elif len(shown) == 1:
            figure = new_figure(6.4, 4.0)
            places = [figure.subplots()]
        else:
            lines = len(shown) // 2
            figure = new_figure(10.0, 3.9 * lines)
            places = list(figure.subplots(lines, 2).ravel())
        for axes, name in zip(places, shown, strict=True):
            title, draw = KINDS[name]
            if name == "density":
                draw_density(axes, subject, marks)
            else:
                draw(axes, subject)
            axes.set_title(title if len(shown) > 1 else _wrapped(_title(fits, subject)))
            if len(axes.get_legend_handles_labels()[0]) > 1:
                axes.legend()
        if len(shown) > 1:
            figure.suptitle(_title(fits, subject), x=0.01, ha="left")
    return figure


def _regression(fits: Sequence[Fit], kind: str | None, exponentiate: bool, ax: Any) -> Any:
    form = fits[0].form
    if len(fits) > 1:
        raise KullbackError(
            f"one figure draws one regression, got {len(fits)} fits: draw one after the other."
        )
    if kind is not None and kind not in OF_REGRESSIONS:
        raise KullbackError(
            f"kind={kind!r} draws one distribution, but that of {form.name} depends on "
            f"{', '.join(form.columns)}: kind={', '.join(map(repr, OF_REGRESSIONS))} or "
            "'likelihood' draws a regression."
        )
    title = _title(fits, Subject((), None, ""))
    return regression_figure(fits[0], kind, title, exponentiate=exponentiate, ax=ax)


def _subject(
    fits: Sequence[Fit], muted: Sequence[bool], rows: Rows | None, *, band: bool
) -> Subject:
    first = fits[0]
    for other in fits[1:]:
        same = other.sample_info.label == first.sample_info.label
        if not same or other.form.discrete != first.form.discrete:
            raise KullbackError(
                f"one figure shows fits of one outcome, got {first.form.name} of "
                f"{first.sample_info.label} and {other.form.name} of {other.sample_info.label}."
            )
    grey = [*muted, *([False] * len(fits))]
    names = [
        fit.form.name + ("" if fit.convergence.converged else " (not converged)") for fit in fits
    ]
    curves = [
        Curve(name, fit.model, muted, fit.band if band else None)
        for name, fit, muted in zip(names, fits, grey, strict=False)
    ]
    return Subject(curves, rows, name_of_column(first.sample_info.label))


def rows_of(fit: Fit) -> tuple[Rows | None, str]:
    """Return the rows of a fit to draw; or None, and why it has none."""
    if fit.problem is None:
        return None, (
            "this fit does not have them: a fit that was loaded, copied or made with "
            "keep_data=False holds results only"
        )
    found = fit.problem.outcomes()
    if found is not None:
        return DrawnRows.from_outcomes(*found, of=fit.sample_info.weight), ""
    try:
        rows = EstimatedRows.under(fit.problem.empirical(), fit.model)
    except DataError as error:  # too many of a stream
        return None, str(error).removesuffix(".")
    if not rows.values.size:
        return None, f"{fit.sample_info.inexact}, which leave their distribution unknown everywhere"
    return rows, ""


def _title(fits: Sequence[Fit], subject: Subject) -> str:
    first = fits[0]
    state = "" if first.convergence.converged else ", NOT CONVERGED"
    rows = f"{first.sample_info.rows:,} rows"
    if first.sample_info.inexact:
        inexact = first.sample_info.inexact.replace(f"of {rows} are", "of them")
        rows += ", " + inexact.replace(f"{first.sample_info.rows:,} of them", "all")
    if subject.rows is not None and subject.rows.weight < subject.rows.of:
        rows += f", {subject.rows.weight:,.12g} of them drawn"
    names = first.form.name if len(fits) == 1 else f"{len(fits)} distributions"
    return f"{names} fitted to {rows}{state}"


def _wrapped(title: str) -> str:
    """Break a title into lines that fit a figure of one picture."""
    return "\n".join(textwrap.wrap(title, _LINE))


def _likelihood(fits: Sequence[Fit], parameters: Sequence[str] | None, ax: Any) -> Any:
    if len(fits) != 1:
        raise KullbackError(f"kind='likelihood' draws one fit, got {len(fits)}.")
    axes = new_figure(6.4, 4.4).subplots() if ax is None else ax
    what = draw_likelihood(axes, fits[0], parameters)
    axes.set_title(_wrapped(f"{what} of {_title(fits, Subject((), None, ''))}"))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3)  # not over the regions
    return axes.figure


def _classes(fit: Fit, ax: Any) -> Any:
    """Draw the probabilities of class labels as bars."""
    levels = fit.sample_info.levels or ()
    shares = np.asarray(fit.model.density(np.arange(float(len(levels)))))
    order = np.argsort(-shares, kind="stable")[:_CLASSES]
    axes = new_figure(6.4, 1.4 + 0.26 * len(order)).subplots() if ax is None else ax
    axes.barh(range(len(order)), shares[order], color=ENTROPY)
    axes.set_yticks(range(len(order)), [plain(str(levels[k])) for k in order])
    axes.invert_yaxis()
    rest = len(levels) - len(order)
    less = f" ({rest:,} less probable classes not drawn)" if rest else ""
    axes.set_xlabel(f"probability{less}")
    axes.set_ylabel(plain(name_of_column(fit.sample_info.label)))
    axes.set_title(_title([fit], Subject((), None, "")))
    return axes.figure
