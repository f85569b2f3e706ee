"""Rows along which the loss falls for ever, in every kind of predictor, and data that converge."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np
import pytest

import kullback as kl
from kullback._core.domains import POSITIVE, UNIT
from kullback.data import Chunk, Exact, RowKind
from kullback.data.sample import ChunkSample
from kullback.data.schema import Column, Schema
from kullback.models.labels.categorical import Categorical
from kullback.models.linear import Linear
from kullback.objective.log_terms import log_term
from kullback.results.by_parameter import flat

CASES = Path(__file__).parent / "reference" / "reg"


def read(name: str) -> tuple[dict, dict[str, np.ndarray]]:
    case = json.loads((CASES / f"{name}.json").read_text())
    table = np.genfromtxt(CASES / case["data"], delimiter=",", names=True)
    return case, {name: table[name] for name in table.dtype.names}


def reason(fit: kl.Fit) -> str:
    assert not fit.convergence.converged
    assert all(np.all(np.isnan(v[v != 0.0])) for v in map(flat, fit.stderr.values()))
    return fit.convergence.reason


SEPARATED = "no maximum: the rows are separated by "


def test_one_class_of_seven() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((2, 400))
    label = rng.integers(0, 7, 400)
    a[label == 3] += 20.0
    data = {"a": a, "b": b, "y": np.array(list("abcdefg"))[label]}
    fit = kl.fit(Categorical(logits=Linear(("a", "b"))), data, "y")
    assert reason(fit).startswith(SEPARATED + "logits[d[Intercept]], logits[d[a]]")
    for other in "abcefg":
        assert f"logits[{other}" not in fit.convergence.reason
    # the first class is the reference of all others: each of their coefficients diverges
    a[label == 3] -= 20.0
    a[label == 0] += 20.0
    fit = kl.fit(Categorical(logits=Linear(("a",))), data, "y")
    assert reason(fit).startswith(SEPARATED + "logits[b[Intercept]], logits[b[a]], logits[c[")


def test_a_level_without_one_of_the_classes() -> None:
    # quasi-complete: the level has rows of two classes, but none of the third
    rng = np.random.default_rng(4)
    level = (rng.random(400) < 0.3).astype(float)
    label = np.where(level == 1.0, rng.integers(0, 2, 400), rng.integers(0, 3, 400))
    data = {"level": level, "y": np.array(list("abc"))[label]}
    fit = kl.fit(Categorical(logits=Linear(("level",))), data, "y")
    assert reason(fit) == SEPARATED + "logits[c[level]]"


def test_irises_of_two_species() -> None:
    # R's glm warns: "fitted probabilities numerically 0 or 1 occurred"
    _, data = read("nomle_iris_sv")
    columns = ("X2", "X3", "X4", "X5")
    fit = kl.fit(kl.Bernoulli(logit=Linear(columns)), data, "y")
    assert reason(fit).startswith(SEPARATED + "logit[")
    assert fit.cross_entropy < 1e-9  # the supremum of the log-likelihood is 0


@final
class ZeroInflated(kl.Model):
    """Zero with a probability, or else the outcome of a Poisson distribution."""

    parameters: ClassVar = {"rate": POSITIVE, "zero_probability": UNIT}
    support = kl.Poisson.support

    def __init__(self, **sources: object) -> None:
        self.sources = self._read_sources(sources)

    def with_sources(self, sources):
        other = ZeroInflated()
        other.sources = dict(sources)
        return other

    def row_log_density(self, x, parameters):
        counts = kl.Poisson().row_log_density(x, {"rate": parameters["rate"]})
        zero = parameters["zero_probability"]
        return jnp.where(
            x == 0.0,
            jnp.log(zero + (1.0 - zero) * jnp.exp(counts)),
            jnp.log1p(-zero) + counts,
        )

    def starts(self, values, weights):
        zeros = np.average(values == 0.0, weights=weights)
        return [{"rate": np.average(values, weights=weights) + 1.0, "zero_probability": zeros / 2}]


def test_a_mixture_with_zeros_against_r() -> None:
    case, data = read("zip_biochemists")
    count, zero = (tuple(f"{letter}{k}" for k in range(2, 7)) for letter in "XZ")
    fit = kl.fit(ZeroInflated(rate=Linear(count), zero_probability=Linear(zero)), data, "y")
    answer = case["refined"]
    assert fit.convergence.converged
    assert fit.log_likelihood == pytest.approx(answer["loglik"], rel=1e-11)
    # the refined answers have 11 digits
    found = np.concatenate([flat(fit.params["rate"]), flat(fit.params["zero_probability"])])
    np.testing.assert_allclose(found, answer["estimate"], rtol=1e-7)
    errors = np.concatenate([flat(fit.stderr["rate"]), flat(fit.stderr["zero_probability"])])
    np.testing.assert_allclose(errors, answer["se"], rtol=1e-7)


def test_the_zero_part_of_a_mixture() -> None:
    rng = np.random.default_rng(5)
    level = (rng.random(500) < 0.3).astype(float)
    x = rng.standard_normal(500)
    counts = rng.poisson(np.exp(1.0 + 0.3 * x)).astype(float)
    counts[rng.random(500) < 0.4] = 0.0
    # in one level there are no zeros, and so none of the other part
    counts[level == 1.0] = 1.0 + rng.poisson(3.0, int(level.sum()))
    data = {"level": level, "x": x, "y": counts}
    model = ZeroInflated(rate=Linear(("x",)), zero_probability=Linear(("level",)))
    assert reason(kl.fit(model, data, "y")) == SEPARATED + "zero_probability[level]"


@final
@dataclass(frozen=True)
class Above(RowKind):
    """The outcome was not seen, but is above ``y``."""

    fields: ClassVar[tuple[str, ...]] = ("y",)
    description: ClassVar[str] = "right-censored"

    def ends(self, fields):
        return fields["y"], np.full_like(fields["y"], np.inf)


@log_term.register
def _(kind: Above, model, parameters, row):  # noqa: ARG001
    return model.row_log_survival(row["y"], parameters)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_a_location_that_diverges_in_any_unit(unit: float) -> None:
    rng = np.random.default_rng(6)
    y, x = unit * rng.standard_normal(300), rng.standard_normal(300)
    level = (np.arange(300) < 40).astype(float)
    parts = tuple(
        Chunk(kind, {"y": y[rows], "level": level[rows], "x": x[rows]})
        for kind, rows in ((Exact(), level == 0.0), (Above(), level == 1.0))
    )
    model = kl.Normal(loc=Linear(("level", "x")))
    schema = Schema.of([Column("level"), Column("x")])
    fit = kl.fit(model, ChunkSample(parts, schema=schema))
    assert reason(fit) == SEPARATED + "loc[level]"
    parts = (parts[0], Chunk(Exact(), dict(parts[1].fields)))
    assert kl.fit(model, ChunkSample(parts, schema=schema)).convergence.converged


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_many_rows_in_any_unit_converge(unit: float) -> None:
    # of more rows the search stops earlier, and a step of it is still many units long
    rng = np.random.default_rng(7)
    x = rng.standard_normal(140_000)
    y = unit * (3.0 + x + rng.standard_normal(x.size))
    fit = kl.fit(kl.Logistic(loc=Linear(("x",)), scale=Linear(("x",))), {"x": x, "y": y}, "y")
    assert fit.convergence.converged


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("rows", [1, 2, 60])
def test_a_scale_that_tends_to_zero(rows: int, unit: float) -> None:
    # in one level all outcomes are equal: the log-likelihood has no bound
    rng = np.random.default_rng(8)
    level, y = np.zeros(300), rng.standard_normal(300)
    level[:rows], y[:rows] = 1.0, 2.5
    source = Linear(("level",))
    fit = kl.fit(kl.Normal(loc=source, scale=source), {"level": level, "y": unit * y}, "y")
    assert reason(fit) == SEPARATED + "scale[level]"
