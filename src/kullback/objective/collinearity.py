"""Columns of a design that others determine, and designs so close to that as to need a QR.

X'X holds half the digits of X: of a column that others determine to eight digits it holds none. So
where the scaled X'X of a subsample, and then of all rows, is nearly singular, a QR of the weighted
design decides, block by block along the engine's tree (A. R. Benson, D. F. Gleich and J. Demmel
2013): a column is collinear where a combination of columns vanishes up to the rounding of the
columns themselves. Of other designs the solve moves along the columns of the orthogonal factor.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback.data.blocks import Block, blocks
from kullback.models.design_matrix import DesignMatrix
from kullback.models.linear import INTERCEPT, Linear
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.first_pass import FOR_STARTS, FirstPass
from kullback.objective.statistics import Statistic

# Above this smallest eigenvalue of the scaled X'X, Newton's steps by it keep ten digits.
_NEARLY = 1e-7

# A combination of unit columns, with coefficients of length 1, whose length is below this is the
# rounding of the columns: 2e-16 a number, some hundred rows and operations. NIST's Filip, powers
# up to the tenth, has 2e-10.
_RANK = 1e-13

# A column takes part in a combination that has at least this share of the largest part.
_SHARE = 1e-9

# A combination of more columns is not written out.
_SHOWN = 5


class CollinearError(ModelError):
    """Columns of a design are linear combinations of others.

    Attributes:
        found: by parameter, each such column with the combination that it equals, as text.
    """

    def __init__(self, found: Mapping[str, Mapping[str, str]]) -> None:
        """Name the columns."""
        self.found = found
        parts = [f"for {name}, {_listed(own.values())}" for name, own in found.items()]
        super().__init__(
            f"collinear columns: {', and '.join(parts)} in all rows, so that their coefficients "
            'cannot be distinguished. Leave such columns out, or give the source collinear="drop", '
            "which does."
        )


def without_collinear(model: Model, error: CollinearError, *, asked: bool = True) -> Model:
    """Return the model without the collinear columns of sources that ask for that.

    Args:
        model: the model.
        error: names the columns.
        asked: whether a source must ask for it.

    Raises:
        CollinearError: the error itself, where another source has such columns.
    """
    sources = dict(model.sources)
    for name, found in error.found.items():
        source = sources[name]
        assert isinstance(source, Linear)  # the others have no design
        if asked and source.collinear != "drop":
            raise error
        sources[name] = source.without(found)
    return model.with_sources(sources)


def advice_on_dropped(model: Model) -> tuple[str, ...]:
    """Say which columns were left out as combinations of others."""
    return tuple(
        f"Of {name}, columns were left out that others determine in all rows, and have no "
        f"coefficients: {_listed(source.dropped.values())}."
        for name, source in model.sources.items()
        if isinstance(source, Linear) and source.dropped
    )


@dataclass(frozen=True)
class DesignSums(Statistic[Vector]):
    """A statistic of a design: abstract.

    Attributes:
        source: the linear source that it belongs to.
    """

    source: Linear

    @property
    def uses_blas(self) -> bool:
        """True."""
        return True


@final
@dataclass(frozen=True)
class Products(DesignSums):
    """X' diag(w) X of a design."""

    def of_block(self, block: Block, arguments: Vector) -> Vector:  # noqa: ARG002
        """Return the product of one block."""
        design, weight = _real_rows(self.source, block)
        return design.cross(weight)

    def merge(self, left: Vector, right: Vector) -> Vector:
        """Add."""
        return left + right


@final
@dataclass(frozen=True)
class Triangle(DesignSums):
    """R of the QR decomposition of the weighted design √w X, where R'R = X' diag(w) X."""

    def of_block(self, block: Block, arguments: Vector) -> Vector:  # noqa: ARG002
        """Return the triangle of one block; of few rows their weighted columns."""
        design, weight = _real_rows(self.source, block)
        return _triangle((design.to_dense() * np.sqrt(weight)).T)

    def merge(self, left: Vector, right: Vector) -> Vector:
        """Return the triangle of two, one above the other."""
        return _triangle(np.concatenate([left, right]))


def nearly_singular(
    model: Model, vector: ParameterVector, known: FirstPass, reduce: Callable[..., Any]
) -> dict[str, Vector]:
    """Return the triangles of the designs whose X'X has lost too many digits, by parameter.

    Of sources with a penalty there are none: it distinguishes their coefficients.

    Args:
        model: the model.
        vector: its coefficients; those that are fixed are left alone.
        known: the results of the first pass.
        reduce: adds a statistic up over the sample.

    Raises:
        CollinearError: for columns that are linear combinations of others.
    """
    free = {c.name for c in vector.free}
    sources = {
        name: source
        for name, source in model.sources.items()
        if isinstance(source, Linear) and name in free and source.penalty is None
    }
    few = list(blocks(known.subsample(model, FOR_STARTS).chunks())) if sources else []
    triangles, collinear = {}, {}
    for name, source in sources.items():
        products = Products(source)
        own = sum(products.of_block(block, np.zeros(0)) for block in few)
        if _smallest(own) > _NEARLY or _smallest(reduce(products, np.zeros(0))) > _NEARLY:
            continue
        r = reduce(Triangle(source), np.zeros(0))
        found = _combinations(r, source.labels)
        if found:
            collinear[name] = found
        else:
            triangles[name] = r / np.sqrt(known.summary.weight)
    if collinear:
        raise CollinearError(collinear)
    return triangles


def _real_rows(source: Linear, block: Block) -> tuple[DesignMatrix, Vector]:
    row = {name: values[: block.count] for name, values in block.fields.items()}
    return source.design(row), block.weight[: block.count]


def _triangle(columns: Vector) -> Vector:
    if columns.shape[0] <= columns.shape[1]:
        return columns
    from scipy.linalg import qr

    out: Vector = qr(columns, mode="r", check_finite=False)[0][: columns.shape[1]]
    return out


def _smallest(products: Any) -> float:
    """The smallest eigenvalue of X'X, scaled to a unit diagonal; 0 for a column of zeros."""
    size = np.sqrt(np.diag(products))
    if not np.all(size > 0.0):
        return 0.0
    return float(np.linalg.eigvalsh(products / (size[:, None] * size))[0])


def _combinations(r: Vector, labels: tuple[str, ...]) -> dict[str, str]:
    """Return the columns that are combinations of those before them, with these as text."""
    size = np.sqrt(np.einsum("ij,ij->j", r, r))
    unit = r / np.where(size > 0.0, size, 1.0)
    found: dict[str, str] = {}
    columns, low = list(range(len(labels))), 0
    while columns and _deficient(unit[:, columns]):
        # the first column that those before it determine, by halves: the rank never falls
        high = len(columns) - 1
        while low < high:
            middle = (low + high) // 2
            if _deficient(unit[:, columns[: middle + 1]]):
                high = middle
            else:
                low = middle + 1
        place = columns.pop(low)
        found[labels[place]] = _written(unit, size, columns[:low], place, labels)
    return found


def _deficient(columns: Vector) -> bool:
    """Whether a combination of unit columns vanishes up to rounding."""
    rows, count = columns.shape
    if rows < count:
        return True
    return bool(np.linalg.svd(columns, compute_uv=False)[-1] <= _RANK)


def _written(
    unit: Vector, size: Vector, kept: list[int], place: int, labels: tuple[str, ...]
) -> str:
    """Write a column as a combination of others."""
    name = labels[place]
    if size[place] == 0.0 or not kept:
        return f"{name} = 0"
    part = np.linalg.lstsq(unit[:, kept], unit[:, place], rcond=None)[0]
    places = [k for k, own in enumerate(part) if abs(own) > _SHARE * np.max(np.abs(part))]
    if len(places) > _SHOWN:
        names = ", ".join(labels[kept[k]] for k in places[:_SHOWN])
        return f"{name} is a combination of {names} and {len(places) - _SHOWN} more"
    text = ""
    for k in places:
        number, own = float(part[k] * size[place] / size[kept[k]]), labels[kept[k]]
        written = f"{abs(number):.6g}"
        if own == INTERCEPT:
            own = written
        elif written != "1":
            own = f"{written} × {own}"
        text += (" − " if number < 0.0 else " + ") + own
    return f"{name} = {text.removeprefix(' + ').replace(' − ', '−', text.startswith(' − '))}"


def _listed(texts: Collection[str]) -> str:
    """Write out the first of several texts."""
    shown = "; ".join(list(texts)[:_SHOWN])
    return shown if len(texts) <= _SHOWN else f"{shown}; and {len(texts) - _SHOWN:,} more"
