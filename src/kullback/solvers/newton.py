"""Newton's method in a trust region, on the unconstrained scale.

Each step minimises the quadratic model with the Hessian's eigenvalues replaced by their absolute
values (so that a saddle or a maximum is left downhill), cut at the radius of the region. Lengths
are scaled by the Hessian's diagonal, so that a location of 10⁷ and a log-scale of 0.1 are
comparable: a scaled gradient of g means an error of about g standard deviations of one row.

The step is written against the array API: it runs in NumPy without compilation, and in JAX under
``jit`` and ``vmap``. No branch depends on a traced value; in NumPy one saves a decomposition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from kullback._core.arrays import Vector, namespace
from kullback._core.hessians import ScaledHessian, scaled_hessian
from kullback.solvers.solver import Outcome, Point, Solver


class NewtonState(NamedTuple):
    """The state of the search; arrays, so that ``vmap`` can carry many.

    Attributes:
        at: the best point, shape (k,).
        value: the objective there.
        gradient: its gradient.
        hessian: its Hessian.
        radius: the trust region's radius, in scaled units.
        step: the proposed step.
        promised: the decrease that the quadratic model predicts for it.
        slope: length of the scaled gradient at the best point, without the part that rounding keeps
            from vanishing.
        refused: number of consecutive steps that were not taken.
    """

    at: Any
    value: Any
    gradient: Any
    hessian: Any
    radius: Any
    step: Any
    promised: Any
    slope: Any
    refused: Any


@final
@dataclass(frozen=True)
class Newton(Solver[NewtonState]):
    """Newton's method in a trust region.

    Attributes:
        tolerance: scaled gradient at which a point counts as the minimum. One more Newton
            correction is then applied without another pass; as the method squares errors, 1e-6
            leaves rounding only in the estimate, and about six digits in standard errors. (A fit
            whose passes cost little uses 1e-10.)
        radius: the first trust region, in standard deviations of one row.
        max_refused: number of consecutive refused steps after which the search has stalled.
    """

    tolerance: float = 1e-6
    radius: float = 1.0
    max_refused: int = 30

    def init(self, point: Point) -> NewtonState:
        """Start from the first point."""
        xp = namespace(point.gradient)
        zero = xp.zeros_like(point.gradient)
        radius = self.radius + 0.0 * xp.sum(zero)
        state = NewtonState(
            point.at, point.value, point.gradient, point.hessian, radius, zero, 0.0, 0.0, 0
        )
        return self._aim(state)

    def propose(self, state: NewtonState) -> Any:
        """The best point plus the step."""
        return state.at + state.step

    def best(self, state: NewtonState) -> Any:
        """The best point."""
        return state.at

    def step(self, state: NewtonState, point: Point) -> NewtonState:
        """Take the step if it decreased the objective, and adapt the region."""
        xp = namespace(state.gradient)
        ratio = (state.value - point.value) / xp.where(state.promised > 0.0, state.promised, 1.0)
        finite = xp.isfinite(point.value) & xp.isfinite(point.hessian).all()
        # below this the difference of two values is rounding, and the gradient has to decide
        rounding = state.promised <= 1e-14 * (1.0 + xp.abs(state.value))
        left, *_ = _left(point.at, point.gradient, point.hessian)
        smaller = xp.sqrt(left @ left) < state.slope
        taken = finite & xp.where(rounding, smaller, ratio > 1e-4)
        scaled = state.step * scaled_hessian(state.hessian).scale
        length = xp.sqrt(scaled @ scaled)
        # where the model was poor the region shrinks, where it was good it may grow
        poor = ~finite | (~rounding & (ratio < 0.25))
        good = finite & (ratio > 0.75) & (length > 0.9 * state.radius)
        radius = xp.where(poor, 0.25 * length, xp.where(good, 4.0 * state.radius, state.radius))
        moved = NewtonState(
            at=xp.where(taken, point.at, state.at),
            value=xp.where(taken, point.value, state.value),
            gradient=xp.where(taken, point.gradient, state.gradient),
            hessian=xp.where(taken, point.hessian, state.hessian),
            radius=radius,
            step=state.step,
            promised=state.promised,
            slope=state.slope,
            refused=xp.where(taken, 0, state.refused + 1),
        )
        return self._aim(moved)

    def status(self, state: NewtonState) -> Any:
        """Converged, without further progress, not finite, or running."""
        xp = namespace(state.gradient)
        finite = xp.isfinite(state.value) & xp.isfinite(state.hessian).all()
        # a step refused where only rounding remains: doubles do not get nearer
        rounding = state.promised <= 1e-14 * (1.0 + xp.abs(state.value))
        near = (state.refused > 0) & rounding & (state.slope <= max(1e-6, self.tolerance))
        ended = int(Outcome.STALLED) * (state.refused > self.max_refused)  # or else RUNNING, 0
        converged = (state.slope <= self.tolerance) | near
        ended = xp.where(converged, int(Outcome.CONVERGED), ended)
        return xp.where(finite, ended, int(Outcome.NOT_FINITE))

    def polish(self, state: NewtonState) -> Vector | None:
        """Return the next Newton step, where it still changes a digit."""
        # scaled gradients of this size are the rounding of the sums themselves
        return None if float(state.slope) < 1e-14 else state.step

    def _aim(self, state: NewtonState) -> NewtonState:
        """Minimise the quadratic model inside the region."""
        xp = namespace(state.gradient)
        gradient, step, hessian, scale = _left(state.at, state.gradient, state.hessian)
        moves = (gradient != 0.0) | (state.gradient == 0.0)  # the others do not move
        # where all coordinates move, `_left` has computed the step; a traced value cannot be tested
        if not (isinstance(moves, np.ndarray) and moves.all() and np.isfinite(gradient).all()):
            among = _among(scaled_hessian(state.hessian), moves)
            hessian, step = among.matrix, among.descent(gradient)
        length = xp.sqrt(step @ step)
        step = step * (state.radius / xp.maximum(length, state.radius))
        promised = -(gradient @ step + 0.5 * step @ (hessian @ step))
        slope = xp.sqrt(gradient @ gradient)
        return state._replace(step=step / scale, promised=promised, slope=slope)


def _among(own: ScaledHessian, moves: Any) -> ScaledHessian:
    """Return the scaled Hessian, that of the identity where a coordinate is fixed."""
    if isinstance(moves, np.ndarray) and moves.all():
        return own
    xp = namespace(moves)
    matrix = xp.where(moves[:, None] & moves, own.matrix, xp.eye(moves.shape[0]))
    return ScaledHessian(own.scale, matrix)


def _left(at: Any, gradient: Any, hessian: Any) -> tuple[Any, Any, Any, Any]:
    """Return the scaled gradient; zero where a coordinate's step is below its rounding.

    And the step of all coordinates together, the scaled Hessian that it comes from, and the scale.

    A location of 10⁹ is rounded to 10⁻⁷: a slope whose step is smaller can never vanish, and the
    search must not wait for it. But on a ridge a coordinate may be optimal given the others and
    still have far to go with them: its part in the step of all coordinates counts as well.
    """
    xp = namespace(gradient)
    own = scaled_hessian(hessian)
    scaled = gradient / own.scale
    finite = xp.isfinite(scaled)
    among = _among(own, finite)
    together = among.descent(xp.where(finite, scaled, 0.0))
    # half a unit in the last place of a number is at most this part of it; of the joint step two
    # units, which is as near as alternating steps come
    room = 1.2e-16 * xp.abs(at) * own.scale
    still = (xp.abs(scaled) <= room) & (xp.abs(together) <= 4.0 * room)
    return xp.where(still, 0.0, scaled), together, among.matrix, own.scale
