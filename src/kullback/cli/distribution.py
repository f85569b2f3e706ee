"""The distribution of a saved fit in numbers: moments, quantiles, probabilities, draws, scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import kullback
from kullback._core.errors import KullbackError
from kullback.cli import process
from kullback.cli.fit import fit_document

# The quantiles that a description has where none are asked for.
QUANTILES = (0.05, 0.5, 0.95)


class FittedDistribution:
    """What a saved fit of a distribution says about its outcomes."""

    def __init__(self, fit: kullback.Fit, unit: str) -> None:
        from kullback.data.checks import name_of_column

        self.fit, self.unit, self.model = fit, unit, fit.model
        self.labels = fit.sample_info.levels
        name = name_of_column(fit.sample_info.label)
        self.column = name if name != fit.sample_info.label else None
        self.name = "y" if name in ("density", "log_density") else name

    def _ordered(self, option: str) -> None:
        if self.labels is not None:
            raise KullbackError(
                f"{option} does not apply to class labels, which have no order; the probability of "
                "each class is in the summary and in --json."
            )

    def quantiles(self, levels: Sequence[float]) -> list[float]:
        """The quantiles of these probabilities."""
        if levels:
            self._ordered("--quantile")
        return [float(value) for value in self.model.quantile(list(levels))] if levels else []

    def probabilities(self, points: Sequence[float]) -> list[tuple[float, float]]:
        """P(Y ≤ x) and P(Y > x) of these numbers."""
        if not points:
            return []
        self._ordered("--cdf")
        below, above = (f(list(points)) for f in (self.model.cdf, self.model.survival))
        return [(float(p), float(q)) for p, q in zip(below, above, strict=True)]

    def moments(self) -> dict[str, float | None]:
        """The moments; None for one that the family does not provide."""
        out: dict[str, float | None] = {}
        for name in () if self.labels is not None else ("mean", "variance"):
            try:
                out[name] = getattr(self.model, name)()
            except KullbackError:
                out[name] = None
        variance = out.get("variance")
        if variance is not None:
            out["standard deviation"] = math.sqrt(variance)
        try:
            out["entropy"] = float(kullback.entropy(self.model, unit=self.unit))
        except KullbackError:
            out["entropy"] = None
        return out

    def draws(self, count: int, seed: int | None) -> dict[str, Any]:
        """Independent draws, as a column."""
        import numpy as np

        values = self.model.sample(count, seed=seed)
        if self.labels is not None:
            values = np.array([str(v) for v in self.labels], dtype=object)[values.astype(int)]
        elif self.model.discrete and np.all(np.abs(values) < 2.0**53):
            values = values.astype(np.int64)
        return {self.name: values}

    def scored(self, table: Any, y: str | None, missing: str) -> Iterator[dict[str, Any]]:
        """The outcomes of files, with their density and log-density, part by part."""
        import numpy as np

        from kullback.data.open import open_sample
        from kullback.data.roles import Roles

        roles = Roles(
            y or self._column_in(table),
            missing=missing,
            outcome="number" if self.labels is None else "label",
            classes=self.labels,
        )
        sample = open_sample(table, roles)
        for chunk in sample.chunks():
            values = outcomes = chunk.fields["y"]
            if self.labels is not None:
                # a label that the fit has not seen has the code −1, and the probability 0
                own = {label: float(code) for code, label in enumerate(self.labels)}
                levels = sample.levels or ()
                codes = np.array([own.get(label, -1.0) for label in levels])
                outcomes = np.array([str(v) for v in levels], dtype=object)[values.astype(int)]
                values = codes[values.astype(int)]
            logs = self.model.log_density(values)
            yield {self.name: outcomes, "density": np.exp(logs), "log_density": logs}

    def _column_in(self, table: Any) -> str | None:
        """The column of the fit, in a table that has it."""
        from kullback.data.files import open_files

        names = open_files(table).names
        return self.column if self.column in names else None

    def document(
        self,
        levels: Sequence[float],
        points: Sequence[float],
        drawn: dict[str, Any] | None,
        scored: Any,
    ) -> dict[str, Any]:
        """The content for ``--json``."""
        marks = levels or (QUANTILES if self.labels is None else ())
        document = {
            **fit_document(self.fit, self.unit),
            "distribution": {
                **{name.replace(" ", "_"): value for name, value in self.moments().items()},
                "quantiles": [
                    {"probability": u, "value": value}
                    for u, value in zip(marks, self.quantiles(marks), strict=True)
                ],
                "cdf": [
                    {"value": x, "probability": below, "above": above}
                    for x, (below, above) in zip(points, self.probabilities(points), strict=True)
                ],
            },
        }
        if drawn is not None:
            (document["sample"],) = (process.plain(values) for values in drawn.values())
        parts = [process.plain(part) for part in scored]
        if parts:
            document["rows"] = {key: [v for part in parts for v in part[key]] for key in parts[0]}
        return document

    def print_values(self, levels: Sequence[float], points: Sequence[float]) -> None:
        """Print tables of quantiles and of probabilities."""
        quantiles, probabilities = self.quantiles(levels), self.probabilities(points)
        if levels:
            rows = [(f"{u:g}", f"{q:.10g}") for u, q in zip(levels, quantiles, strict=True)]
            process.write_table(("probability", "quantile"), rows)
        if levels and points:
            process.write("")
        if points:
            process.write_table(
                ("x", "P(Y <= x)", "P(Y > x)"),
                [
                    (f"{x:g}", f"{p:.10g}", f"{q:.10g}")
                    for x, (p, q) in zip(points, probabilities, strict=True)
                ],
            )

    def print_moments(self) -> None:
        """Print the moments and some quantiles, below the summary."""
        moments = self.moments()
        entropy = moments.pop("entropy")
        rows = [*moments.items(), (f"entropy ({self.unit})", entropy)]
        if self.labels is None:
            found = zip(QUANTILES, self.quantiles(QUANTILES), strict=True)
            rows += [(f"quantile {u:g}", q) for u, q in found]
        process.write("")
        process.write_table(
            ("of the fitted distribution", ""), [(name, _shown(value)) for name, value in rows]
        )


def _shown(value: float | None) -> str:
    if value is None:
        return "no formula in this library"
    return "does not exist" if math.isnan(value) else f"{value:.8g}"
