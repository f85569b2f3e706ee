"""The abstract solver, ``init / step / status``, and the loop that runs one.

A solver proposes a point and receives the objective and its derivatives there. Its state is
immutable and its step is a pure function, so that the same step can run in NumPy on one problem or
under ``vmap`` on many.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, final, runtime_checkable

import numpy as np

from kullback._core.arrays import Vector

State = TypeVar("State")

# Two ends of searches whose objectives differ by less, relative to 1 + |value|, are ends in one
# minimum, and their order is rounding: a search ends within 1e-20 of the minimum.
SAME_MINIMUM = 1e-13


class Outcome(enum.IntEnum):
    """How a solve ended, or that it has not; whole numbers, so that arrays can hold them."""

    RUNNING = 0
    CONVERGED = 1
    STALLED = 2
    STEP_LIMIT = 3
    NOT_FINITE = 4


@runtime_checkable
class Point(Protocol):
    """The objective at a point: value, gradient and Hessian."""

    @property
    def at(self) -> Vector:
        """The point, shape (k,)."""

    @property
    def value(self) -> float:
        """The objective."""

    @property
    def gradient(self) -> Vector:
        """Its gradient, shape (k,)."""

    @property
    def hessian(self) -> Vector:
        """Its second derivatives, shape (k, k)."""


AnyPoint = TypeVar("AnyPoint", bound=Point)


class Solver(abc.ABC, Generic[State]):
    """Proposes the points to evaluate: abstract."""

    @abc.abstractmethod
    def init(self, point: Point) -> State:
        """Return the initial state, from the first point."""

    @abc.abstractmethod
    def propose(self, state: State) -> Any:
        """Return the next point to evaluate."""

    @abc.abstractmethod
    def best(self, state: State) -> Any:
        """Return the best of the evaluated points."""

    @abc.abstractmethod
    def step(self, state: State, point: Point) -> State:
        """Return the state after the evaluation of the proposed point."""

    @abc.abstractmethod
    def status(self, state: State) -> Any:
        """Return an ``Outcome``, or its number: how the search has ended, or that it is running."""

    def polish(self, state: State) -> Vector | None:  # noqa: ARG002
        """Return a last correction of the best point, without another evaluation, or None."""
        return None


@final
@dataclass(frozen=True)
class Solution(Generic[AnyPoint]):
    """Where a solver ended.

    Attributes:
        best: the best evaluated point.
        estimate: the best point with the solver's last correction.
        outcome: how it ended.
        steps: number of evaluated points.
        start: the starting point.
    """

    best: AnyPoint
    estimate: Vector
    outcome: Outcome
    steps: int
    start: Vector


def minimise(
    solver: Solver[Any],
    evaluate: Callable[[Vector], AnyPoint],
    start: Vector,
    max_steps: int,
) -> Solution[AnyPoint]:
    """Run a solver until it is done.

    Args:
        solver: the solver.
        evaluate: returns value, gradient and Hessian at a point.
        start: the starting point.
        max_steps: largest number of points to evaluate.

    Returns:
        The best point and how the search ended.
    """
    # a trial point may lie anywhere: an overflow there leads to its refusal, without a warning
    with np.errstate(all="ignore"):
        best = evaluate(start)
        state = solver.init(best)
        steps = 1
        while (outcome := Outcome(int(solver.status(state)))) is Outcome.RUNNING:
            if steps >= max_steps:
                outcome = Outcome.STEP_LIMIT
                break
            point = evaluate(solver.propose(state))
            steps += 1
            state = solver.step(state, point)
            if np.array_equal(solver.best(state), point.at):
                best = point
        correction = solver.polish(state) if outcome is Outcome.CONVERGED else None
    estimate = best.at if correction is None else best.at + correction
    return Solution(best, estimate, outcome, steps, start)
