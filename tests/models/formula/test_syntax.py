"""The syntax of formulas and their terms, against formulaic's parser, and what is refused."""

from __future__ import annotations

import random

import pytest
from formulaic.parser import DefaultFormulaParser

import kullback as kl
from kullback.models.formula.syntax import parse
from kullback.models.formula.terms import terms_of

WRITTEN = [
    "a*b*c",
    "(a + b + c)**2",
    "(a + b + c + d)**3 - a:b:c",
    "(a + b)/c",
    "a/b/c",
    "(a + b):c/d",
    "a + b - a",
    "-1 + a",
    "a*b - a:b",
    "a - (b + c) + b",
    "a*b + 0 + 1",
    "b:a + a:b",
    "(a + b)*(c + d) - 1",
]
PARTS = ["a", "b", "c", "n", "a:b", "a*b", "a:n", "b:n:c", "1", "0", "a/c", "(a + b + c)**2"]


def test_terms_are_those_of_formulaic() -> None:
    draw = random.Random(1)
    sums = [" + ".join(draw.sample(PARTS, draw.randint(1, 4))) for _ in range(100)]
    parser = DefaultFormulaParser(include_intercept=True)
    for text in WRITTEN + sums:
        terms = list(parser.get_terms(text))
        theirs = [str(term) for term in sorted(terms, key=lambda term: term.degree)]
        ours = [":".join(map(str, term)) or "1" for term in terms_of(parse(text))]
        assert [set(t.split(":")) for t in ours] == [set(t.split(":")) for t in theirs], text


def test_a_full_stop_stands_for_the_other_columns() -> None:
    found = terms_of(parse("~ . - b + log(a)"), ("a", "b", "c"))
    assert [":".join(map(str, term)) for term in found] == ["", "a", "c", "log(a)"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("~ np.log(x)", "write log(x), not np.log(x), in '~ ⟨here⟩np.log(x)'"),
        ("~ x.real", "x.real is an attribute, which formulas do not have"),
        ("~ {x + 1}", "braces are not part of formulas"),
        ("~ `x y`", "backticks are not part of formulas: rename the column, in '~ ⟨here⟩`x y`'"),
        ("~ __import__('os')", "__import__ is not a name that a formula may have"),
        ("~ x.__class__", "x.__class__ is an attribute|__class__ is not a name"),
        ("~ eval('1')", "eval() is not a function of formulas"),
        ("~ C(g, contr.sum)", "contr.sum is an attribute"),
        ("~ C(g, Sum)", "write C(column), C(column, reference="),
        ("~ x[0]", "'[' cannot stand here"),
        ("~ x > 1", "comparisons are not part of formulas: make a column of it"),
        ("~ (lambda: 1)()", "is not part of formulas|cannot stand here|is missing"),
        ("~ x^2", "write ** for a power, in '~ x⟨here⟩^2'"),
        ("y ~ x", 'a formula begins with "~"'),
        ("~ x ~ z", 'a formula has one "~"'),
        ("~ x +", "a term is missing at the end, in '~ x +⟨here⟩'"),
        ("~ C(g", "',' is missing before the end"),
        ("~", 'a formula needs a term: "~ 1" is a constant'),
        ("~ 2*x", "2 is not a term of a formula: arithmetic is written within I()"),
        ("~ x**(1/2)", "must be a whole number from 1 to 20"),
        ("~ " + "(" * 40 + "x" + ")" * 40, "nested more than 30 deep"),
        ("~ x" + "*x" * 200, "a term has at most 100 operators"),
        ("~ x" + " + x" * 2_500_000, "a formula has at most 10,000 characters, got 10,000,003"),
        ("~ (a + b + c + d)**20**20", "must be a whole number"),
        ("~ bs(x)", "needs either df, the number of columns, or knots"),
        ("~ bs(x, df=4, knots=[1])", "needs either df, the number of columns, or knots"),
        ("~ bs(x, knots=[2, 1])", "needs knots as ascending numbers"),
        ("~ poly(x)", "needs degree as a whole number of at least 1"),
        ("~ poly(x, 10**9)", "needs numbers as options"),
        ("~ cs(x, df=1000)", "has 1000 columns; it may have from 1 to 100"),
        ("~ poly(x, 2, 3)", "has too many arguments"),
        ("~ I(bs(x, df=4) * z)", "a product with z is written bs(x, df=4):z"),
        ("~ scale(poly(x, 2))", "poly(x, 2) cannot stand within arithmetic, as it has several"),
        ("~ log(center(x, 2))", "center(x, 2) has too many arguments"),
        ("~ I(scale(g)**2 + center())", "center() lacks its column"),
        (
            "~ center(x)**2",
            "the power of a number is written I(center(x)**2), or poly(center(x), 2)",
        ),
        ("~ z + x**3", "x**3 would be x itself"),
        ("~ factor(g)", "factor() is not a function of formulas: write C(x), in '~ ⟨here⟩factor"),
        ("~ s(x)", "write a spline, such as bs(x, df=5)"),
        ("~ x + offset(n)", 'exposure="x" for offset(log(x))'),
        ("~ log10(x)", "write log(x), whose coefficient is in another unit"),
    ],
)
def test_what_is_not_a_formula_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(kl.ModelError) as refused:
        kl.Normal(loc=kl.Formula(text))
    assert any(part in str(refused.value) for part in said.split("|")), str(refused.value)
    assert len(str(refused.value)) < 400
