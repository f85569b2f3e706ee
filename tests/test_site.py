"""The site: a page and an example for every public name, formulas that are the densities.

The pages themselves are executed by `make docs`; here is what can be checked without building them.
"""

import doctest
import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import kullback as kl

DOCS = Path(__file__).parents[1] / "docs"
sys.path.insert(0, str(DOCS / "_ext"))

import families  # noqa: E402
import formulas  # noqa: E402
import moments  # noqa: E402
import reference_pages  # noqa: E402

# ---- every public name ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def examples():
    return reference_pages.examples()


@pytest.mark.parametrize("name", kl.__all__)
def test_every_name_has_a_page_and_an_example_with_output(name, examples):
    page = reference_pages.page_of(name, examples.get(name, ""))
    assert re.search(rf"^\.\. auto\w+:: kullback\.{name}$", page, re.MULTILINE)
    text = examples.get(name) or inspect.getdoc(getattr(kl, name)) or ""
    lines = doctest.DocTestParser().get_examples(text.replace("```", ""))
    if inspect.isfunction(getattr(kl, name)) or name in families.families():  # not what they return
        assert any(re.search(rf"\b{name}\(", each.source) for each in lines)
    outputs = [each.want for each in lines]
    assert any(output.strip() for output in outputs)
    assert not any("Traceback" in output for output in outputs)


def test_examples_are_of_public_names_without_one(examples):
    assert set(examples) <= set(kl.__all__)
    assert not [name for name in examples if ">>>" in vars_doc(name)]


def vars_doc(name):
    value = getattr(kl, name)
    return (vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__) or ""


def test_no_two_pages_differ_in_upper_case_alone():
    slugs = [reference_pages.slug(name).lower() for name in kl.__all__]
    assert len(set(slugs)) == len(slugs)


# ---- the page of numbers ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def explained():
    """What the page has a line for: the words in italics of first columns."""
    text = (DOCS / "concepts" / "numbers.md").read_text(encoding="utf-8")
    firsts = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
    return {name.strip() for first in firsts for name in re.findall(r"\*([^*]+)\*", first)}


def test_every_number_of_a_summary_has_a_line(explained):
    data = {
        "x": [0.5, 1.5, 2.0, 3.0, 4.5, 5.0, 6.5, 8.0],
        "y": [1.1, 0.4, 2.2, 1.0, 3.9, 2.7, 5.1, 3.3],
        "n": [1, 0, 2, 1, 3, 9, 2, 4],
        "w": [1, 2, 1, 1, 1, 3, 1, 1],
    }
    ridge = kl.Formula("~ x", penalty=kl.Ridge(0.1))
    fits = [
        kl.fit(kl.Gamma(), data["y"]),
        kl.fit(kl.Uniform(), data["y"]),  # on the boundary
        kl.fit(kl.Gamma(mean="~ x"), data, "y", weights="w"),
        kl.fit(kl.Normal(loc=ridge), data, "y"),
        kl.fit(kl.Normal(), data, "y", weights="w", weight_kind="sampling"),
        kl.fit(kl.Poisson(rate="~ x"), data, "n").with_covariance("sandwich"),
        kl.fit(kl.Poisson(), data, "n"),
    ]
    shown = set()
    for fit in fits:
        summary = fit.summary()
        shown |= {name for name in summary.columns if name}
        shown |= {name for name, _ in (*summary.facts, *summary.convergence)}
        shown |= {line.name for line in summary.decomposition.lines}
    shown |= {
        name
        for result in (
            fits[2].deviance(),
            fits[2].marginal_effects(),
            kl.compare([kl.Gamma()], data["y"], criterion="aic"),
            fits[0].goodness_of_fit(0),
            fits[6].goodness_of_fit(0),
            kl.fit(kl.Poisson(), data["n"], by=["a"] * 4 + ["b"] * 4),
        )
        for table in result._display().tables
        for name in (*table.head, *((row[0] for row in table.rows) if not table.numbers else ()))
        if name
    }
    rows = fits[0].goodness_of_fit(0)._display().tables[0].rows
    shown |= {row[0] for row in rows} | {
        row[0] for row in fits[2].deviance()._display().tables[0].rows
    }
    also = {  # names of rows and columns, or of the same number with its unit
        "model", "test", "variable", "group", "rate", "cross-entropy, nats", "cross-entropy (nats)",
    }  # fmt: skip
    assert shown - also - explained == set()


def test_every_number_of_a_classifier_has_a_line(explained):
    labels = ["a", "b", "a", "b", "a", "b", "b", "a"] * 5
    p = np.where(np.array(labels) == "a", 0.7, 0.3)
    x = np.repeat([0.0, 1.0], 20)
    report = kl.evaluate(np.stack([p, 1 - p], axis=1), x[:, None], labels, classes=["a", "b"])
    assert {name.strip() for name, *_ in report.lines} - explained == set()


# ---- formulas --------------------------------------------------------------------------------

# The names of formulas that are not those of parameters.
ALSO = {"GeneralizedGamma": {"Q": "shape"}, "VonMises": {"κ": "concentration"}}


def values_of(name, x):
    """The drawn parameters of a family, x, and the letters that its docstring defines."""
    values = {**getattr(kl, name)(**families.DRAWN[name]).params, "x": x}
    if name == "BetaBinomial":  # defined in words
        values["α"] = values["probability"] * values["precision"]
        values["β"] = (1.0 - values["probability"]) * values["precision"]
    values |= {letter: values[parameter] for letter, parameter in ALSO.get(name, {}).items()}
    waiting = [piece.split(" = ") for piece in families.helpers(name)]
    while waiting:
        letter, formula = waiting.pop(0)
        try:
            values[letter] = formulas.evaluate(formula, values)
        except KeyError:  # it uses another one
            waiting.append([letter, formula])
    return values


@pytest.mark.parametrize("name", sorted(families.families()))
def test_the_formula_of_a_docstring_is_the_density(name):
    model = getattr(kl, name)(**families.DRAWN[name])
    for x in [1.0] if name == "Bernoulli" else model.quantile([0.3, 0.6, 0.9]).tolist():
        left, right = families.density(name).split(" = ", 1)
        what = {"P(X ≤ x)": model.cdf, "P(X > x)": model.survival}.get(left, model.density)
        # 1e-9: the formulas are evaluated as they are written, which may cancel
        assert formulas.evaluate(right, values_of(name, x)) == pytest.approx(what(x), rel=1e-9)


@pytest.mark.parametrize("name", sorted(families.families()))
def test_the_formulas_of_moments_are_the_moments(name):
    # the drawn parameters; of Zipf's distribution others, whose variance is finite
    model = kl.Zipf(exponent=4.5) if name == "Zipf" else getattr(kl, name)(**families.DRAWN[name])
    known = moments.evaluated(name, dict(model.params))
    for found, own in zip(known, (model.mean, model.variance), strict=True):
        # 1e-9: the variances are evaluated as differences
        assert found is None or found == pytest.approx(own(), rel=1e-9, abs=1e-15)
    without = {"Cauchy": (True, True), "Gompertz": (True, True), "VonMises": (False, True)}
    assert tuple(part is None for part in known) == without.get(name, (False, False))


def test_a_formula_is_set_as_mathml():
    assert formulas.mathml("a^(−b/2) / √(2π)") == (
        '<math alttext="a^(−b/2) / √(2π)"><mrow><mfrac><mrow><msup><mrow><mi>a</mi></mrow><mrow>'
        "<mo>−</mo><mi>b</mi><mo>/</mo><mn>2</mn></mrow></msup></mrow><mrow><msqrt><mrow><mn>2</mn>"
        '<mspace width="0.17em"/><mi>π</mi></mrow></msqrt></mrow></mfrac></mrow></math>'
    )
    # values by hand: factors side by side are multiplied before a division, powers bind first
    assert formulas.evaluate("2 x^2/3 · x", {"x": 3.0}) == pytest.approx(18.0)
    assert formulas.evaluate("−x!/|1 − x|", {"x": 3.0}) == pytest.approx(-3.0)


@pytest.mark.parametrize("text", ["a +", "(a", "a b)", "a = = b", "2 %"])
def test_what_is_not_a_formula_is_refused(text):
    with pytest.raises(formulas.NotAFormula):
        formulas.read(text)


def test_formulas_in_prose_end_where_they_end():
    text = "Entropy H(p) = −Σ p log p of a model; see z = (x − loc)/scale, or not."
    found = [text[start:end] for start, end in formulas.found_in(text)]
    assert found == ["H(p) = −Σ p log p", "z = (x − loc)/scale"]


def test_what_restructured_text_would_take_as_markup_is_escaped():
    line = "the classes_ of |x| with *emphasis* and ``a_ | b*`` for x* and **options"
    expected = r"the classes\_ of \|x\| with *emphasis* and ``a_ | b*`` for x\* and \*\*options"
    assert reference_pages.escaped(line) == expected


def test_every_family_is_drawn_at_numbers_inside_its_domain(tmp_path):
    for name in families.families():
        assert np.isfinite(getattr(kl, name)(**families.DRAWN[name]).quantile(0.5))
    families.draw("Gamma", tmp_path / "Gamma.svg")
    assert (tmp_path / "Gamma.svg").read_text("utf-8").count("<path") > 2
