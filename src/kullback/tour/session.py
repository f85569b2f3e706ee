"""The session in which the lines of the tour run, and the step that comes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

import kullback as kl
from kullback.tour.listing import Line, run
from kullback.tour.question import Question


@final
@dataclass(frozen=True, eq=False)
class Step:
    """One step of the argument.

    Attributes:
        number: from 1 to 7.
        title: a few words.
        sentences: what it is about.
        lines: Python and what it printed.
        finding: what the printed numbers show.
        picture: the numbers of its picture, by name.
    """

    number: int
    title: str
    sentences: tuple[str, ...]
    lines: tuple[Line, ...]
    finding: str
    picture: Mapping[str, Any]


@final
class Session:
    """The session in which the lines run, one after the other."""

    def __init__(self, question: Question, unit: str, nats: float) -> None:
        self.question, self.unit, self.nats = question, unit, nats
        # what turns a number of nats into the unit, as Python: nothing where the unit is the nat
        self.argument = "" if unit == "nats" else f', unit="{unit}"'
        self.divided = {"nats": "", "bits": " / np.log(2)", "hartleys": " / np.log(10)"}[unit]
        self.namespace: dict[str, Any] = {"kl": kl, "np": np}

    def __call__(self, source: str) -> tuple[Line, ...]:
        """Run some lines.

        Args:
            source: Python.
        """
        return run(source, self.namespace)

    def __getitem__(self, name: str) -> Any:
        return self.namespace[name]
