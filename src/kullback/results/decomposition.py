"""The decomposition: what a fit's loss is made of, line by line, each with its error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from kullback._core.units import nats_per
from kullback.results.entropy_estimate import EntropyEstimate


@final
@dataclass(frozen=True)
class Line:
    """One line of a decomposition.

    Attributes:
        name: what it is.
        value: how much, in the decomposition's unit; NaN where it is not known.
        stderr: its standard error; 0 where it is exact, NaN where none is known.
        note: how it was got, or why it is not known.
    """

    name: str
    value: float
    stderr: float
    note: str

    @property
    def shown(self) -> str:
        """The value as a text."""
        return "unknown" if math.isnan(self.value) else f"{self.value:.6f}"


@final
@dataclass(frozen=True)
class Decomposition:
    """Cross-entropy = entropy + relative entropy, as far as each is known.

    Attributes:
        lines: the lines.
        unit: nats, bits or hartleys.
    """

    lines: tuple[Line, ...]
    unit: str

    def __getitem__(self, name: str) -> float:
        """Give the value of the line with that name."""
        for line in self.lines:
            if line.name == name:
                return line.value
        known = ", ".join(repr(line.name) for line in self.lines)
        raise KeyError(f"{name!r} is no line of this decomposition; it has {known}")

    def __str__(self) -> str:
        """Set the lines out as a table."""
        rows = [(ln.name, ln.shown, _error(ln.stderr), ln.note) for ln in self.lines]
        head = ("", self.unit, "std. error", "")
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(3)]
        return "\n".join(
            f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d}".rstrip()
            for a, b, c, d in [head, *rows]
        )


def _error(stderr: float) -> str:
    if math.isnan(stderr):
        return ""
    return "exact" if stderr == 0.0 else f"{stderr:.6f}"


@final
@dataclass(frozen=True)
class Reference:
    """A distribution that the data are known to come from.

    Attributes:
        name: what to call it.
        entropy: its entropy in nats.
        relative_entropy: D(reference ‖ fitted model) in nats.
    """

    name: str
    entropy: float
    relative_entropy: float


def build_decomposition(
    *,
    cross_entropy: float,
    variance: float,
    weight: float,
    parameters: int,
    optimism: float,
    entropy: float | None,
    estimate: EntropyEstimate | None,
    reference: Reference | None,
    unit: str,
) -> Decomposition:
    """Set up the lines.

    Args:
        cross_entropy: of the sample under the fitted model, in nats.
        variance: of −log q over the rows.
        weight: total weight n.
        parameters: how many parameters were estimated, k.
        optimism: Takeuchi's trace tr(H⁻¹J); NaN where the curvature gives none.
        entropy: exact entropy of the empirical distribution, for discrete outcomes.
        estimate: of the entropy of a continuous distribution.
        reference: the distribution that the data come from, if the user knows it.
        unit: of the result.
    """
    error = math.sqrt(variance / weight)
    lines = [
        Line("cross-entropy", cross_entropy, error, "of the sample under the fitted model"),
        Line(
            "cross-entropy, AIC",
            cross_entropy + parameters / weight,
            error,
            "on new data if the model is right: + k/n (Akaike 1973)",
        ),
    ]
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
            Line("entropy", entropy, 0.0, "of the sample: no model goes below it"),
            Line(
                "relative entropy",
                cross_entropy - entropy,
                0.0,
                "what the model wastes on this sample: D(sample ‖ model)",
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
                "estimated: what the model wastes"
                + (", within its error of zero" if estimate.beside_zero else ""),
            ),
        ]
    if reference is not None:
        lines += [
            Line(
                f"entropy of {reference.name}",
                reference.entropy,
                0.0,
                "no model goes below it on new data from the reference",
            ),
            Line(
                f"relative entropy to {reference.name}",
                reference.relative_entropy,
                0.0,
                "what the fitted model wastes on new data: D(reference ‖ model)",
            ),
        ]
    size = nats_per(unit)
    converted = [Line(ln.name, ln.value / size, ln.stderr / size, ln.note) for ln in lines]
    return Decomposition(tuple(converted), unit)
