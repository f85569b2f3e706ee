"""The estimate: a number with its error and its method, in nats or bits or without such a unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.display import Display, Displayed, Table
from kullback._core.errors import KullbackError
from kullback._core.units import nats_per

Number: TypeAlias = "float | Vector"

# Estimates of several samples that a notebook shows.
_SHOWN = 20


@final
@dataclass(frozen=True, eq=False, repr=False)
class Estimate(Displayed):
    """An entropy, relative entropy, cross-entropy or another quantity, with its error.

    ``float(estimate)`` is its value; ``print(estimate)`` shows everything.

    Attributes:
        value: in ``unit``; an array for several samples.
        stderr: standard error in ``unit``: 0 where the value is exact, NaN where it is unknown.
            Of a quadrature it is the bound on its numerical error.
        interval: lower and upper end, in ``unit``, of the interval at ``level``.
        method: the name of the method.
        unit: nats, bits or hartleys; empty for a quantity that is not an information.
        assumptions: of the value and its error, and cautions, a sentence each.
        level: of the interval, as 0.95.

    >>> print(Estimate(1.5, 0.1, (1.3, 1.7), "plug-in", "nats", ("rows are independent",)))
    1.5 nats ± 0.1 (95%: 1.3 to 1.7), plug-in
      rows are independent
    """

    value: Number
    stderr: Number
    interval: tuple[Number, Number]
    method: str
    unit: str
    assumptions: tuple[str, ...] = ()
    level: float = 0.95

    def to(self, unit: str) -> Estimate:
        """Return the same estimate in another unit.

        Args:
            unit: nats, bits or hartleys.

        Raises:
            KullbackError: for another unit, and for a quantity without one.
        """
        if not self.unit:
            raise KullbackError(f"this estimate, {self._line}, is not in a unit of information.")
        factor = nats_per(self.unit) / nats_per(unit)
        low, high = self.interval
        return replace(
            self,
            value=self.value * factor,
            stderr=self.stderr * factor,
            interval=(low * factor, high * factor),
            unit=unit,
        )

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        rows = str(self._table).splitlines() if np.size(self.value) > 1 else []
        return "\n  ".join([self._line, *rows, *self._notes])

    def _display(self) -> Display:
        return Display(self._line, [self._table], self._notes)

    @property
    def _table(self) -> Table:
        low, high = self.interval
        columns = [np.ravel(x) for x in np.broadcast_arrays(self.value, self.stderr, low, high)]
        rows = [
            (f"{a:.6g}", "exact" if b == 0.0 else f"{b:.2g}", f"{c:.6g} to {d:.6g}")
            for a, b, c, d in zip(*(column[:_SHOWN] for column in columns), strict=True)
        ]
        head = (self.unit or "value", "std. error", f"{100 * self.level:.4g}% interval")
        return Table(rows, head, range(3))

    @property
    def _notes(self) -> list[str]:
        more = np.size(self.value) - _SHOWN
        return [f"and {more:,} more"] * (more > 0) + list(self.assumptions)

    @property
    def _line(self) -> str:
        """The value, its error and its method in one line."""
        unit = f" {self.unit}" if self.unit else ""
        if np.size(self.value) != 1:
            return f"{np.size(self.value)} estimates{' in' if unit else ''}{unit}, {self.method}"
        value, stderr, low, high = (
            float(np.ravel(x)[0]) for x in (self.value, self.stderr, *self.interval)
        )
        if not np.isfinite(value) or stderr == 0.0:
            return f"{value:.10g}{unit}, {self.method}"
        known = np.isfinite(stderr)
        head = f"{value:.6g}{unit}" + (f" ± {stderr:.2g}" if known else ", error unknown")
        if known or not np.isnan(low + high):
            head += f" ({100 * self.level:.4g}%: {low:.6g} to {high:.6g})"
        return f"{head}, {self.method}"
