"""The session in which the lines of the tour run, and the step that they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

import kullback as kl
from kullback.tour.formulas import Formula
from kullback.tour.listing import Line, run
from kullback.tour.network_choice import NetworkChoice
from kullback.tour.question import Question


@final
@dataclass(frozen=True, eq=False)
class Step:
    """One step of the argument.

    Attributes:
        number: from 1 to 8.
        title: its heading.
        sentences: its explanation, and its formulas.
        lines: Python and its printed output.
        finding: the conclusion from the output.
        picture: the numbers of its picture, by name.
    """

    number: int
    title: str
    sentences: tuple[str | Formula, ...]
    lines: tuple[Line, ...]
    finding: str
    picture: Mapping[str, Any]


@final
class Session:
    """The session in which the lines of all steps run in order."""

    def __init__(
        self, question: Callable[[], Question], unit: str, nats: float, network: NetworkChoice
    ) -> None:
        self._question, self.unit, self.nats, self.network = question, unit, nats, network
        # Python that converts nats to the unit: empty where the unit is the nat
        self.argument = "" if unit == "nats" else f', unit="{unit}"'
        self.divided = {"nats": "", "bits": " / np.log(2)", "hartleys": " / np.log(10)"}[unit]
        self.namespace: dict[str, Any] = {"kl": kl, "np": np}

    @cached_property
    def question(self) -> Question:
        """The data and model of steps five to seven: found when they are first needed."""
        return self._question()

    def __call__(self, source: str) -> tuple[Line, ...]:
        """Run some lines.

        Args:
            source: Python.
        """
        return run(source, self.namespace)

    def __getitem__(self, name: str) -> Any:
        return self.namespace[name]
