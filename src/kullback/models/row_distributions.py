"""The distributions of several rows: what ``fit.at`` returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.display import Display, Displayed, Table
from kullback._core.errors import DataError, ModelError
from kullback.data.arrays import to_numbers
from kullback.data.checks import count_of
from kullback.data.tables import column_values
from kullback.models.draws import key_of, stream
from kullback.models.evaluation import refuse_subnormal
from kullback.models.model import Model
from kullback.models.row_wise import Places, RowWise, row_of_points

# Rows that a notebook shows.
_SHOWN = 20


@final
class RowDistributions(Displayed):
    """The fitted distribution of each of several rows, as ``fit.at(data)`` returns it.

    Every method takes its argument by one rule, and returns float64 arrays in the order of the
    rows:

    * a number, which is taken at every row, or one value a row (an array, a list, a Series):
      shape (rows,);
    * an array of shape (rows, m), m values for each row: shape (rows, m);
    * ``at=[...]``, m values that are taken at every row: shape (rows, m).

    A row in which a value of a column is missing is NaN everywhere. Outcomes of a model of labels
    are the labels themselves.

    Attributes:
        model: the fitted model, whose parameters depend on the row.
        levels: class labels in the order of their codes; None for numbers.

    Example:
        >>> import kullback as kl
        >>> data = {"x": [0.0, 1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8, 9.0]}
        >>> curve = kl.Function(lambda x, a, b: a + b * x, start={"a": 0.0, "b": 1.0})
        >>> rows = kl.fit(kl.Normal(loc=curve), data, "y").at({"x": [1.0, 10.0]})
        >>> rows.mean().round(6)
        array([ 3.03, 20.76])
        >>> rows.quantile(at=[0.1, 0.9]).round(3)
        array([[ 2.857,  3.203],
               [20.587, 20.933]])
    """

    def __init__(
        self,
        model: Model,
        parameters: Mapping[str, Vector],
        varying: frozenset[str],
        rows: int,
    ) -> None:
        """Take the parameters.

        Args:
            model: the fitted model.
            parameters: by name, of every row; NaN in rows that are not known.
            varying: the names of parameters that have an axis of rows; the others are the same for
                all.
            rows: the number of rows.
        """
        self.model, self.levels, self._rows = model, model.levels, rows
        self._parameters, self._varying = dict(parameters), varying
        known = np.ones(rows, dtype=bool)
        for name in varying:
            known &= ~np.isnan(parameters[name].reshape(rows, -1)).any(axis=1)
        self._places: Places | None = None if known.all() else np.flatnonzero(known)
        if self._places is not None:
            parameters = {n: v[self._places] if n in varying else v for n, v in parameters.items()}
        self.known = RowWise.of(model, parameters, varying, int(known.sum()))

    def __len__(self) -> int:
        """The number of rows."""
        return self._rows

    @property
    def params(self) -> dict[str, Vector]:
        """The parameters by name: shape (rows,), or (rows, K) for vectors of K numbers."""
        out: dict[str, Vector] = {}
        for name, domain in self.model.parameters.items():
            value = self._parameters[name]
            if name not in self._varying:
                shape = (self._rows, *(() if domain.size == 1 else (domain.size,)))
                value = np.broadcast_to(value, shape)
            out[name] = value.copy()
        return out

    # ---- moments ---------------------------------------------------------------------------

    def mean(self) -> Vector:
        """The expected outcome of each row, shape (rows,).

        By the family's formula; of a distribution that is cut, by quadrature, once for equal rows.

        Raises:
            ModelError: for labels, and for a family without one.
        """
        self._refuse_labels("mean")
        return self._filled(self.known.mean())

    def variance(self) -> Vector:
        """The variance of each row's outcome, shape (rows,). See ``mean``."""
        self._refuse_labels("variance")
        return self._filled(self.known.variance())

    def probabilities(self) -> Vector:
        """The probability of each class, shape (rows, K), in the order of ``levels``.

        Raises:
            ModelError: for a model of numbers; of counts, ``density(at=[0, 1, ...])`` has them.
        """
        if self.model.outcome == "number":
            raise ModelError(
                f"{self.model.name} is of numbers, not of labels: of counts, "
                "density(at=[0, 1, ...]) gives the probability of each."
            )
        size = next(iter(self.model.parameters.values())).size
        return self._values("row_log_density", np.arange(float(size)), (size,), np.exp)

    def _refuse_labels(self, what: str) -> None:
        if self.model.outcome != "number":
            raise ModelError(
                f"{self.model.name} does not have a {what}: its outcomes are labels, not numbers. "
                "Use probabilities()."
            )

    # ---- functions of an outcome -----------------------------------------------------------

    def log_density(self, y: Any = None, *, at: Any = None) -> Vector:
        """Log-density of outcomes (log-probability of counts and labels), in nats.

        Args:
            y: a number, or one value a row.
            at: instead, outcomes that are taken at every row.

        Returns:
            See the class. −inf outside the support, NaN for a missing outcome.

        Raises:
            DataError: for an argument of another length, or a label that the model does not have.
        """
        return self._of_outcomes("row_log_density", y, at)

    def density(self, y: Any = None, *, at: Any = None) -> Vector:
        """Density of outcomes (probability of counts and labels). See ``log_density``."""
        return self._of_outcomes("row_log_density", y, at, np.exp)

    def log_cdf(self, t: Any = None, *, at: Any = None) -> Vector:
        """Log-probability of an outcome ≤ ``t``. See ``log_density``."""
        return self._of_numbers("row_log_cdf", t, at)

    def cdf(self, t: Any = None, *, at: Any = None) -> Vector:
        """Probability of an outcome ≤ ``t``. See ``log_density``."""
        return self._of_numbers("row_log_cdf", t, at, np.exp)

    def log_survival(self, t: Any = None, *, at: Any = None) -> Vector:
        """Log-probability of an outcome > ``t``. See ``log_density``."""
        return self._of_numbers("row_log_survival", t, at)

    def survival(self, t: Any = None, *, at: Any = None) -> Vector:
        """Probability of an outcome > ``t``. See ``log_density``."""
        return self._of_numbers("row_log_survival", t, at, np.exp)

    def hazard(self, t: Any = None, *, at: Any = None) -> Vector:
        """Density at ``t``, given that the outcome is at least ``t``.

        Of counts it is the probability of ``t``, given that. NaN beyond the support.
        """
        density = self._of_numbers("row_log_density", t, at)
        beyond = self._of_numbers("row_log_survival", t, at)
        with np.errstate(invalid="ignore", over="ignore"):  # beyond the support
            if self.model.discrete:
                beyond = np.logaddexp(beyond, density)
            out: Vector = np.exp(density - beyond)
        return out

    def quantile(self, u: Any = None, *, at: Any = None) -> Vector:
        """Smallest outcome with ``cdf ≥ u``.

        Args:
            u: a probability, or one a row.
            at: instead, probabilities that are taken at every row.

        Raises:
            ModelError: for numbers outside [0, 1].
        """
        self._refuse_labels("quantile")
        levels, shape = self._argument("u", u, at)
        if np.any((levels < 0.0) | (levels > 1.0)):
            raise ModelError("u must lie in [0, 1]: quantile takes probabilities.")
        refuse_subnormal(levels, "u")
        flat, place = self._points(levels, shape)
        return self._filled(self.known.quantiles(flat, place).reshape(-1, *shape))

    def sample(self, n: Any = None, *, seed: Any = None) -> NDArray[Any]:
        """Draw independent outcomes of every row.

        Args:
            n: the number of draws of each row; None for one, without an axis of its own.
            seed: a whole number or a JAX random key, which draws the same outcomes of the same rows
                every time; None draws different ones.

        Returns:
            Shape (rows, n), or (rows,): float64, or labels (None for a row that is not known).
        """
        if n is not None and (not isinstance(n, int | np.integer) or n < 0):
            raise ModelError(f"n must be a number of draws of each row, got {n!r}.")
        generator = stream(key_of(seed), 0)
        drawn = self._filled(self.known.draw(generator, 1 if n is None else int(n)).T)
        drawn = drawn[:, 0] if n is None else drawn
        return drawn if self.levels is None else self.labelled(drawn)

    def labelled(self, codes: Vector) -> NDArray[Any]:
        """Return the class labels of codes; None for NaN, where there are any."""
        levels = np.asarray(self.levels)
        known = ~np.isnan(codes)
        labels: NDArray[Any] = levels[np.where(known, codes, 0.0).astype(np.intp)]
        if not known.all():
            labels = labels.astype(object)
            labels[~known] = None
        return labels

    # ---- arguments and results -------------------------------------------------------------

    def _of_outcomes(self, hook: str, y: Any, at: Any, then: Any = None) -> Vector:
        if self.levels is None:
            return self._of_numbers(hook, y, at, then)
        return self._of_numbers(hook, self._codes(y), self._codes(at), then)

    def _codes(self, labels: Any) -> Any:
        """Return the codes of class labels, NaN for None."""
        if labels is None:
            return None
        codes = {level: float(code) for code, level in enumerate(self.levels or ())}
        codes |= {None: np.nan}
        array = np.asarray(labels, dtype=object)
        try:
            return np.array([codes[v] for v in array.ravel().tolist()]).reshape(array.shape)
        except (KeyError, TypeError):
            wrong = next(v for v in array.ravel().tolist() if v not in codes)
            raise DataError(
                f"{wrong!r} is not a class of the model: it has "
                f"{', '.join(map(repr, (self.levels or ())[:_SHOWN]))}."
            ) from None

    def _of_numbers(self, hook: str, x: Any, at: Any, then: Any = None) -> Vector:
        if hook != "row_log_density":
            self._refuse_labels("distribution function")
        values, shape = self._argument("y" if hook == "row_log_density" else "t", x, at)
        return self._values(hook, values, shape, then)

    def _values(self, hook: str, x: Vector, shape: tuple[int, ...], then: Any = None) -> Vector:
        if self.model.support.lower == 0.0:  # elsewhere they add to larger numbers
            refuse_subnormal(x, "x")
        flat, place = self._points(x, shape)
        found = self.known.hook(hook, flat, place).reshape(-1, *shape)
        return self._filled(found if then is None else then(found))

    def _argument(self, name: str, x: Any, at: Any) -> tuple[Vector, tuple[int, ...]]:
        """Return numbers, one or m for each row or for all, and the shape of one row's result."""
        if (x is None) == (at is None):
            raise DataError(
                f"give {name} as a number or one value a row, or at=[...] for values that are "
                "taken at every row: one of them."
            )
        if at is not None:
            values = _numbers("at", at)
            if values.ndim > 1:
                raise DataError(f"at must be numbers in one dimension, got shape {values.shape}.")
            values = np.atleast_1d(values)
            return values, values.shape
        values = _numbers(name, x)
        if values.ndim == 0:
            return values, ()
        if values.ndim <= 2 and len(values) == self._rows:
            return values, values.shape[1:]
        raise DataError(
            f"{name} must be a number or one value for each of {count_of(self._rows, 'row')}, got "
            f"shape {values.shape}. For several values at every row, write at=[...]."
        )

    def _points(self, x: Vector, shape: tuple[int, ...]) -> tuple[Vector, Places | None]:
        """Return one number for each point of the known rows, and the rows of the points."""
        count = self.known.count
        if x.ndim == len(shape) + 1 and self._places is not None:
            x = x[self._places]
        flat = np.broadcast_to(x, (count, *shape)).ravel()
        return flat, row_of_points(count, *shape) if shape else None

    def _filled(self, found: Vector) -> Vector:
        """Return results of known rows among NaN for the others."""
        if self._places is None:
            return found
        out = np.full((self._rows, *found.shape[1:]), np.nan)
        out[self._places] = found
        return out

    def __repr__(self) -> str:
        """The model and the number of rows."""
        return f"RowDistributions({self.model.name}, {count_of(self._rows, 'row')})"

    def _display(self) -> Display:
        columns: dict[str, Vector] = {}
        for name, value in self.params.items():
            if value.ndim == 1:
                columns[name] = value
            else:
                labels = self.levels or range(value.shape[1])
                columns |= {f"{name}[{v}]": value[:, k] for k, v in enumerate(labels)}
        shown = zip(*(v[:_SHOWN] for v in columns.values()), strict=True)
        rows = [(str(i), *(f"{v:.6g}" for v in row)) for i, row in enumerate(shown)]
        more = self._rows - _SHOWN
        notes = [f"and {count_of(more, 'row')} more"] if more > 0 else []
        title = f"{self.model.name}, {count_of(self._rows, 'row')}"
        head = ("row", *columns)
        return Display(title, [Table(rows, head, range(1, len(head)))], notes)


def _numbers(name: str, x: Any) -> Vector:
    """Return a number, a column or a matrix as floats, NaN where a value is missing."""
    if isinstance(x, int | float | np.number):
        return np.asarray(x, dtype=np.float64)
    if isinstance(x, np.ndarray) and x.dtype.kind in "fiub" and x.ndim != 1:
        return x.astype(np.float64)
    if np.ndim(x) == 2:
        return np.asarray(x, dtype=np.float64)
    if np.ndim(x) == 0:
        return np.asarray(x, dtype=np.float64)
    return np.asarray(to_numbers(column_values(x, name), name))
