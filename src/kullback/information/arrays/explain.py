"""The explanation of a cross-entropy or a relative entropy: which symbol contributes what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.display import Display, Displayed, Table

Measure: TypeAlias = Any
"""A float, a NumPy array or a JAX array, like the input but without the axes of the symbols."""

Names: TypeAlias = Sequence[object] | None  # of the symbols

_SHOWN = 5  # impossible symbols named in print: they fit one line
_LARGEST = 10  # contributions in a notebook


@final
@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Displayed):
    """A cross-entropy or a relative entropy, symbol by symbol.

    ``float(explanation)`` is its value; ``print(explanation)`` also names impossible symbols.

    Attributes:
        value: the result without ``explain=True``.
        contributions: of each symbol, in ``unit``: −p log q, or p log(p/q), which may be negative.
            In the shape of the input; their sum along the axis is ``value``.
        impossible: indices into ``contributions`` of the symbols with p > 0 and q = 0.
        symbols: the names or the indices of these symbols.
        unit: nats, bits or hartleys.

    >>> import kullback as kl
    >>> print(kl.cross_entropy([0.5, 0.5], [1.0, 0.0], explain=True, names=["heads", "tails"]))
    inf nats
      q gives no probability to 1 symbol that p gives some: 'tails'
    """

    value: Measure
    contributions: Vector
    impossible: tuple[tuple[int, ...], ...]
    symbols: tuple[str, ...]
    unit: str

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        return "\n  ".join(self._lines)

    def __repr__(self) -> str:
        return str(self)

    def _display(self) -> Display:
        head, note = self._lines
        parts = np.asarray(self.contributions)
        order = np.argsort(-np.abs(parts.ravel()), kind="stable")[:_LARGEST]
        places = [np.unravel_index(int(i), parts.shape) for i in order]
        rows = [(", ".join(map(str, place)), f"{float(parts[place]):.6g}") for place in places]
        more = parts.size - len(rows)
        notes = [f"and {more:,} smaller contributions"] if more > 0 else []
        return Display(head, [Table(rows, ("symbol", self.unit), (0, 1))], [*notes, note])

    @property
    def _lines(self) -> tuple[str, str]:
        """The value, and which symbols are impossible."""
        many = np.ndim(self.value) > 0
        head = f"{np.size(self.value)} values in" if many else f"{float(self.value):.10g}"
        count = len(self.symbols)
        if not count:
            return f"{head} {self.unit}", "q gives probability to every symbol that p gives some"
        named = ", ".join(self.symbols[:_SHOWN]) + (", …" if count > _SHOWN else "")
        noun = "1 symbol" if count == 1 else f"{count} symbols"
        return f"{head} {self.unit}", f"q gives no probability to {noun} that p gives some: {named}"
