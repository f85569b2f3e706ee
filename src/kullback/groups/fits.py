"""The whole fit of one group, from the solve of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback._core.lazy import Lazy
from kullback.data.sample import RowSource
from kullback.engines.local import LocalEngine
from kullback.groups.rows import GroupRows
from kullback.groups.solve import Solved
from kullback.models.model import Model
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.first_pass import first_pass
from kullback.objective.likelihood import Likelihood, MomentsTerm, RowsTerm, Term
from kullback.objective.statistics import LossDerivatives, LossSums, ScoreMoments
from kullback.results.convergence_check import assess_convergence
from kullback.results.fit import Fit
from kullback.results.sample_info import SampleInfo
from kullback.solvers.newton import Newton
from kullback.solvers.solver import Outcome, Solution


@final
@dataclass(frozen=True, eq=False)
class GroupFits:
    """The fits of all groups.

    Attributes:
        model: the model of every group.
        rows: the rows.
        solved: the estimates found at once; None where every group was fitted alone.
        alone: the fits of groups that were fitted alone, by number, or the reason against one.
        fit: fits a model to rows.
    """

    model: Model
    rows: GroupRows
    solved: Solved | None
    alone: dict[int, Fit | str]
    fit: Callable[[Model, RowSource], Fit]

    def pooled(self, groups: NDArray[np.bool_]) -> Fit:
        """Return one fit to the rows of some groups."""
        return self.fit(self.model, self.rows.some(groups))

    def __call__(self, group: int) -> Fit:
        """Return the fit of a group.

        Raises:
            DataError: where it cannot be fitted.
        """
        found = self.alone.get(group)
        if isinstance(found, str):
            key = self.rows.grouped.keys[group]
            raise DataError(f"the group {key!r} could not be fitted: {found}")
        if found is not None:
            return found
        # the points of a regression are those of standardised columns
        regression = self.model.linear
        return self.fit(self.model, self.rows.of(group)) if regression else self._of_all(group)

    def _of_all(self, group: int) -> Fit:
        solved = self.solved
        assert solved is not None  # every other group was fitted alone
        model, vector, sample = self.model, solved.vector, self.rows.of(group)
        engine = LocalEngine(sample, threads=1)
        known = first_pass(model, sample, engine.reduce, engine.first_block)
        value, at = float(solved.points.value[group]), solved.points.at[:, group]
        gradient, hessian = solved.points.gradient[:, group], solved.points.hessian[:, :, group]
        slopes = np.diag(vector.jacobian(at))
        score = gradient / slopes
        curved = (hessian - vector.curvature(at, score)) / (slopes[:, None] * slopes[None, :])
        constrained = solved.constrained[:, group]

        def score_moments() -> ScoreMoments:
            terms: list[Term] = []
            if known.moments is not None:
                terms.append(MomentsTerm(known.moments))
            if known.table is not None:
                terms.append(RowsTerm(LocalEngine(known.table, threads=1).reduce))
            if known.kinds_of_passes:
                terms.append(RowsTerm(engine.reduce, known.kinds_of_passes if terms else None))
            derivatives = LossDerivatives(model, vector.is_free)
            return Likelihood(tuple(terms)).sums(derivatives, constrained).score_moments()

        sums = LossSums(known.summary.weight, value, score, curved, Lazy(score_moments))
        best = Evaluation(at, value, gradient, hessian, sums)
        estimate = solved.estimate[:, group]
        steps, starts = int(solved.steps[group]), int(solved.starts[group])
        solution = Solution(best, estimate, Outcome.CONVERGED, steps, solved.start[:, group])
        name = "closed form" if solved.closed[group] else Newton.__name__
        convergence = assess_convergence(model, vector, best, solution, name, starts, starts)
        info = SampleInfo.of(sample, known)
        convergence = replace(convergence, passes=1 + (0 if known.condensed else steps))
        return Fit(model, vector, replace(best, at=estimate), info, convergence)
