"""The abstract solver, ``init / step / done``, and the loop that runs one.

A solver is asked for a point and told what was found there. Its state is immutable and its step is
a pure function, so that the same step can run in NumPy on one problem or under ``vmap`` on many.
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


class Outcome(enum.Enum):
    """How a solve ended."""

    CONVERGED = "converged"
    STALLED = "stalled"
    STEP_LIMIT = "step limit"
    NOT_FINITE = "not finite"


@runtime_checkable
class Point(Protocol):
    """What is known at a point: value, gradient and Hessian."""

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
    """Decides where to look next: abstract."""

    @abc.abstractmethod
    def init(self, point: Point) -> State:
        """Start from what is known at the first point."""

    @abc.abstractmethod
    def propose(self, state: State) -> Vector:
        """Give the next point to look at."""

    @abc.abstractmethod
    def best(self, state: State) -> Vector:
        """Give the best of the points that were looked at."""

    @abc.abstractmethod
    def step(self, state: State, point: Point) -> State:
        """Take in what was found at the proposed point."""

    @abc.abstractmethod
    def done(self, state: State) -> Outcome | None:
        """Say whether, and how, the search has ended."""

    def polish(self, state: State) -> Vector | None:  # noqa: ARG002
        """Give a last correction of the best point that needs no further look, or None."""
        return None


@final
@dataclass(frozen=True)
class Solution(Generic[AnyPoint]):
    """Where a solver ended.

    Attributes:
        best: the best point that was looked at.
        estimate: the estimate: the best point, with the solver's last correction.
        outcome: how it ended.
        steps: how many points were looked at.
        start: where it began.
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
        evaluate: gives value, gradient and Hessian at a point.
        start: where to start.
        max_steps: how many points may be looked at.

    Returns:
        The best point and how the search ended.
    """
    # a trial point may lie anywhere, and what leaves the doubles there is refused, not warned of
    with np.errstate(all="ignore"):
        best = evaluate(start)
        state = solver.init(best)
        steps = 1
        while (outcome := solver.done(state)) is None:
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
