"""``kl.Formula``: a parameter that is linear in the terms of a formula, through a link."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, final

from kullback._core.arrays import Array
from kullback._core.domains import POSITIVE, REAL, Domain, Interval, Logits, Shares
from kullback._core.errors import DataError, ModelError, did_you_mean
from kullback._core.validation import check_choice
from kullback.data.schema import Schema
from kullback.models.formula.design import Design, check_factor, design_of
from kullback.models.formula.factors import category_columns
from kullback.models.formula.syntax import Everything, Node, Operation, parse
from kullback.models.formula.terms import Term, names_in, terms_of
from kullback.models.linear import Linear, refuse_vector
from kullback.models.links import link_named
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
    ``sqrt`` and, for arithmetic, ``I(x**2)``. These learn from the rows, and have the same columns
    for other rows:

    - ``center(x)``, ``scale(x)``: x less its mean; divided by its standard deviation, too;
    - ``poly(x, 3)``: polynomials orthogonal over the rows, each of squares that sum to one;
    - ``bs(x, df=5)``, ``bs(x, knots=[1, 2], degree=3, include_intercept=False)``: B-splines, whose
      inner knots are quantiles (type 7) where ``df``, the number of columns, is given. A value
      beyond the range of the rows of the fit is an error;
    - ``cs(x, df=3)``, ``cs(x, knots=[1, 2])``: natural cubic splines, linear beyond the range. Each
      coefficient is the value at a knot, the upper end included, less that at the lower end.

    The first two may stand within arithmetic, ``log(scale(x) + 3)``, ``I(center(x)**2)``, and all
    of them take some, ``bs(log(x), df=5)``. Nothing else is evaluated.

    Args:
        text: the formula.
        link: the scale on which the parameter is linear: "identity", "log", "logit", "probit",
            "cloglog", "cauchit", "inverse", "inverse-squared", "sqrt" or "softplus". None for that
            of the parameter's domain: the identity for real parameters, the logarithm for positive
            ones, the log odds for probabilities.
        offset: a column, or several, added to η as they are.
        exposure: a column of positive numbers, or several, that multiply the parameter: their
            logarithms are added to η, for the link "log".
        penalty: a ``kl.Ridge`` penalty on all coefficients but the constant; None for none.
        collinear: "error", or "drop" to leave out columns that others before them determine in all
            rows; ``fit.convergence.advice`` names them.

    The estimates are ``fit.params["mean"]["age"]``, on the scale of the link; in results by name
    ``"mean[age]"``. They are called "Intercept", "age", "region[T.north]", "age:region[T.north]".

    Raises:
        ModelError: for what is not a formula, with the place.

    Example:
        >>> import kullback as kl
        >>> data = {"age": [1.0, 2.0, 3.0, 4.0], "sex": ["f", "m", "m", "f"], "y": [2, 5, 4, 9]}
        >>> fit = kl.fit(kl.Poisson(rate="~ age + sex"), data, "y")
        >>> {name: round(value, 6) for name, value in fit.params["rate"].items()}
        {'Intercept': 0.492214, 'age': 0.412787, 'sex[T.m]': -0.041254}
    """

    text: str
    link: str | None = None
    offset: Any = None  # Any, so that all but names are refused with a message
    exposure: Any = None
    penalty: Ridge | None = None
    collinear: str = "error"
    domain: Interval | Logits | Shares | None = None

    def __post_init__(self) -> None:
        """Parse the text."""
        if not isinstance(self.text, str):
            raise ModelError(f'kl.Formula takes a text such as "~ age + sex", got {self.text!r}.')
        if not self.text.lstrip().startswith("~"):
            raise ModelError(f'a formula begins with "~": "~ {self.text[:40]}".')
        _ = self.categories, link_named(self.link)
        for node in self._nodes:
            check_factor(node)
        check_choice("collinear", self.collinear, ("error", "drop"))
        if self.penalty is not None and not isinstance(self.penalty, Ridge):
            raise ModelError(f"penalty must be a kl.Ridge, got {self.penalty!r}.")
        for name in ("offset", "exposure"):
            object.__setattr__(self, name, _names(name, getattr(self, name)))

    def __repr__(self) -> str:
        """The text, or the call that makes it."""
        options = [f for f in fields(self)[1:] if f.name != "domain"]
        given = [f for f in options if getattr(self, f.name) != f.default]
        shown = [f"{f.name}={getattr(self, f.name)!r}" for f in given]
        return f"Formula({', '.join([repr(self.text), *shown])})" if shown else repr(self.text)

    @property
    def offsets(self) -> tuple[str, ...]:
        """The columns of offsets."""
        return _names("offset", self.offset) or ()

    @property
    def exposures(self) -> tuple[str, ...]:
        """The columns of exposures."""
        return _names("exposure", self.exposure) or ()

    @property
    def domains(self) -> Mapping[str, Interval]:  # type: ignore[override]  # of offsets
        """The domains of offsets and exposures."""
        return dict.fromkeys(self.offsets, REAL) | dict.fromkeys(self.exposures, POSITIVE)

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
        return tuple(dict.fromkeys((*self.by_value, *self.offsets, *self.exposures)))

    @cached_property
    def categories(self) -> Mapping[str, tuple[Any, ...] | None]:  # type: ignore[override]
        """The columns that it reads as categories whatever their values are."""
        return {name: None for node in self._nodes for name in category_columns(node)}

    @cached_property
    def by_value(self) -> tuple[str, ...]:  # type: ignore[override]  # known from the text
        """The columns that are numbers or categories as their values are: those of the terms."""
        return tuple(dict.fromkeys(name for node in self._nodes for name in names_in(node)))

    @property
    def structure(self) -> Hashable:
        """All that it says, as a cache key."""
        return (Formula, self)

    def for_parameter(self, domain: Domain) -> Formula:
        """Take the domain of the parameter, and its link where no other is named.

        Raises:
            ModelError: for a vector other than logits; for a link that does not suit the domain,
                and an exposure without a logarithmic link.
        """
        domain, link = refuse_vector(domain), link_named(self.link)
        if isinstance(domain, Logits | Shares):
            given = [n for n in ("link", "offset", "exposure") if getattr(self, n) is not None]
            if given:
                raise ModelError(
                    f"{self!r}: logits of classes and weights of components take no {given[0]}."
                )
            return replace(self, domain=domain)
        if link is not None:
            link.refuse(domain)
        logarithmic = domain.lower == 0.0 and math.isinf(domain.upper)
        if self.exposures and not (logarithmic if link is None else link.name == "log"):
            raise ModelError(
                f"{self!r}: an exposure multiplies a parameter, log rate = log exposure + …, and "
                'needs the link "log"; what is added on the scale of another link is an offset.'
            )
        return replace(self, domain=domain)

    def bind(self, schema: Schema) -> Linear:
        """Return the columns that the terms are in a sample, with their coefficients."""
        return self.linear(self.columns_in(schema))

    def columns_in(self, schema: Schema) -> Design:
        """Return the columns that the terms are in a sample.

        Raises:
            DataError: for a column that the sample lacks.
        """
        lacking = [name for name in self.by_value if name not in schema.columns]
        if lacking:
            hint = did_you_mean(lacking[0], schema.columns)
            raise DataError(f'there is no column "{lacking[0]}" for {self.text!r}{hint or "."}')
        terms = self.terms
        if self.takes_all:
            others = (c.name for c in schema.columns.values() if c.domain is None)
            terms = terms_of(self._parsed, tuple(others))
        return design_of(self.text, terms, schema)

    def linear(self, design: Design) -> Linear:
        """Return the source of a sample in which the terms have these columns."""
        return Linear(
            tuple(dict.fromkeys((*design.columns, *self.offsets, *self.exposures))),
            design.intercept,
            self.penalty,
            self.domain or REAL,
            formula=self,
            terms=design,
            link=link_named(self.link),
            offsets=self.offsets,
            exposures=self.exposures,
            collinear=self.collinear,
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


def _names(option: str, given: Any) -> tuple[str, ...] | None:
    listed = given if isinstance(given, tuple | list) else (given,)
    names = () if given is None else tuple(listed)
    if not all(isinstance(name, str) and name for name in names):
        raise ModelError(f"{option} must be the name of a column, or several names, got {given!r}.")
    return names or None


def _has_everything(node: Node | None) -> bool:
    if isinstance(node, Operation):
        return _has_everything(node.left) or _has_everything(node.right)
    return isinstance(node, Everything)
