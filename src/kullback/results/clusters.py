"""The covariance of estimates from rows in clusters: independent between them, not within."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.display import Listed
from kullback._core.equality import Comparable
from kullback._core.errors import KullbackError
from kullback._core.lazy import Lazy
from kullback._core.validation import check_choice
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.evaluated import Evaluated
from kullback.objective.statistics import ScoreMoments
from kullback.results.problem import rows_of

CORRECTIONS = ("none", "CR1")

# With fewer clusters Wald tests reject too often: at a level of 5% in 6 to 10% of samples.
# Source: A. C. Cameron and D. L. Miller (2015), Journal of Human Resources 50, 317–372, section VI.
_FEW = 40


@final
@dataclass(frozen=True, eq=False, repr=False)
class Clusters(Listed, Comparable):
    """The second moments of the scores of clusters.

    Attributes:
        label: the key.
        count: the number of clusters G.
        correction: "none", or "CR1" for the factor G/(G − 1).
        outer: Σ S S' over the clusters, S the sum of the rows' weighted scores, divided by the
            total weight and with the correction, shape (d, d).
    """

    label: str
    count: int
    correction: str
    outer: Vector

    @property
    def cautions(self) -> tuple[str, ...]:
        """What limits the covariance: few clusters."""
        if self.count >= _FEW:
            return ()
        return (
            f"{self.count} clusters are few: standard errors from fewer than {_FEW} are too small "
            "on average, and Wald intervals too narrow.",
        )

    def _cells(self) -> dict[str, str]:
        return {
            "clusters": self.label,
            "count": f"{self.count:,}",
            "correction": self.correction,
        }


def clusters_of(fit: Any, key: Any, correction: str) -> Clusters:
    """Add up the scores of clusters, in one pass over the rows.

    Args:
        fit: the fit.
        key: the name of a column, or an array.
        correction: "none" or "CR1".

    Raises:
        KullbackError: for another correction, a fit without its rows, one of class shares, and
            fewer than two clusters.
        DataError: for keys that cannot be used.
    """
    check_choice("correction", correction, CORRECTIONS)
    if key is None:
        raise KullbackError(
            'name the clusters: fit.with_covariance("clustered", clusters="subject"), a column or '
            "an array with a value for every row."
        )
    if not isinstance(fit.evaluation, Evaluation):
        raise KullbackError(
            "the clustered covariance of class shares is not available: fit logits, as in "
            'kl.Categorical(logits="~ 1").'
        )
    label, scores = rows_of(fit, "the clustered covariance").unit_scores(key, "clusters")
    count = len(scores)
    if count < 2:
        raise KullbackError(
            f"{label} has one value in all rows, so that there is a single cluster: the covariance "
            "is that of independent clusters and needs two or more."
        )
    factor = count / (count - 1.0) if correction == "CR1" else 1.0
    return Clusters(label, count, correction, factor * (scores.T @ scores) / fit.sample_info.weight)


def with_moments_of(evaluation: Evaluated, clusters: Clusters) -> Evaluated:
    """Return an evaluation whose scores' second moments are those of clusters."""
    assert isinstance(evaluation, Evaluation)  # clusters_of refuses another
    moments = Lazy.known(ScoreMoments(np.nan, clusters.outer))
    return replace(evaluation, sums=replace(evaluation.sums, score_moments=moments))
