"""Models made of models: flat parameters, ties, and what copies, pickles, saves and shows them."""

import copy
import pickle

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, stats

import kullback as kl
from kullback._core.domains import POSITIVE
from kullback.models.composite import Composite


class Larger(Composite):
    """The larger one of two independent outcomes, in a unit of its own."""

    own_parameters = {"unit": POSITIVE}  # noqa: RUF012

    def __init__(self, first, second, *, unit=None):
        self._assemble({"first.": first, "second.": second}, own={"unit": unit})

    @classmethod
    def assembled(cls, parts, settings, own):
        return cls(*parts, **settings, **own)

    support = POSITIVE

    def row_log_density(self, x, parameters):
        unit = parameters["unit"]
        ends = [
            (part.row_log_density(x / unit, own), part.row_log_cdf(x / unit, own))
            for prefix, part in self.parts.items()
            for own in [self.of_part(prefix, parameters)]
        ]
        (d, p), (e, q) = ends
        return jnp.logaddexp(d + q, p + e) - jnp.log(unit)

    def starts(self, values, weights):
        (first,) = self.starts_of_part("first.", values, weights)[:1]
        (second,) = self.starts_of_part("second.", values, weights)[:1]
        return [{"unit": 1.0, **first, **second}]


def test_parameters_are_flat():
    model = Larger(kl.Weibull(shape=2.0), kl.Gamma(mean=1.0, shape=kl.Param(start=2.0)), unit=1.0)
    assert list(model.parameters) == [
        "unit",
        "first.shape",
        "first.scale",
        "second.mean",
        "second.shape",
    ]
    assert repr(model) == (
        "Larger(Weibull(shape=2.0, scale=?), Gamma(mean=1.0, shape=Param(start=2.0, lower=None, "
        "upper=None)), unit=1.0)"
    )
    assert model.name == "Larger(Weibull, Gamma)"
    changed = model.with_sources({**model.sources, "first.scale": 3.0})
    assert changed.parts["first."] == kl.Weibull(shape=2.0, scale=3.0)
    assert changed != model
    assert changed.with_sources(model.sources) == model
    with pytest.raises(kl.ModelError, match=r"scale is free.*or fix it: Weibull\(scale=\.\.\.\)"):
        _ = model.params
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert again == model
        assert again.structure == model.structure


def test_ties_inside_a_part_and_across_parts():
    inside = Larger(kl.Gamma(shape=kl.same_as("rate")), kl.Gamma(), unit=1.0)
    assert inside.sources["first.shape"] == kl.same_as("first.rate")
    across = inside.with_given({"second.rate": kl.same_as("first.rate")})
    fixed = across.with_given({"first.rate": kl.Gamma(rate=2.0).sources["rate"]})
    assert fixed.with_given({"second.shape": kl.same_as("unit")}).params == {
        "unit": 1.0,
        "first.shape": 2.0,
        "first.rate": 2.0,
        "second.shape": 1.0,
        "second.rate": 2.0,
    }
    with pytest.raises(kl.ModelError, match="a tie needs another parameter that is not tied"):
        across.with_given({"first.rate": kl.same_as("second.rate")})
    default = fixed.with_given({"second.shape": kl.same_as("unit")}).in_default()
    assert default.params == fixed.with_given({"second.shape": kl.same_as("unit")}).params


def test_a_fit_of_two_parts_with_a_tie_between_them():
    x = np.maximum(
        stats.weibull_min(2.0, scale=2.0).rvs(500, random_state=1),
        stats.weibull_min(2.0, scale=2.0).rvs(500, random_state=2),
    )
    model = Larger(kl.Weibull(), kl.Weibull(), unit=1.0)
    ties = {f"second.{n}": kl.same_as(f"first.{n}") for n in ("shape", "scale")}
    fit = kl.fit(model.with_given(ties), x)

    def loss(at):  # the larger of two: density 2 f F
        law = stats.weibull_min(at[0], scale=at[1])
        return -np.sum(np.log(2.0) + law.logpdf(x) + law.logcdf(x))

    # to a tolerance of 1e-9, but where the likelihood is flat
    found = optimize.minimize(loss, [2.0, 2.0], method="Nelder-Mead", options={"xatol": 1e-9})
    assert fit.log_likelihood == pytest.approx(-found.fun, rel=1e-12)
    assert fit.params["second.scale"] == fit.params["first.scale"]
    np.testing.assert_allclose(
        list(fit.params.values())[1:3], found.x, rtol=1e-6
    )  # its own tolerance


def test_parts_that_cannot_be():
    with pytest.raises(kl.ModelError, match=r"Write kl.Weibull\(\)"):
        Larger(kl.Weibull, kl.Gamma())
    with pytest.raises(kl.ModelError, match="has labels"):
        Larger(kl.Categorical(), kl.Gamma())
    with pytest.raises(kl.ModelError, match=r"scale=-1\.0 lies outside"):
        kl.Truncated(kl.Weibull(scale=-1.0), lower=1.0)
    with pytest.raises(kl.ModelError, match=r"unit=0\.0 lies outside"):
        Larger(kl.Weibull(), kl.Gamma(), unit=0.0)


@pytest.mark.parametrize(
    "model",
    [
        kl.Truncated(kl.Weibull(), lower=1.0, upper=6.0),
        kl.Truncated(kl.Gamma(mean=kl.Param(start=1.5, lower=1.0)), lower=0.5),
        kl.Truncated(kl.Truncated(kl.Gamma(shape=kl.same_as("rate")), lower=0.5), upper=8.0),
    ],
    ids=["one", "reparametrised", "nested and tied"],
)
def test_a_fit_is_saved_and_pickled(model, tmp_path):
    x = stats.weibull_min(1.5, scale=3.0).rvs(300, random_state=1)
    fit = kl.fit(model, x[(x > 1.0) & (x < 6.0)])
    assert fit.convergence.converged
    fit.save(tmp_path / "fit.json")
    loaded = kl.load(tmp_path / "fit.json")
    assert loaded == fit
    assert repr(loaded.model) == repr(fit.model)
    assert pickle.loads(pickle.dumps(fit)) == fit


@pytest.mark.parametrize(
    "model",
    [
        kl.ZeroInflated(kl.Truncated(kl.Geometric(), lower=1)),
        kl.Hurdle(kl.Poisson(), zero_probability=0.25),
        kl.Shifted(kl.Truncated(kl.Exponential(), upper=50.0), loc=-0.5),
    ],
    ids=["ZeroInflated", "Hurdle", "Shifted"],
)
def test_models_with_parameters_of_their_own_are_saved(model, tmp_path):
    fit = kl.fit(model, [0.0, 0.0, 1.0, 2.0, 1.0, 4.0, 3.0, 0.0])
    assert fit.convergence.converged
    fit.save(tmp_path / "fit.json")
    loaded = kl.load(tmp_path / "fit.json")
    assert loaded == fit
    assert loaded.model == fit.model == copy.deepcopy(fit.model)


def test_a_document_with_parts_that_are_wrong(tmp_path):
    path = tmp_path / "fit.json"
    kl.fit(kl.Truncated(kl.Weibull(), lower=0.5), [1.0, 2.0, 4.0, 1.5]).save(path)
    text = path.read_text()
    for old, new, message in [
        ('"lower": 0.5', '"lower": "x"', "lower"),
        ('"name": "Weibull"', '"name": "Weibul"', "is not a model of Kullback's"),
        ('"name": "Weibull"', '"name": "Categorical"', "Categorical"),
        ('"name": "Truncated"', '"name": "Weibull"', "lacks scale, shape"),
    ]:
        assert old in text
        path.write_text(text.replace(old, new))
        with pytest.raises(kl.FileFormatError, match=message):
            kl.load(path)


def test_a_truncated_family_is_fitted_as_rows_with_a_window():
    x = stats.weibull_min(1.5, scale=3.0).rvs(2_000, random_state=1)
    x = x[(x >= 1.0) & (x <= 6.0)]
    fit = kl.fit(kl.Truncated(kl.Weibull(), lower=1.0, upper=6.0), x)
    same = kl.fit(kl.Weibull(), x, truncation=(1.0, 6.0))
    assert fit.params == pytest.approx(same.params, rel=1e-11)
    assert fit.stderr == pytest.approx(same.stderr, rel=1e-9)
    assert fit.log_likelihood == pytest.approx(same.log_likelihood, rel=1e-13)
    law = stats.weibull_min(fit.params["shape"], scale=fit.params["scale"])
    kept = law.cdf(6.0) - law.cdf(1.0)
    at = np.array([1.0, 1.7, 4.0, 6.0])
    np.testing.assert_allclose(fit.model.density(at), law.pdf(at) / kept, rtol=1e-12)
    np.testing.assert_allclose(fit.model.cdf(at), (law.cdf(at) - law.cdf(1.0)) / kept, rtol=1e-12)
    np.testing.assert_allclose(
        fit.model.quantile([0.1, 0.9]), law.ppf(law.cdf(1.0) + kept * np.array([0.1, 0.9]))
    )


# ---- wrong calls ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: kl.Mixture(kl.Normal(), kl.Gamma()),
            r"as one list: kl\.Mixture\(\[Normal\(.*\), Gamma\(.*\)\]\)",
        ),
        (lambda: kl.Mixture([kl.Normal()] * 2, weight=[0.5, 0.5]), 'did you mean "weights"'),
        (lambda: kl.Mixture(kl.Normal(), n_components=3), "use components"),
        (lambda: kl.Mixture(kl.Normal(), 3), r"by name: kl\.Mixture\(.*, components=3\)"),
        (lambda: kl.Mixture(), r"needs models\. The call is kl\.Mixture\(models, components="),
        (lambda: kl.ZeroInflated(kl.Poisson(), 0.3), r"zero_probability=0\.3\)"),
        (lambda: kl.ZeroInflated(kl.Poisson(), rate=2.0), r"write .*\(kl\.Poisson\(rate=\.\.\.\)"),
        (lambda: kl.Hurdle(kl.Poisson(), pi=0.3), "use zero_probability"),
        (lambda: kl.Truncated(kl.Normal(), 0, 1), "lower=0, upper=1"),
        (lambda: kl.Truncated(kl.Normal(), a=0, b=1), "use lower and upper"),
        (lambda: kl.Shifted(kl.Weibull(), threshold=3.0), "use loc"),
        (lambda: kl.Shifted(kl.Weibull(), base=kl.Gamma()), "given base twice"),
        (lambda: kl.LogDensity(lambda y: y, params={}), 'did you mean "parameters"'),
        (lambda: kl.Function(lambda x: x, starts={}), 'did you mean "start"'),
        (lambda: kl.Param(minimum=0.0), r"The call is kl\.Param\(start, lower, upper\)"),
    ],
)
def test_a_wrong_call_says_what_would_be_right(call, words):
    with pytest.raises(kl.ModelError, match=words):
        call()


def test_an_error_within_a_right_call_is_not_hidden():
    def broken(y, a):  # noqa: ARG001
        raise TypeError("of the user's own")

    with pytest.raises(Exception, match="of the user's own"):
        kl.LogDensity(broken, parameters={"a": kl.Param(start=1.0)}).log_density(1.0)
