"""The names by which restrictions call the numbers of a fit: coefficients, terms and parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, final

from kullback.models.formula.design import Part
from kullback.models.formula.factors import Category
from kullback.models.linear import Linear
from kullback.models.source import Source
from kullback.results.by_parameter import groups_of

if TYPE_CHECKING:  # Fit.test calls what calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers

# The factors of a product are found in any order, of so many factors at most.
_FACTORS = 3


@final
@dataclass(frozen=True)
class Names:
    """The names of a fit.

    Attributes:
        numbers: by name, the numbers that it stands for: one, or all of a term or a parameter.
        ambiguous: names that several parameters have, with their full names.
        references: names of the levels that have no coefficient, as the others are compared to
            them.
    """

    numbers: dict[str, list[str]]
    ambiguous: dict[str, list[str]]
    references: frozenset[str]


def names_of(fit: FitNumbers) -> Names:
    """Return the names of a fit's numbers, terms and parameters.

    A coefficient or a term is called by its full name, ``"scale[age]"``, and by its own where no
    other parameter has it. A term stands for all of its coefficients; so does a coefficient of
    logits, which each class has one of.
    """
    free = set(fit.names)
    known = {name: [name] for name in fit.names}
    short: dict[str, dict[str, list[str]]] = {}
    references: set[str] = set()
    for parameter, group in groups_of(fit.form, fit.vector).items():
        source = fit.form.sources[parameter]
        if set(group.names) <= free:
            known.setdefault(parameter, list(group.names))
        for name, own in _terms(parameter, source, group.names):
            if set(own) <= free:
                known.setdefault(f"{parameter}[{name}]", own)
                short.setdefault(name, {})[parameter] = own
        references |= set(_references(source))
    ambiguous: dict[str, list[str]] = {}
    for name, by_parameter in short.items():
        full = [f"{parameter}[{name}]" for parameter in by_parameter]
        if len(full) > 1 or (name in known and known[name] != known[full[0]]):
            ambiguous[name] = [*([name] if name in known else []), *full]
        else:
            known.setdefault(name, known[full[0]])
    return Names(known, ambiguous, frozenset(references))


def _terms(
    parameter: str, source: Source, names: tuple[str, ...]
) -> Iterator[tuple[str, list[str]]]:
    """Yield each coefficient's own name and each term, with the numbers that they stand for."""
    if not source.named:
        return
    if not isinstance(source, Linear):
        for name in names:
            yield name[len(parameter) + 1 : -1], [name]
        return
    labels = source.labels
    classes = range(0, len(names), len(labels))  # the first number of each class
    places = {label: [names[at + i] for at in classes] for i, label in enumerate(labels)}
    if len(classes) > 1:
        for name in names:
            yield name[len(parameter) + 1 : -1], [name]
    yield from places.items()
    if source.terms is not None:
        for part in source.terms.parts:
            own = [name for label in part.labels for name in places[label]]
            for term in _names_of_term(part):
                if term not in places:
                    yield term, own


def _names_of_term(part: Part) -> Iterator[str]:
    """Yield a term as the formula writes it, C(column) also as its column, in any order."""
    factors = [factor for factor, _ in part.factors]
    written = [str(factor.node) for factor in factors]
    columns = [f.column if isinstance(f, Category) else str(f.node) for f in factors]
    if not factors:
        return
    for each in dict.fromkeys([tuple(written), tuple(columns)]):
        orders = permutations(each) if len(each) <= _FACTORS else [each]
        yield from (":".join(order) for order in orders)


def _references(source: Source) -> Iterator[str]:
    if isinstance(source, Linear) and source.terms is not None:
        for part in source.terms.parts:
            yield from (f"{f.column}[T.{f.levels[0]}]" for f, full in part.categories if not full)
