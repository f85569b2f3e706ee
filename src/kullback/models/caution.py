"""Advice on an estimate that a model gives: a limit, or a likelihood without a maximum."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caution:
    """A caution about an estimate.

    Attributes:
        text: the problem, with a remedy.
        no_maximum: whether the likelihood is unbounded there, so that the estimate is not valid.
        reason: why it is unbounded.
        unfinished: whether it holds only where the search did not end at a maximum.
        instead: whether it says what happens better than that a coefficient diverges.
    """

    text: str
    no_maximum: bool = False
    reason: str = "the likelihood is unbounded"
    unfinished: bool = False
    instead: bool = False
