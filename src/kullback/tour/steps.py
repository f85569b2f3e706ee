"""The tour: eight steps run in order, as text, printed numbers and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

from kullback._core.units import nats_per
from kullback.tour.about_cross_entropy import cross_entropy
from kullback.tour.about_entropy import entropy, expectation
from kullback.tour.about_labels import classifier
from kullback.tour.about_likelihood import likelihood, logarithm
from kullback.tour.about_relative_entropy import relative_entropy, two_sums
from kullback.tour.column import read_column
from kullback.tour.network_choice import NetworkChoice
from kullback.tour.question import Question, question_of, tours_own
from kullback.tour.session import Session, Step

TITLE = "Why we minimise cross-entropy"

# Why somebody asks; printed before the first step.
OPENING = (
    "You build a first neural network for a classification. You choose its depth, its activation "
    "function and its hyper-parameters, such as the learning rate, and then a loss function. "
    "Nearly everyone takes cross-entropy. Why cross-entropy?"
)

BOOKS = (
    "T. M. Cover and J. A. Thomas, Elements of Information Theory, 2nd edition, Wiley, 2006.",
    "I. Goodfellow, Y. Bengio and A. Courville, Deep Learning, MIT Press, 2016.",
    "S. Shalev-Shwartz and S. Ben-David, Understanding Machine Learning, Cambridge University "
    "Press, 2014.",
)

DATA = (
    "Data of step 8: British Board of Trade (1912), Report on the Loss of the “Titanic” (S.S.), as "
    "tabulated by R. J. M. Dawson (1995), Journal of Statistics Education 3 (3)."
)

_STEPS = (
    entropy,
    expectation,
    relative_entropy,
    two_sums,
    likelihood,
    logarithm,
    cross_entropy,
    classifier,
)


@final
@dataclass(frozen=True, eq=False)
class Tour:
    """The eight steps, and the data and model of steps five to seven.

    Attributes:
        steps: the steps.
        question: the data and the family of steps five to seven.
        unit: of every entropy.
        namespace: the names that the lines defined.
    """

    steps: tuple[Step, ...]
    question: Question
    unit: str
    namespace: Mapping[str, Any]


def begin(
    data: Any = None,
    name: str | None = None,
    unit: str = "nats",
    network: NetworkChoice | None = None,
) -> Session:
    """Check the arguments, and open the session of a tour.

    Args:
        data: a column of numbers or labels for steps five to seven, in place of the tour's own.
        name: of the column.
        unit: of entropies and cross-entropies: nats, bits or hartleys.
        network: depth, activation and learning rate of the network of step eight.

    Raises:
        KullbackError: for another unit.
        DataError: where the column cannot be used; the message gives the reason.
    """
    size = nats_per(unit)
    column = None if data is None else read_column(data, name)
    return Session(
        lambda: tours_own() if column is None else question_of(column),
        unit,
        size,
        network or NetworkChoice(),
    )


def walk(session: Session) -> Iterator[Step]:
    """Run the steps one by one.

    Args:
        session: a new one.
    """
    return (step(session) for step in _STEPS)


def take(
    data: Any = None,
    name: str | None = None,
    unit: str = "nats",
    network: NetworkChoice | None = None,
) -> Tour:
    """Run the whole tour; the arguments and errors are those of :func:`begin`."""
    session = begin(data, name, unit, network)
    steps = tuple(walk(session))
    return Tour(steps, session.question, unit, session.namespace)
