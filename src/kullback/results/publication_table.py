"""What maketables reads of a fit, to set several side by side as in a paper.

Its plug-in protocol is a set of attributes; nothing is imported. ``maketables.ETable([a, b])`` has
a column for each fit and a row for each coefficient.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from kullback._core.errors import KullbackError
from kullback.data.frames import pandas_frame
from kullback.results.coefficients import Entry, sections_of

if TYPE_CHECKING:  # Fit is one
    from kullback.results.fit import Fit


class PublicationTable:
    """The attributes of maketables' plug-in protocol."""

    @property
    def __maketables_coef_table__(self) -> Any:
        """Estimates b, standard errors se, z as t, p, and the ends of 95% intervals.

        A coefficient is called by its own name where one source has it, else "scale[age]".
        """
        sections = sections_of(cast("Fit", self), 0.95, None, exponentiate=False)
        entries = [entry for section in sections for entry in section.entries]
        several = Counter(entry.coefficient for entry in entries)
        columns = {
            "b": [e.estimate for e in entries],
            "se": [e.stderr for e in entries],
            "t": [e.z for e in entries],
            "p": [e.p_value for e in entries],
            "ci95l": [e.lower for e in entries],
            "ci95u": [e.upper for e in entries],
        }
        index = [_name(e, alone=several[e.coefficient] == 1) for e in entries]
        return pandas_frame(columns, index, "Coefficient")

    def __maketables_stat__(self, key: str) -> Any:
        """Return a statistic by its key; None where the fit has none."""
        fit = cast("Fit", self)
        try:
            if key == "N":
                return fit.sample_info.rows
            if key == "ll":
                return fit.log_likelihood
            if key in ("aic", "bic"):
                return getattr(fit, key)
            if key == "pseudo_r2":
                return fit.deviance().mcfadden
            if key in ("deviance", "null_deviance"):
                return getattr(fit.deviance(), key)
        except KullbackError:  # a criterion that the fit refuses
            return None
        return _errors(fit) if key == "se_type" else None

    @property
    def __maketables_depvar__(self) -> str:
        """The outcome's name."""
        label = cast("Fit", self).sample_info.label
        return label[len('column "') : -1] if label.startswith('column "') else label

    @property
    def __maketables_vcov_info__(self) -> dict[str, Any]:
        """Which covariance the standard errors are from."""
        fit = cast("Fit", self)
        clustered = fit.covariance_kind == "clustered" and fit.clusters is not None
        return {
            "vcov_type": fit.covariance_kind,
            "clustervar": fit.clusters.label if clustered and fit.clusters else None,
        }

    @property
    def __maketables_stat_labels__(self) -> dict[str, str]:
        """What the statistics are called."""
        return {"ll": "Log-likelihood", "pseudo_r2": "McFadden's R²", "se_type": "Std. errors"}

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        """The statistics below the coefficients, those that the fit has."""
        keys = ("N", "ll", "aic", "se_type")
        return [key for key in keys if self.__maketables_stat__(key) is not None]


def _name(entry: Entry, *, alone: bool) -> str:
    if not entry.coefficient:
        return entry.source
    return entry.coefficient if alone else f"{entry.source}[{entry.coefficient}]"


def _errors(fit: Fit) -> str:
    """How the standard errors were computed."""
    if fit.covariance_kind == "clustered" and fit.clusters is not None:
        return f"by: {fit.clusters.label}"
    return "sandwich" if fit.sample_info.weight_kind == "sampling" else fit.covariance_kind
