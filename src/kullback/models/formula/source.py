"""``kl.Formula``: a parameter that is linear in the terms of a formula, through a link."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

from kullback._core.arrays import Array
from kullback._core.domains import Domain, Interval, Logits, Shares
from kullback._core.errors import DataError, ModelError, did_you_mean
from kullback.data.schema import Schema
from kullback.models.formula.design import design_of
from kullback.models.formula.factors import category_columns
from kullback.models.formula.syntax import Everything, Node, Operation, parse
from kullback.models.formula.terms import Term, names_in, terms_of
from kullback.models.linear import Linear, refuse_vector
from kullback.models.penalty import Ridge
from kullback.models.source import Source


@final
@dataclass(frozen=True, repr=False)
class Formula(Source):
    """A parameter that is linear in terms of columns, through a link.

        η_i = β_0 + Σ_j β_j x_ij,      parameter_i = link⁻¹(η_i)

    A text in the place of a parameter that begins with "~" is a formula with these defaults:
    ``kl.Gamma(mean="~ age + region")``.

    Columns of text, booleans and categorical types are categories, and so is ``C(column)`` of
    numbers. A category has a coefficient for each level but the first one, the reference, in sorted
    order or in that of a categorical type; another reference by ``C(column, reference="b")``,
    another order by ``C(column, levels=["b", "a"])``. Where a formula has no constant, or lacks
    what a product needs, all levels have one, so that no coefficient depends on the others.
    Source: G. N. Wilkinson and C. E. Rogers (1973), "Symbolic description of factorial models for
    analysis of variance".

    In a formula, a + b has both terms, a:b is their product, a*b is a + b + a:b, a/b is a + a:b,
    (a + b)**2 has the products of two, "- a" leaves a term out, "- 1" or "+ 0" the constant, and a
    full stop is every column beside the outcome. Functions of columns are ``log``, ``exp``,
    ``sqrt`` and, for arithmetic, ``I(x**2)``. Nothing else is evaluated.

    Args:
        text: the formula.
        penalty: a ``kl.Ridge`` penalty on all coefficients but the constant; None for none.

    The estimates are ``fit.params["mean"]["age"]``, on the scale of the link; in results by name
    ``"mean[age]"``. They are called "Intercept", "age", "region[T.north]", "age:region[T.north]".

    Raises:
        ModelError: for what is not a formula, with the place.

    Example:
        >>> import kullback as kl
        >>> data = {"age": [1.0, 2.0, 3.0, 4.0], "sex": ["f", "m", "m", "f"], "y": [2, 5, 4, 9]}
        >>> fit = kl.fit(kl.Poisson(rate="~ age + sex"), data, "y")
        >>> {name: round(value, 6) for name, value in fit.params["rate"].items()}
        {'Intercept': 0.376166, 'age': 0.451984, 'sex[T.m]': -0.032768}
    """

    text: str
    penalty: Ridge | None = None
    domain: Interval | Logits | Shares | None = None

    def __post_init__(self) -> None:
        """Parse the text."""
        if not isinstance(self.text, str):
            raise ModelError(f'kl.Formula takes a text such as "~ age + sex", got {self.text!r}.')
        if not self.text.lstrip().startswith("~"):
            raise ModelError(f'a formula begins with "~": "~ {self.text[:40]}".')
        _ = self.terms, self.categories

    def __repr__(self) -> str:
        """The text, or the call that makes it."""
        if self.penalty is None:
            return repr(self.text)
        return f"Formula({self.text!r}, penalty={self.penalty!r})"

    @cached_property
    def _parsed(self) -> tuple[tuple[str, Node], ...]:
        return parse(self.text)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The terms that are written out."""
        return terms_of(self._parsed)

    @cached_property
    def _nodes(self) -> tuple[Node, ...]:
        return tuple(dict.fromkeys(node for term in self.terms for node in term))

    @property
    def takes_all(self) -> bool:  # type: ignore[override]  # known from the text
        """Whether a full stop stands for columns that are not named."""
        return any(_has_everything(node) for _, node in self._parsed)

    @cached_property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # known from the text
        """The columns that it names."""
        return tuple(dict.fromkeys(name for node in self._nodes for name in names_in(node)))

    @cached_property
    def categories(self) -> Mapping[str, tuple[Any, ...] | None]:  # type: ignore[override]
        """The columns that it reads as categories whatever their values are."""
        return {name: None for node in self._nodes for name in category_columns(node)}

    @property
    def by_value(self) -> tuple[str, ...]:  # type: ignore[override]  # known from the text
        """The columns that are numbers or categories as their values are: all."""
        return self.columns

    @property
    def structure(self) -> Hashable:
        """The text, as a cache key."""
        return (Formula, self.text, self.domain)

    def for_parameter(self, domain: Domain) -> Formula:
        """Take the link of the parameter's domain."""
        return replace(self, domain=refuse_vector(domain))

    def bind(self, schema: Schema) -> Linear:
        """Return the columns that the terms are in a sample, with their coefficients."""
        lacking = [name for name in self.columns if name not in schema.columns]
        if lacking:
            hint = did_you_mean(lacking[0], schema.columns)
            raise DataError(f'there is no column "{lacking[0]}" for {self.text!r}{hint or "."}')
        terms = self.terms
        if self.takes_all:
            terms = terms_of(self._parsed, tuple(schema.columns))
        design = design_of(self.text, terms, schema)
        assert self.domain is not None  # it is a parameter's
        return Linear(
            design.columns,
            design.intercept,
            self.penalty,
            self.domain,
            formula=self,
            terms=design,
        )

    def value(
        self,
        _coefficients: Sequence[Array],
        _row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """Raise an error: its coefficients are known when it is fitted.

        Raises:
            ModelError: always.
        """
        raise ModelError(f"{self!r} is not fitted yet: fit the model with kl.fit.")


def _has_everything(node: Node | None) -> bool:
    if isinstance(node, Operation):
        return _has_everything(node.left) or _has_everything(node.right)
    return isinstance(node, Everything)
