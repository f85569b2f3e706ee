"""The tour: seven steps run in order, as text, printed numbers and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from kullback._core.arrays import Vector
from kullback._core.units import nats_per
from kullback.tour.about_entropy import entropy, expectation, relative_entropy
from kullback.tour.about_labels import classifier
from kullback.tour.about_likelihood import cross_entropy, likelihood, logarithm
from kullback.tour.question import Question, ask, tours_own
from kullback.tour.session import Session, Step


@final
@dataclass(frozen=True, eq=False)
class Tour:
    """The seven steps, and the data and model of steps four to six.

    Attributes:
        steps: the seven steps.
        question: the data and the family of steps four to six.
        unit: of every entropy.
        namespace: the names that the lines defined.
    """

    steps: tuple[Step, ...]
    question: Question
    unit: str
    namespace: Mapping[str, Any]


def take(data: Vector | None = None, name: str | None = None, unit: str = "nats") -> Tour:
    """Run the tour.

    Args:
        data: a column of numbers for steps four to six, in place of the tour's own.
        name: of the column.
        unit: of entropies and cross-entropies: nats, bits or hartleys.

    Raises:
        KullbackError: for another unit.
        DataError: where the column cannot be used; the message gives the reason.
    """
    size = nats_per(unit)
    question = tours_own() if data is None else ask(data, name)
    session = Session(question, unit, size)
    steps = tuple(
        step(session)
        for step in (
            entropy,
            expectation,
            relative_entropy,
            likelihood,
            logarithm,
            cross_entropy,
            classifier,
        )
    )
    return Tour(steps, question, unit, session.namespace)
