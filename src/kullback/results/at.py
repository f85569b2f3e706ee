"""The parameters of rows under a fitted model, and their distributions: ``Fit.at``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.errors import DataError
from kullback.data.observation import Unobserved
from kullback.data.open import open_sample
from kullback.data.paths import as_paths
from kullback.data.roles import Roles
from kullback.data.sample import Integers, RowSource
from kullback.data.tables import is_matrix, read, read_table
from kullback.models.formula.bases import Basis
from kullback.models.formula.factors import Numeric
from kullback.models.linear import Linear
from kullback.models.model import Model
from kullback.models.row_distributions import RowDistributions
from kullback.models.row_evaluation import RUN, over_rows
from kullback.models.source import SameAs
from kullback.objective.model_columns import schema_of
from kullback.objective.predictors import Predictors, predictors_of

Fields = Mapping[str, Vector]


@final
@dataclass(frozen=True, eq=False)
class NewRows:
    """The columns that a model reads, of rows without outcomes.

    Attributes:
        sample: the rows in which no value is missing; None for a model without columns.
        total: the number of rows for such a model.
    """

    sample: RowSource | None
    total: int = 0

    @classmethod
    def of(cls, model: Model, data: Any) -> NewRows:
        """Open the data.

        Raises:
            DataError: for a column that is missing or holds what it must not, such as a category
                that the model does not know; the message names the rows.
        """
        if not model.columns:
            return cls(None, _count(data))
        categorical = tuple(n for s in model.sources.values() for n in s.categories or ())
        roles = Roles(
            columns=model.columns, categorical=categorical, missing="drop", kind=Unobserved()
        )
        return cls(open_sample(data, roles, schema_of((model,))))

    def runs(self) -> Iterator[tuple[Fields, Integers, int]]:
        """Yield the columns of some rows, the rows' numbers, and how many they are."""
        if self.sample is None:
            for begin in range(0, self.total, RUN):
                count = min(RUN, self.total - begin)
                yield {}, np.arange(begin, begin + count), count
            return
        for chunk in self.sample.chunks():
            numbers = chunk.row_numbers
            for begin in range(0, chunk.count, RUN):
                rows = slice(begin, begin + RUN)
                fields = {name: values[rows] for name, values in chunk.fields.items()}
                yield fields, numbers[rows], len(numbers[rows])

    def among_all(self, parts: Sequence[Vector], numbers: Sequence[Integers]) -> Vector:
        """Return results of runs of rows in the order of the data, NaN where a value is missing."""
        found = np.concatenate(parts)
        dropped = 0 if self.sample is None else self.sample.dropped
        if not dropped:
            return found
        out = np.full((len(found) + dropped, *found.shape[1:]), np.nan)
        out[np.concatenate(numbers)] = found
        return out


@final
@dataclass(frozen=True, eq=False)
class RowParameters:
    """The parameters of rows by their predictors.

    Attributes:
        model: the model.
        predictors: of the model.
        numbers: all of its constrained numbers.
    """

    model: Model
    predictors: Predictors
    numbers: Vector

    @classmethod
    def of(cls, model: Model) -> RowParameters:
        """Take a model with every number fixed."""
        numbers = model.vector.constrained(np.zeros(0))
        return cls(model, predictors_of(model, (False,) * numbers.size), numbers)

    @property
    def varying(self) -> frozenset[str]:
        """The parameters that differ by row."""
        sources = self.model.sources
        return frozenset(
            name
            for name, source in sources.items()
            if (sources[source.other] if isinstance(source, SameAs) else source).columns
        )

    def at(self, values: Sequence[Vector], fields: Fields, count: int) -> dict[str, Vector]:
        """Return the parameters of rows.

        Args:
            values: the predictors, each of the rows or of one number.
            fields: the columns of the rows.
            count: the number of rows.

        Returns:
            By name, shape (rows,) or (rows, K); for a parameter that is the same for all rows,
            shape () or (K,).
        """
        of_row, names = self.predictors.of_row, self.predictors.columns
        rows = [a for a, p in enumerate(self.predictors.each) if p.varies]
        columns = [fields[n] for n in names] + [np.broadcast_to(values[a], count) for a in rows]
        others = [a for a, p in enumerate(self.predictors.each) if not p.varies]
        sizes = {n: domain.size for n, domain in self.model.parameters.items()}
        columns = columns or [np.zeros(count)]
        split = len(names)

        def formula(*inputs: Array) -> Sequence[Array]:
            row = dict(zip(names, inputs[:split], strict=True))
            given = inputs[len(columns) - len(rows) :]
            at = dict(zip([*rows, *others], given, strict=True))
            found = of_row.row_parameters([at[a] for a in range(len(at))], row)
            out: list[Array] = []
            for name, size in sizes.items():
                out += [found[name]] if size == 1 else [found[name][..., k] for k in range(size)]
            return out

        key = ("row parameters", of_row.structure, names, tuple(rows))
        scalars = [float(values[a][0]) for a in others]
        flat = iter(over_rows(key, formula, count, lambda r: [c[r] for c in columns], scalars))
        out: dict[str, Vector] = {}
        for name, size in sizes.items():
            own = [next(flat) for _ in range(size)]
            value = own[0] if size == 1 else np.stack(own, axis=-1)
            out[name] = value if name in self.varying else np.asarray(value[0])
        return out


def distributions(model: Model, rows: NewRows) -> RowDistributions:
    """Return the distributions of rows under a model with every number fixed."""
    of = RowParameters.of(model)
    varying = of.varying
    parts: list[dict[str, Vector]] = []
    numbers: list[Integers] = []
    for fields, own, count in rows.runs():
        with np.errstate(invalid="ignore", divide="ignore"):  # what has no value is refused
            values, _ = of.predictors.evaluate(of.numbers, fields)
        if any(np.isnan(value).any() for value in values):
            _refuse_undefined(model, rows, fields, own)
        parts.append(of.at(values, fields, count))
        numbers.append(own)
    if not parts:
        return _of_no_row(model, rows, varying)
    found = {
        n: rows.among_all([part[n] for part in parts], numbers) if n in varying else parts[0][n]
        for n in parts[0]
    }
    dropped = 0 if rows.sample is None else rows.sample.dropped
    return RowDistributions(model, found, varying, sum(map(len, numbers)) + dropped)


def _refuse_undefined(model: Model, rows: NewRows, fields: Fields, numbers: Integers) -> None:
    """Raise where a term of a formula has no value in a row.

    Raises:
        DataError: with the term and the row, such as a logarithm of −1.
    """
    designs = [s.terms for s in model.sources.values() if isinstance(s, Linear) and s.terms]
    for design in designs:
        for factor in design.computed:
            with np.errstate(all="ignore"):  # NaN, what is looked for here
                found = np.isnan(np.stack(np.broadcast_arrays(*factor.evaluate(fields)))).any(0)
            if rows.sample is not None and found.any():
                first = int(np.flatnonzero(found)[0])
                values = ", ".join(f"{name}={fields[name][first]:g}" for name in factor.columns)
                where = f"{rows.sample.locate(int(numbers[first]))} ({values})"
                raise DataError(f"{factor.node} has no value in {where}{_needs(factor)}.")


def _needs(factor: Numeric | Basis) -> str:
    """Say where a spline has values."""
    if not isinstance(factor, Basis) or factor.range is None:
        return ""
    low, high = factor.range
    argument = factor.node.arguments[0]
    return f": {argument} must lie between {low:g} and {high:g}, as in the rows of the fit"


def _of_no_row(model: Model, rows: NewRows, varying: frozenset[str]) -> RowDistributions:
    """No row is known: all of them have a missing value, or there are none."""
    count = rows.total if rows.sample is None else rows.sample.dropped
    shapes = {n: () if d.size == 1 else (d.size,) for n, d in model.parameters.items()}
    nothing = {
        n: np.full((count, *shape) if n in varying else shape, np.nan)
        for n, shape in shapes.items()
    }
    return RowDistributions(model, nothing, varying, count)


def at_rows(model: Model, data: Any) -> RowDistributions:
    """Return the distributions of the rows of data; see ``Fit.at``."""
    return distributions(model, NewRows.of(model, data))


def of_rows(f: Callable[[RowDistributions], Any], model: Model, data: Any) -> Callable[[Any], Any]:
    """Return a function of the distributions of rows as a function of models."""
    rows = NewRows.of(model, data)
    return lambda changed: f(distributions(changed, rows))


def _count(data: Any) -> int:
    """The number of rows of data of which no column is read."""
    paths = as_paths(data)
    if paths is not None:
        from kullback.data.files import open_files

        files = open_files(paths)
        first = tuple(files.names[:1])
        return sum(part.count for part in files.parts(first, files.texts & {*first}))
    if not isinstance(data, Mapping) and not is_matrix(data):
        column = read(data, "the data")
        if isinstance(column, np.ndarray):
            return len(column)
    table = read_table(data)
    return len(table.column(table.names[0])) if table.names else 0
