"""Models that the command line takes as text."""

import json

import pytest
import typer

import kullback as kl
from kullback.cli.compare import _models
from kullback.cli.fit import _model, families, fit


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("truncated(gamma(shape=2), lower=1)", kl.Truncated(kl.Gamma(shape=2.0), lower=1)),
        (
            "Truncated(Gamma, lower=-0.5, upper=3e2)",
            kl.Truncated(kl.Gamma(), lower=-0.5, upper=300),
        ),
        ("zero_inflated(poisson())", kl.ZeroInflated(kl.Poisson())),
        (
            "Shifted(LogNormal(median=?, scale=0.5), loc=1)",
            kl.Shifted(kl.LogNormal(median=kl.Param(), scale=0.5), loc=1.0),
        ),
        (
            "Hurdle(Truncated(NegativeBinomial(), upper=9), zero_probability=0.25)",
            kl.Hurdle(kl.Truncated(kl.NegativeBinomial(), upper=9), zero_probability=0.25),
        ),
    ],
)
def test_a_model_is_read(text, model):
    assert _model(text) == model


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Truncated(Gamma(), lower=1", "cannot be read"),
        ("Truncated(Gama(), lower=1)", 'no model "Gama"; did you mean "Gamma"'),
        ("Truncated(__import__('os').system('true'))", "neither a model nor a number"),
        ("Truncated(open('x'), lower=1)", 'no model "open"'),
        ("Truncated(Gamma(**{'shape': 1}))", "cannot be read"),
        ("Truncated(Gamma(), lower='1')", "lower must be a number or None, got '1'"),
        ("Truncated(Gamma(), lower=1+1)", "neither a model nor a number"),
        ("Truncated(Gamma(), low=1)", "Truncated has no parameter 'low': use lower"),
        ("Truncated()", "Truncated needs base"),
        ("(" * 900 + "Gamma()", "cannot be read"),
        ("Gamma(" * 400, "at most 1,000 are read"),
    ],
)
def test_what_is_not_a_model_is_refused(text, message):
    with pytest.raises(kl.ModelError) as caught:
        _model(text)
    assert message in str(caught.value)


def test_a_list_of_models_is_split_outside_of_parentheses():
    assert _models("gamma, Truncated(Weibull(shape=2, scale=?), lower=1),lognormal", ()) == [
        kl.Gamma(),
        kl.Truncated(kl.Weibull(shape=2.0, scale=kl.Param()), lower=1),
        kl.LogNormal(),
    ]


def test_fit_takes_a_model_as_text(tmp_path, capsys):
    table = tmp_path / "counts.csv"
    table.write_text("y\n1\n1\n2\n3\n1\n4\n")
    with pytest.raises(typer.Exit) as ended:
        fit([str(table)], "Truncated(Poisson(), lower=1)", as_json=True)
    assert ended.value.exit_code == 0
    document = json.loads(capsys.readouterr().out)
    assert document["model"] == "Truncated(Poisson)"
    # the zero-truncated Poisson's estimate: rate / (1 − e^−rate) is the mean, 2
    assert document["params"]["rate"] == pytest.approx(1.5936242600400401, rel=1e-12)


def test_families_lists_models_made_of_models(capsys):
    families()
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("Truncated") and "base, lower, upper" in line for line in lines)
