"""The comparison of models fitted to one sample: a table, the fits, and a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from kullback._core.display import Display, Displayed, Table
from kullback._core.errors import KullbackError
from kullback._core.printable import printable
from kullback._core.units import nats_per
from kullback.data.checks import and_more
from kullback.data.frames import new_frame
from kullback.pictures.fit_figure import fit_figure
from kullback.results.fit import Fit
from kullback.results.sample_info import SAMPLING

# Two models are distinguished where their held-out losses differ by at least this many errors.
_ERRORS = 2.0
# A model that runs to its limit comes so near to it, in nats a row.
_EQUAL = 1e-6
# How criteria are named in titles.
_NAMES = {"held_out": "held-out cross-entropy", "aic": "AIC", "bic": "BIC"}
# What a table says of a model that may be as good as the best.
_NEAR = "not distinguishable"
# Losses from here on are shown in powers of ten.
_LARGE = 1e4
# Models that a sentence names; the table has all.
_NAMED = 6
# Runners-up in the picture.
_DRAWN = 4


@final
@dataclass(frozen=True)
class Compared:
    """One model of a comparison.

    Attributes:
        model: its name.
        held_out: cross-entropy of held-out rows, in ``unit`` per unit of weight; +inf where it
            gives one of them probability zero; NaN where a fit failed or has no maximum.
        held_out_error: its standard error.
        difference: held-out cross-entropy less that of the best model, from the same rows.
        difference_error: its standard error: of the mean of the rows' differences.
        reason: why it could not be fitted, or did not converge; empty otherwise.
        fit: on all rows; None where it could not be fitted.
        unit: of the losses: nats, bits or hartleys.
    """

    model: str
    held_out: float
    held_out_error: float
    difference: float
    difference_error: float
    reason: str
    fit: Fit | None
    unit: str = "nats"

    @property
    def ranked(self) -> bool:
        """Whether there is an estimate: the fit converged, or the model ran to its limit."""
        fit = self.fit
        return fit is not None and (fit.convergence.converged or self.reason.startswith("limit: "))

    @property
    def distinguishable(self) -> bool | None:
        """Whether the difference to the best model is at least 2 of its standard errors, and 1e-6.

        None where it is not known: without held-out rows, or for a model that could not be fitted.
        """
        if math.isnan(self.difference):
            return None
        error = 0.0 if math.isnan(self.difference_error) else self.difference_error
        return self.difference >= max(_ERRORS * error, _EQUAL / nats_per(self.unit))

    def to(self, unit: str) -> Compared:
        """Return the same entry with its losses in another unit."""
        factor = nats_per(self.unit) / nats_per(unit)
        names = ("held_out", "held_out_error", "difference", "difference_error")
        losses = {name: getattr(self, name) * factor for name in names}
        return replace(self, **losses, unit=unit)

    def criterion(self, name: str) -> float:
        """Return AIC, AICc, BIC or TIC; NaN without a fit, a penalty, and with sampling weights.

        AICc = AIC + 2k(k + 1)/(n − k − 1) (C. M. Hurvich & C.-L. Tsai 1989), and
        TIC = −2 log L + 2 tr(H⁻¹ S), S the mean outer product of the scores (K. Takeuchi 1976).
        """
        fit = self.fit
        if fit is None or fit.form.penalised or fit.sample_info.weight_kind == SAMPLING:
            return math.nan
        if name == "aicc":
            k, rest = fit.parameter_count, fit.n - fit.parameter_count - 1.0
            return fit.aic + 2.0 * k * (k + 1.0) / rest if rest > 0.0 else math.nan
        if name == "tic":
            return -2.0 * fit.log_likelihood + 2.0 * fit.evaluation.optimism(fit.vector)
        return float(getattr(fit, name))

    def cells(self) -> dict[str, Any]:
        """The columns of the frame."""
        fit = self.fit
        return {
            "model": self.model,
            "held_out": self.held_out,
            "held_out_error": self.held_out_error,
            "difference": self.difference,
            "difference_error": self.difference_error,
            "distinguishable": self.distinguishable,
            "cross_entropy": math.nan if fit is None else fit.cross_entropy / nats_per(self.unit),
            "log_likelihood": math.nan if fit is None else fit.log_likelihood,
            "n_parameters": 0 if fit is None else fit.parameter_count,
            **{name: self.criterion(name) for name in ("aic", "aicc", "bic", "tic")},
            "converged": fit is not None and fit.convergence.converged,
            "reason": self.reason,
        }


@final
@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Displayed):
    """Models fitted to one sample, the best first.

    Attributes:
        models: one entry a model, in the order of the criterion.
        criterion: "held_out", "aic" or "bic".
        folds: number of parts of the rows, each scored by fits to the others.
        outcomes: what was recognised: counts, positive numbers, ...; empty where models were named.
        parted: "of groups" or "in time", where a column decided the folds.
    """

    models: tuple[Compared, ...]
    criterion: str
    folds: int
    outcomes: str
    parted: str = ""

    def to(self, unit: str) -> Comparison:
        """Return the same comparison in another unit; log-likelihoods and criteria stay.

        Args:
            unit: nats, bits or hartleys.

        Raises:
            KullbackError: for another unit.

        Example:
            >>> import kullback as kl
            >>> waits = [0.3, 1.2, 0.7, 2.9, 0.1, 1.8, 0.4, 0.9, 1.1, 0.6, 3.3, 0.2]
            >>> found = kl.compare([kl.Exponential(), kl.Gamma()], waits)
            >>> print(found.to("bits").conclusion[:74])
            Exponential, the best of 2 models by held-out cross-entropy: 0.0836 ± 0.10
        """
        return replace(self, models=tuple(entry.to(unit) for entry in self.models))

    @property
    def unit(self) -> str:
        """The unit of the losses."""
        return self.models[0].unit if self.models else "nats"

    @property
    def fits(self) -> Mapping[str, Fit]:
        """The fits on all rows, by name; without models that could not be fitted."""
        return {entry.model: entry.fit for entry in self.models if entry.fit is not None}

    @property
    def best(self) -> Fit:
        """The first fit that converged, unless its ends are estimated and another is as good.

        Rows that come later may lie beyond ends that were estimated (the ``loc`` of a shifted
        family, the ends of a uniform distribution), and then have an infinite loss, however small
        that of the rows held out here is. Such a fit gives way to the first without such ends that
        is not distinguishable from the model of smallest loss.

        Raises:
            KullbackError: no model converged.
        """
        first, *near = self._candidates
        return next((fit for fit in (first, *near) if not _ends_estimated(fit)), first)

    @property
    def _candidates(self) -> list[Fit]:
        """The first fit that converged, and those not distinguishable from that of smallest loss.

        Raises:
            KullbackError: no model converged.
        """
        converged = [e for e in self.models if e.fit is not None and e.fit.convergence.converged]
        if not converged:
            reasons = "; ".join(f"{entry.model}: {entry.reason}" for entry in self.models[:3])
            raise KullbackError(f"no model could be fitted: {reasons}")
        near = [entry for entry in converged[1:] if entry.distinguishable is False]
        return [entry.fit for entry in (converged[0], *near) if entry.fit is not None]

    @property
    def simplest(self) -> Fit:
        """The fit that claims least among those not distinguishable from the one of smallest loss.

        That is one whose ends are not estimated, where there is one; of these one with the fewest
        estimated numbers; of these the best. The error is that of the difference on the same rows,
        of which the table's rule takes two. Of many models, the one that chance put first is seldom
        the better one. Source: after the rule of one standard error (of the loss, which is larger),
        L. Breiman, J. Friedman, R. Olshen and C. Stone (1984), Classification and Regression Trees,
        3.4.3.

        Raises:
            KullbackError: no model converged, or no rows were held out.
        """
        if not self.folds:
            raise KullbackError("no rows were held out, so that no differences have errors.")
        return min(self._candidates, key=lambda fit: (_ends_estimated(fit), fit.parameter_count))

    def to_frame(self) -> Any:
        """Return a frame of one row a model: pandas where it is installed, else an Arrow table."""
        rows = [entry.cells() for entry in self.models]
        return new_frame({name: np.array([row[name] for row in rows]) for name in rows[0]})

    def plot(self, kind: str | None = None, *, ax: Any = None) -> Any:
        """Draw the best model over the rows, and the next ones in grey.

        A regression, of which a figure shows one, is drawn alone.

        Args:
            kind: as for ``kl.plot``.
            ax: matplotlib axes to draw one kind on.
        """
        best = self.best
        others = [fit for fit in self.fits.values() if fit is not best]
        if best.form.columns:
            others = []
        plain = [fit for fit in others if fit.convergence.converged and not fit.form.columns]
        shown = [best, *plain[: _DRAWN - 1]]
        return fit_figure(shown, kind, muted=[False, *[True] * (len(shown) - 1)], ax=ax)

    @property
    def conclusion(self) -> str:
        """What was chosen, and by how much, in a sentence.

        Raises:
            KullbackError: no model converged.
        """
        best = next(entry for entry in self.models if entry.fit is self.best)
        first = next(entry for entry in self.models if entry.fit is self._candidates[0])
        if best is not first:
            return (
                f"{best.model}: {first.model} has a held-out cross-entropy lower by "
                f"{best.difference:.4f} ± {best.difference_error:.4f} {self.unit} a row, {_NEAR}, "
                "but its ends are estimated, and later rows beyond them would have an infinite "
                "loss."
            )
        after = self.models[self.models.index(best) + 1 :]
        # a model that runs to the best one as its limit is the same distribution
        others = [e for e in after if e.ranked and e.reason != f"limit: {best.model}"]
        name = _NAMES[self.criterion]
        kind = f" ({self.outcomes})" if self.outcomes else ""
        chosen = f"{best.model}, the best of {len(self.models)} models{kind} by {name}"
        if not others:
            return f"{chosen}: no other could be fitted."
        following = others[0]
        if not self.folds:
            more = following.criterion(self.criterion) - best.criterion(self.criterion)
            return f"{chosen}: {more:,.2f} below {following.model}, the next."
        if math.isinf(following.difference):
            return f"{chosen}: every other gives held-out rows probability zero."
        ahead = f"{following.difference:.4f} ± {following.difference_error:.4f} {self.unit} a row"
        near = [entry.model for entry in others if entry.distinguishable is False]
        also = f" It is {_NEAR} from {and_more(near[:_NAMED], len(near))}." if near else ""
        return f"{chosen}: {ahead} below {following.model}, the next.{also}"

    def __str__(self) -> str:
        """Format the comparison as a table."""
        shown = self._display()
        lines = [shown.title, "", *(str(table) for table in shown.tables), *shown.notes]
        return printable("\n".join(lines), lines=True)

    __repr__ = __str__

    def _display(self) -> Display:
        head = ("model", "held-out loss", "", "above the best", "", "k", "AIC", "BIC", "")
        rows = [self._row(entry) for entry in self.models]
        fit = next(iter(self.fits.values()), None)
        of = "" if fit is None else f" of {fit.sample_info.label}, {fit.sample_info.rows:,} rows"
        kind = f" ({self.outcomes})" if self.outcomes else ""
        how = f"{self.folds} folds {self.parted}".rstrip() if self.folds else "no rows held out"
        notes = [f"Losses in {self.unit} a row, ± standard errors; lower is better."] * bool(
            self.folds
        )
        if any(_NEAR in row[-1] for row in rows):
            best = self.models[0].model
            notes.append(
                f"{_NEAR.capitalize()}: above {best} by less than {_ERRORS:g} standard errors of "
                "the difference on the same rows."
            )
        if self.outcomes == "counts":
            notes.append(
                'Whole numbers were taken as counts; "continuous" in place of "all" takes them as '
                "measurements."
            )
        return Display(
            f"{len(rows)} models{of}{kind}, {how}, by {_NAMES[self.criterion]}",
            [Table(rows, head, range(1, 8)) if self.folds else _without_losses(rows, head)],
            notes,
        )

    def _row(self, entry: Compared) -> Sequence[str]:
        fit = entry.fit
        held_out, error = _shown(entry.held_out), _shown(entry.held_out_error, "± ")
        more, of_more = _shown(entry.difference), _shown(entry.difference_error, "± ")
        count = "" if fit is None else str(fit.parameter_count)
        criteria = [entry.criterion(name) if entry.ranked else math.nan for name in ("aic", "bic")]
        numbers = (count, *("" if math.isnan(value) else f"{value:,.2f}" for value in criteria))
        near = entry is not self.models[0] and entry.distinguishable is False
        words = [_NEAR] * near + [entry.reason] * bool(entry.reason)
        return (entry.model, held_out, error, more, of_more, *numbers, "; ".join(words))


def _without_losses(rows: Sequence[Sequence[str]], head: Sequence[str]) -> Table:
    """The table without the columns of held-out losses, where there are none."""
    kept = [[cells[0], *cells[5:]] for cells in rows]
    return Table(kept, (head[0], *head[5:]), range(1, 4))


def _ends_estimated(fit: Fit) -> bool:
    """Whether the distribution ends at a number that its support does not name."""
    if fit.form.columns or fit.form.outcome != "number":
        return False
    ends, support = fit.model.tails, fit.form.support
    if ends is None or support is None:
        return False
    return (ends.lower, ends.upper) != (support.lower, support.upper)


def _shown(value: float, sign: str = "") -> str:
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "inf"
    # a row far out in a tail may cost 1e13 nats, which would widen every line of the table
    return f"{sign}{value:.4f}" if abs(value) < _LARGE else f"{sign}{value:.3g}"
