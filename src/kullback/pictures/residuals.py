"""Quantile residuals against the normal distribution: Q–Q plot and worm plot."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._core.errors import KullbackError
from kullback.models.real.normal import Normal
from kullback.pictures.distribution import Curve, Subject
from kullback.pictures.probability_plots import DOTS, draw_qq
from kullback.pictures.rows import DrawnRows
from kullback.pictures.style import ENTROPY, FAINT, RULE


def residual_subject(fit: Any) -> Subject:
    """Return the quantile residuals of a fit as rows of a standard normal distribution.

    They are Φ⁻¹ of the fitted distribution function at each outcome; of counts and of censored
    rows, drawn between its values at the ends (P. K. Dunn & G. K. Smyth 1996). In the right model
    they are standard normal.

    Raises:
        KullbackError: for a fit without its rows, or residuals none of which is finite.
    """
    found = np.asarray(fit.residuals("quantile"))
    known = np.isfinite(found)
    if not np.any(known):
        raise KullbackError(f"no quantile residual of {fit.form.name} is a finite number.")
    chunks = list(fit.problem.sample.chunks())
    own = np.concatenate([np.ones(c.count) if c.weight is None else c.weight for c in chunks])
    place = np.concatenate([chunk.row_numbers for chunk in chunks])
    weights = own[np.argsort(place, kind="stable")]
    if found.size > own.size:  # dropped rows have residuals that are NaN
        weights = np.zeros(found.size)
        weights[place] = own
    rows = DrawnRows.from_outcomes(found[known], weights[known])
    left = int(np.sum(~known)) - fit.sample_info.dropped
    label = "quantile residual" + (f" ({left:,} not finite)" if left else "")
    return Subject([Curve("standard normal", Normal(loc=0.0, scale=1.0))], rows, label)


def draw_residual_qq(axes: Any, subject: Subject) -> None:
    """Draw the quantile residuals against the quantiles of the normal distribution."""
    draw_qq(axes, subject)
    axes.set_xlabel("normal quantile")


def draw_worm(axes: Any, subject: Subject) -> None:
    """Draw the worm plot: how far each residual lies above its normal quantile.

    Source: S. van Buuren and M. Fredriks (2001), Statistics in Medicine 20, 1259–1277. A worm that
    is too high or too low is a wrong location, a slope a wrong scale, a bow a wrong skewness, and
    an S a wrong weight of the tails. The band holds all points together in 95% of samples.
    """
    rows = subject.rows
    assert rows is not None  # the subject is made with them
    places = rows.few(DOTS)
    normal = subject.curves[0].model
    quantiles, values = np.asarray(normal.quantile(rows.middle[places])), rows.values[places]
    lower, upper = (np.asarray(normal.quantile(u)) - quantiles for u in rows.band(places))
    axes.fill_between(quantiles, lower, upper, color=RULE, linewidth=0.0, label=rows.points_band)
    axes.axhline(0.0, color=FAINT, linewidth=1.0)
    axes.plot(quantiles, values - quantiles, "o", color=ENTROPY, markersize=3.0)
    most = max(float(np.max(np.abs(values - quantiles))), float(np.median(upper))) * 1.1
    axes.set_ylim(-most, most)
    axes.set_xlabel("normal quantile")
    axes.set_ylabel(f"{subject.label} − normal quantile")
