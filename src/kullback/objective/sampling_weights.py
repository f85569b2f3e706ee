"""The second moments over the rows where weights come from sampling, and do not count rows.

The estimate solves Σ w s = 0 whatever the weights mean. Where a row of weight k stands for k equal
rows, the variance of Σ w s is Σ w E[s s']; where it is one row, drawn with a probability in
proportion to 1/k, it is Σ w² E[s s']. Source: D. A. Binder (1983), "On the variances of
asymptotically normal estimators from complex surveys", International Statistical Review 51, 279.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kullback._core.arrays import Vector
from kullback._core.lazy import Lazy
from kullback.objective.class_shares import ClassShares
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.evaluated import Evaluated
from kullback.objective.statistics import LossSums, ScoreMoments


def with_sampling_weights(
    evaluation: Evaluated,
    weight: float,
    rows: int,
    sums: Callable[[Vector], LossSums],
    class_totals: Callable[[], Vector],
) -> Evaluated:
    """Return an evaluation whose second moments are Σ w² · / Σ w in place of Σ w · / Σ w.

    The variance of a mean is such a moment divided by Σ w, as it is for frequencies; it does not
    change when all weights are multiplied by a constant.

    Args:
        evaluation: at the estimate.
        weight: W = Σ w.
        rows: their number n.
        sums: returns the sums over the rows with the weights (n w/W)², at a point.
        class_totals: returns these weights by class, for class shares.
    """
    mean = weight / rows
    if isinstance(evaluation, ClassShares):
        return replace(evaluation, squares=mean * class_totals() / rows)
    assert isinstance(evaluation, Evaluation)

    def score_moments() -> ScoreMoments:
        squared = sums(evaluation.at)
        factor = mean * squared.weight / rows
        about = (squared.loss - evaluation.sums.loss) ** 2
        return ScoreMoments(factor * (squared.variance + about), factor * squared.outer)

    return replace(evaluation, sums=replace(evaluation.sums, score_moments=Lazy(score_moments)))
