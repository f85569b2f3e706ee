"""The decomposition: the parts of a fit's loss, one a line, each with its error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from kullback._core.display import Display, Displayed, Listed, Table
from kullback._core.equality import Comparable
from kullback._core.units import nats_per
from kullback.information.estimate import Estimate
from kullback.results.entropy_estimate import EntropyEstimate

# Standard errors below this would show as zero with six decimals.
_SMALLEST = 5e-7


@final
@dataclass(frozen=True, eq=False, repr=False)
class Line(Listed, Comparable):
    """One line of a decomposition.

    Attributes:
        name: the quantity.
        value: its value, in the decomposition's unit; NaN where it is unknown.
        stderr: its standard error; 0 where the value is exact, NaN where the error is unknown.
        note: how it was computed, or why it is unknown.
    """

    name: str
    value: float
    stderr: float
    note: str

    @property
    def shown(self) -> str:
        """The value as text."""
        return "unknown" if math.isnan(self.value) else f"{self.value:.6f}"

    @property
    def shown_error(self) -> str:
        """The standard error as text: empty where it is unknown."""
        if math.isnan(self.stderr):
            return ""
        if self.stderr == 0.0:
            return "exact"
        return f"{self.stderr:.6f}" if self.stderr >= _SMALLEST else f"{self.stderr:.0e}"

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The line as the cells of a table."""
        return self.name, self.shown, self.shown_error, self.note

    def _cells(self) -> dict[str, str]:
        return dict(zip(("name", "value", "std. error", "note"), self.cells, strict=True))


@final
@dataclass(frozen=True, eq=False, repr=False)
class Decomposition(Displayed, Comparable):
    """Cross-entropy = entropy + relative entropy, as far as each is known.

    Attributes:
        lines: the lines.
        unit: nats, bits or hartleys.
    """

    lines: tuple[Line, ...]
    unit: str

    def __getitem__(self, name: str) -> float:
        """Return the value of the line with that name."""
        for line in self.lines:
            if line.name == name:
                return line.value
        known = ", ".join(repr(line.name) for line in self.lines)
        raise KeyError(f"{name!r} is not a line of this decomposition; its lines are {known}")

    @property
    def head(self) -> tuple[str, str, str, str]:
        """The head of the table: the titles of a line's cells."""
        return "", self.unit, "std. error", ""

    def __str__(self) -> str:
        """Format the lines as a table."""
        return str(self.table)

    __repr__ = __str__

    @property
    def table(self) -> Table:
        """The lines as a table."""
        return Table([line.cells for line in self.lines], self.head, numbers=(1, 2))

    def _display(self) -> Display:
        return Display(f"Decomposition of the cross-entropy in {self.unit}", [self.table])


def decomposition_in(unit: str, lines: list[Line]) -> Decomposition:
    """Convert lines in nats to a unit.

    Raises:
        KullbackError: for another unit than nats, bits or hartleys.
    """
    size = nats_per(unit)
    return Decomposition(
        tuple(Line(ln.name, ln.value / size, ln.stderr / size, ln.note) for ln in lines), unit
    )


@final
@dataclass(frozen=True)
class Reference:
    """A distribution that the data are known to come from.

    Attributes:
        name: how to call it.
        entropy: its entropy in nats.
        relative_entropy: D(reference ‖ fitted model) in nats.
    """

    name: str
    entropy: Estimate
    relative_entropy: Estimate


def build_decomposition(
    *,
    cross_entropy: float,
    variance: float,
    weight: float,
    parameters: int | None,
    optimism: float,
    entropy: float | None,
    estimate: EntropyEstimate | None,
    reference: Reference | None,
    inexact: str,
    unit: str,
) -> Decomposition:
    """Assemble the lines.

    Args:
        cross_entropy: of the sample under the fitted model, in nats.
        variance: of −log q over the rows.
        weight: total weight n.
        parameters: number of estimated parameters, k; None with a penalty or sampling weights.
        optimism: Takeuchi's trace tr(H⁻¹J); NaN where the Hessian is not positive definite.
        entropy: exact entropy of the empirical distribution, for discrete outcomes.
        estimate: of the entropy of a continuous distribution.
        reference: the distribution that the data come from, if the user knows it.
        inexact: the rows that are not exact, as text; empty where there are none.
        unit: of the result.
    """
    # below zero where the digits of a variance were lost, as for outcomes of 1e-300
    error = math.sqrt(variance / weight) if variance >= 0.0 else math.nan
    lines = [Line("cross-entropy", cross_entropy, error, "of the sample under the fitted model")]
    if parameters is not None:
        lines.append(
            Line(
                "cross-entropy, AIC",
                cross_entropy + parameters / weight,
                error,
                "on new data if the model is right: + k/n (Akaike 1973)",
            )
        )
    if not math.isnan(optimism):
        lines.append(
            Line(
                "cross-entropy, TIC",
                cross_entropy + optimism / weight,
                error,
                "on new data, model right or wrong: + tr(H⁻¹J)/n (Takeuchi 1976)",
            )
        )
    if entropy is not None:
        lines += [
            Line("entropy", entropy, 0.0, "of the sample: the least cross-entropy of any model"),
            Line(
                "relative entropy",
                cross_entropy - entropy,
                0.0,
                "excess loss of the model on this sample, D(sample ‖ model)",
            ),
        ]
    if estimate is not None and math.isnan(estimate.entropy):
        lines.append(Line("entropy", math.nan, math.nan, f"no estimate: {estimate.method}"))
    elif estimate is not None:
        lines += [
            Line(
                "entropy",
                estimate.entropy,
                estimate.entropy_error,
                f"estimated by {estimate.method}",
            ),
            Line(
                "relative entropy",
                estimate.relative,
                estimate.relative_error,
                "estimated excess loss of the model"
                + (", within its error of zero" if estimate.near_zero else ""),
            ),
        ]
    if reference is not None and inexact:
        lines.append(
            Line(f"entropy of {reference.name}", math.nan, math.nan, f"not given: {inexact}")
        )
    elif reference is not None:
        lines += [
            Line(
                f"entropy of {reference.name}",
                float(reference.entropy),
                float(reference.entropy.stderr),
                f"the least cross-entropy on data from it, by {reference.entropy.method}",
            ),
            Line(
                f"relative entropy to {reference.name}",
                float(reference.relative_entropy),
                float(reference.relative_entropy.stderr),
                "excess loss of the model on data from it, D(reference ‖ model), "
                f"by {reference.relative_entropy.method}",
            ),
        ]
    return decomposition_in(unit, lines)
