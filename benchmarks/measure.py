"""Timing two programs by turns, and the measurements."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

# A fit is lost where its log-likelihood is lower than the peer's by more than this, relative to its
# size: above the rounding of a sum of 10 million terms, below any statistical significance.
LOST = 1e-9


@dataclass(frozen=True)
class Timed(Generic[T]):
    """One program's times: the first call, which may compile, and the calls after it."""

    first: float
    seconds: list[float]
    result: T

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Measured:
    """The measurements of one row of the table; times in seconds."""

    peer_seconds: list[float]
    own_seconds: list[float]
    peer_first: float | None = None
    own_first: float | None = None
    compiling: float | None = None
    peer_log_likelihood: float | None = None
    own_log_likelihood: float | None = None
    passes: int | None = None
    peak_mb: float | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def peer(self) -> float:
        """Median of the peer's times."""
        return statistics.median(self.peer_seconds)

    @property
    def own(self) -> float:
        """Median of Kullback's times."""
        return statistics.median(self.own_seconds)

    @property
    def lost(self) -> bool:
        """Whether Kullback's log-likelihood is worse than the peer's."""
        peer, own = self.peer_log_likelihood, self.own_log_likelihood
        if peer is None or own is None:
            return False
        return not own >= peer - LOST * abs(peer)  # NaN is lost


@dataclass(frozen=True)
class Target:
    """The target of a row; a field that is None sets no limit.

    Attributes:
        speedup: the peer's time over Kullback's, at least.
        times: Kullback's time over the peer's (over `passes` of the peer's reads, where Kullback
            makes passes), at most.
        seconds: Kullback's time, at most.
        passes: passes over the data, at most.
        peak_mb: peak memory of Kullback's process, less than this.
    """

    speedup: float | None = None
    times: float | None = None
    seconds: float | None = None
    passes: int | None = None
    peak_mb: float | None = None

    def text(self) -> str:
        """The target as the table prints it."""
        parts = []
        if self.speedup is not None:
            parts.append(f"≥ {self.speedup:g}× faster")
        if self.seconds is not None:
            parts.append(f"≤ {show_seconds(self.seconds)}")
        if self.passes is not None:
            parts.append(f"≤ {self.passes} passes")
        if self.times is not None:
            parts.append(f"≤ {self.times:g}× the time")
        if self.peak_mb is not None:
            parts.append(f"< {self.peak_mb:g} MB")
        return ", ".join(parts)

    def ratio(self, found: Measured) -> str:
        """The ratio of the two medians, in the direction of the target."""
        if self.times is not None:
            return f"{self._times(found):.2f}× the time"
        ratio = found.peer / found.own
        return f"{ratio:.3g}× faster" if ratio >= 1.0 else f"{1.0 / ratio:.2f}× the time"

    def met(self, found: Measured) -> bool:
        """Whether the row reaches the target."""
        checks = [not found.lost]
        if self.speedup is not None:
            checks.append(found.peer / found.own >= self.speedup)
        if self.seconds is not None:
            checks.append(found.own <= self.seconds)
        if self.times is not None:
            checks.append(self._times(found) <= self.times)
        if self.passes is not None:
            checks.append(found.passes is not None and found.passes <= self.passes)
        if self.peak_mb is not None:
            checks.append(found.peak_mb is not None and found.peak_mb < self.peak_mb)
        return all(checks)

    def outcome(self, found: Measured) -> str:
        """The outcome as the table prints it."""
        if found.lost:
            return "**lost**"
        return "reached" if self.met(found) else "**missed**"

    def _times(self, found: Measured) -> float:
        return found.own / (found.peer * (found.passes or 1))


@dataclass(frozen=True)
class Task:
    """A row of the table.

    Attributes:
        title: the task.
        rows: number of rows.
        peer: the program that Kullback is compared with.
        target: the target.
        run: measures it, for a number of rows and of repeats.
        repeats: how many times each program is timed.
        quick_rows: rows for --quick.
    """

    title: str
    rows: int
    peer: str
    target: Target
    run: Callable[[int, int], Measured]
    repeats: int
    quick_rows: int


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Call once and return the wall seconds with the result."""
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


def alternate(
    calls: Sequence[Callable[[], object]], repeats: int, pause: float = 0.0
) -> list[Timed[object]]:
    """Time several programs by turns, so that other load on the machine affects them alike.

    The first call of each is recorded separately. Every round reverses the order of the last one.

    Args:
        calls: the programs.
        repeats: how often each is called after its first call.
        pause: seconds before each call, in which the last call's threads fall asleep.
    """
    first, seconds, results = [], [[] for _ in calls], []
    for call in calls:
        duration, result = timed(call)
        first.append(duration)
        results.append(result)
    for turn in range(repeats):
        order = range(len(calls)) if turn % 2 == 0 else reversed(range(len(calls)))
        for i in order:
            time.sleep(pause)
            duration, results[i] = timed(calls[i])
            seconds[i].append(duration)
    return [Timed(f, s, r) for f, s, r in zip(first, seconds, results, strict=True)]


def show_seconds(seconds: float) -> str:
    """Seconds to three digits, in a unit that suits them.

    >>> show_seconds(0.00123), show_seconds(0.5), show_seconds(12.345)
    ('1.23 ms', '500 ms', '12.3 s')
    """
    if seconds < 1.0:
        return f"{1e3 * seconds:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 100.0 else f"{seconds:.0f} s"
