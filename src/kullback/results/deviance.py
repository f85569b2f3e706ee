"""The deviance as cross-entropies: of the null model, of the model and of the saturated model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from kullback._core.display import Display, Displayed, Table
from kullback._core.equality import Comparable
from kullback._core.errors import KullbackError
from kullback._core.units import nats_per
from kullback.data.frames import new_frame
from kullback.models.formula.source import Formula
from kullback.models.linear import Linear
from kullback.models.model import Model
from kullback.models.source import Fixed, Free, Source
from kullback.objective.saturated import AT_OUTCOME
from kullback.results.problem import FitProblem, rows_of

if TYPE_CHECKING:  # Fit.deviance calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers


@final
@dataclass(frozen=True, eq=False, repr=False)
class Deviance(Displayed, Comparable):
    """Cross-entropies from the null model to the saturated one, and what is made of them.

    With W the total weight and H in nats, the deviance is 2 W (H(model) − H(saturated)) and the
    null deviance 2 W (H(null) − H(saturated)). R² by deviance is the share of the way from the
    null to the saturated model that the model goes, 1 − deviance/null deviance. The others compare
    the model with the null model alone: McFadden's is 1 − H(model)/H(null); Cox and Snell's
    1 − exp(2 (H(model) − H(null))); Nagelkerke's is that divided by the largest value that it can
    have for labels and counts, 1 − exp(−2 H(null)).

    Attributes:
        null: the cross-entropy of the family with constant parameters.
        model: that of the model.
        saturated: that of the model with a mean of its own for every row; NaN where there is none.
        unit: of these three: nats, bits or hartleys.
        deviance: 2 W (H(model) − H(saturated)), in nats; NaN without a saturated model.
        null_deviance: the same of the null model, with the model's own dispersion.
        df: W less the number of the model's parameters, those of the dispersion left out.
        null_df: the same of the null model.
        mcfadden: McFadden's R²; NaN for densities, whose logarithms have no fixed sign.
        cox_snell: Cox and Snell's R².
        nagelkerke: Nagelkerke's R²; NaN for densities.
        r_squared: R² by deviance; NaN without a saturated model.
        reason: why there is no saturated model; empty where there is one.
    """

    null: float
    model: float
    saturated: float
    unit: str
    deviance: float
    null_deviance: float
    df: float
    null_df: float
    mcfadden: float
    cox_snell: float
    nagelkerke: float
    r_squared: float
    reason: str

    def to_frame(self) -> Any:
        """Return a table with a row for each model: cross-entropy, deviance and df."""
        rows = ("null", "model", "saturated")
        known = not math.isnan(self.saturated)
        return new_frame(
            {
                "model": rows,
                "cross_entropy": [getattr(self, name) for name in rows],
                "deviance": [self.null_deviance, self.deviance, 0.0 if known else math.nan],
                "df": [self.null_df, self.df, 0.0],
            }
        )

    def __str__(self) -> str:
        """Format everything as text."""
        return str(self._display())

    def _display(self) -> Display:
        rows = [
            ("null model", f"{self.null:.6f}", _shown(self.null_deviance), f"{self.null_df:g}"),
            ("model", f"{self.model:.6f}", _shown(self.deviance), f"{self.df:g}"),
            ("saturated model", _shown(self.saturated), "", ""),
        ]
        shares = {
            "R² by deviance": self.r_squared,
            "McFadden's R²": self.mcfadden,
            "Cox and Snell's R²": self.cox_snell,
            "Nagelkerke's R²": self.nagelkerke,
        }
        known = [(name, f"{value:.4f}") for name, value in shares.items() if not math.isnan(value)]
        head = ("", f"cross-entropy, {self.unit}", "deviance", "df")
        notes = (f"No saturated model: {self.reason}.",) if self.reason else ()
        title = "Cross-entropies from the null to the saturated model"
        return Display(title, [Table(rows, head, (1, 2, 3)), Table(known, numbers=(1,))], notes)


def _shown(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"


def deviance_of(fit: FitNumbers, unit: str) -> Deviance:
    """Fit the null model, and compare; see ``Fit.deviance``."""
    if fit.form.penalised:
        raise KullbackError(
            f"the coefficients of {' and '.join(fit.form.penalised)} have a ridge penalty, and "
            "the deviance is that of a maximum of the likelihood."
        )
    if not fit.convergence.converged:
        raise KullbackError(f"the fit did not converge ({fit.convergence.reason}).")
    problem = rows_of(fit, "the deviance")
    null = _fitted(problem, _with(fit.form, _constant_sources(fit.form)), "the null model")
    parameter, reason = _free_in_every_row(fit)
    h, h0, hs, h0_at = fit.cross_entropy, null.cross_entropy, math.nan, math.nan
    dispersion: list[str] = []
    if not reason:
        hs = 0.0 if not parameter else problem.saturated(fit.model, parameter)
        dispersion = _dispersion(fit, parameter)
        h0_at = h0
        if dispersion:  # the null model with the dispersion of this one
            held = {name: Fixed(np.asarray(fit.params[name])) for name in dispersion}
            sources = {**_constant_sources(fit.form), **held}
            h0_at = _fitted(problem, _with(fit.form, sources), "the null model").cross_entropy
    w, size = fit.n, nats_per(unit)
    deviance, null_deviance = 2.0 * w * (h - hs), 2.0 * w * (h0_at - hs)
    exact = fit.form.discrete or fit.form.outcome != "number"
    share = -math.expm1(2.0 * (h - h0))
    largest = -math.expm1(-2.0 * h0) if exact else math.nan
    constant = len(dispersion)
    return Deviance(
        null=h0 / size,
        model=h / size,
        saturated=hs / size,
        unit=unit,
        deviance=deviance,
        null_deviance=null_deviance,
        df=w - fit.parameter_count + constant,
        null_df=w - null.parameter_count + constant,
        mcfadden=1.0 - h / h0 if exact else math.nan,
        cox_snell=share,
        nagelkerke=share / largest,
        r_squared=1.0 - deviance / null_deviance if null_deviance > 0.0 else math.nan,
        reason=reason,
    )


def _fitted(problem: FitProblem, model: Model, what: str) -> FitNumbers:
    fit = problem.fit_model(model)
    if not fit.convergence.converged:
        raise KullbackError(f"{what} did not converge ({fit.convergence.reason}).")
    return fit


def _constant_sources(form: Model) -> dict[str, Source]:
    """The sources of the null model: constants, with the offsets of formulas."""
    sources: dict[str, Source] = {}
    for name, source in form.sources.items():
        sources[name] = source
        if isinstance(source, Linear):
            formula = source.formula or Formula("~ 1")
            constant = replace(formula, text="~ 1", penalty=None)
            sources[name] = constant.for_parameter(form.parameters[name])
        elif source.nonlinear:
            sources[name] = Free()
    return sources


def _with(form: Model, sources: dict[str, Source]) -> Model:
    changed: Model = form.with_sources(sources)
    return changed


def _free_in_every_row(fit: FitNumbers) -> tuple[str, str]:
    """The parameter that the saturated model frees, empty for labels; or why there is none."""
    form, sample = fit.form, fit.sample_info
    if sample.inexact:
        return "", f"{sample.inexact}"
    if form.name == "Bernoulli":
        return "", ""
    if form.outcome != "number":
        return "", "outcomes are shares of classes" if rows_of(fit, "").has_shares else ""
    known = AT_OUTCOME.get(form.name, {})
    own = [name for name in form.sources if name in known]
    if not own:
        return "", f"{form.name} has none whose likelihood is finite with the other parameters kept"
    varying = [name for name, s in form.sources.items() if s.named and name not in own]
    if varying:
        return "", f"{' and '.join(varying)} depends on columns"
    return own[0], ""


def _dispersion(fit: FitNumbers, parameter: str) -> list[str]:
    """The estimated parameters beside the mean."""
    free = {c.name for c in fit.vector.free}
    return [name for name in fit.form.sources if name in free and name != parameter and parameter]
