"""Information between models, against mpmath for every pair of families, and identities.

The values in data/divergence.json were made by data/make_divergence.py: 50-digit arithmetic, from
formulas written there. An answer here must agree to 1e-10 of max(1, |value|), the accuracy that
the quadrature promises.
"""

import json
import math
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import jax.numpy as jnp
import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kullback as kl
from kullback import cross_entropy, entropy, jensen_shannon, kl_divergence
from kullback._core.domains import POSITIVE as POSITIVE_NUMBERS
from kullback._core.domains import REAL
from kullback._core.errors import DataError, KullbackError, ModelError
from kullback.models.registry import own_models

TOLERANCE = 1e-10


@cache
def answers():
    return json.loads(Path(__file__).with_name("data").joinpath("divergence.json").read_text())


FAMILIES = sorted(answers()["settings"])


def make(family, role, k):
    model = getattr(kl, family)
    numbers = answers()["settings"][family][role][k]
    return model(**dict(zip(model.default_parameters, map(float, numbers), strict=True)))


def off(found, expected):
    found, expected = float(found), float(expected)
    if math.isinf(expected):
        return 0.0 if found == expected else math.inf
    return abs(float(found) - expected) / max(1.0, abs(expected))


# Their entropies are tested beside them, in tests/models.
ELSEWHERE = {
    *("BetaBinomial", "BirnbaumSaunders", "Categorical", "Frechet", "GeneralizedGamma"),
    *("GeneralizedPoisson", "Hurdle", "Mixture", "Shifted", "SkewNormal", "Truncated"),
    *("ZeroInflated", "Zipf"),
}


def test_every_family_of_numbers_is_here():
    assert set(FAMILIES) == set(own_models()) - ELSEWHERE


@pytest.mark.parametrize("family", FAMILIES)
def test_entropy_by_every_method(family):
    for k, expected in enumerate(answers()["entropy"][family]):
        p = make(family, "p", k)
        for method in ("auto", "quadrature"):
            found = entropy(p, method=method)
            assert off(found, expected) < 1e-11, (p, method, found, expected)
            assert abs(float(found) - float(expected)) <= found.stderr + 1e-13


@pytest.mark.parametrize("family", FAMILIES)
def test_every_pair_that_shares_a_support(family):
    """By the method that is chosen, and by quadrature alone; +inf where mpmath says so."""
    divergences, crosses = answers()["kl_divergence"][family], answers()["cross_entropy"][family]
    bad = []
    for other, row in divergences.items():
        for k, expected in enumerate(row):
            p, q = make(family, "p", k), make(other, "q", k)
            if expected is None:
                with pytest.raises(ModelError, match="angles"):
                    kl_divergence(p, q)
                continue
            found = {
                "auto": (kl_divergence(p, q), expected),
                "cross": (cross_entropy(p, q), crosses[other][k]),
            }
            if found["auto"][0].method.startswith("closed form"):
                found["quadrature"] = kl_divergence(p, q, method="quadrature"), expected
            for name, (estimate, value) in found.items():
                result, true = float(estimate), float(value)
                # the bound holds; a closed form, which has none, is right to 1e-13
                bound = estimate.stderr + 1e-13 * (1.0 + abs(true))
                close = off(result, true) < TOLERANCE and not abs(result - true) > bound
                if not close or float(found["auto"][0]) < 0.0:
                    bad.append((p, q, name, estimate.method, result, value))
    assert not bad, bad


# ---- identities ----------------------------------------------------------------------------------


POSITIVE = st.floats(0.05, 20.0)


MEMBERS = {
    "line": [
        lambda a, b: kl.Normal(loc=a, scale=b),
        lambda a, b: kl.Laplace(loc=a, scale=b),
        lambda a, b: kl.Logistic(loc=a, scale=b),
    ],
    "amounts": [
        lambda a, b: kl.Gamma(shape=abs(a) + 0.1, rate=b),
        lambda a, b: kl.Weibull(shape=abs(a) + 0.3, scale=b),
        lambda a, b: kl.LogNormal(loc=a / 2.0, scale=0.1 + b / 8.0),
    ],
    "counts": [
        lambda a, b: kl.Poisson(rate=b + abs(a)),
        lambda a, b: kl.NegativeBinomial(mean=b, size=abs(a) + 0.1),
        lambda a, b: kl.Geometric(probability=1.0 / (1.0 + b + abs(a))),
    ],
}


def pairs():
    """Two members of families whose supports agree: two indices of makers, and two numbers each."""
    member = st.tuples(st.integers(0, 2), st.floats(-5.0, 5.0), POSITIVE)
    return st.tuples(st.sampled_from(sorted(MEMBERS)), member, member)


def both(pair):
    kind, *members = pair
    return [MEMBERS[kind][which](a, b) for which, a, b in members]


@given(pairs())
def test_cross_entropy_is_entropy_plus_relative_entropy(pair):
    p, q = both(pair)
    gap, cross, own = kl_divergence(p, q), cross_entropy(p, q), entropy(p)
    assert float(gap) >= 0.0
    # each side is promised to 1e-10, and their sizes may be large where p's tail is heavy for q
    assert float(cross) == pytest.approx(float(own) + float(gap), rel=2e-10, abs=2e-10)
    assert float(gap) == pytest.approx(
        float(kl_divergence(p, q, method="quadrature")), rel=1e-10, abs=1e-10
    )


@pytest.mark.parametrize("gap", [1e-9, 0.5, 1.5, 4.0, 20.0, 60.0])
def test_laplaces_far_apart_and_near(gap):
    # log(c/b) + (d + b e^(−d/b))/c − 1 in 40 digits
    b, c, d = mpmath.mpf(0.25), mpmath.mpf(1), mpmath.mpf(0.25) * mpmath.mpf(gap)
    with mpmath.workdps(40):
        truth = mpmath.log(c / b) + (d + b * mpmath.exp(-d / b)) / c - 1
        near = d + mpmath.exp(-d) - 1
    p, q = kl.Laplace(loc=0.0, scale=0.25), kl.Laplace(loc=0.25 * gap, scale=1.0)
    assert float(kl_divergence(p, q)) == pytest.approx(float(truth), rel=1e-14)
    twin = kl.Laplace(loc=0.25 * gap, scale=1.0)
    own = float(kl_divergence(kl.Laplace(loc=0.0, scale=1.0), twin))
    assert own == pytest.approx(float(near), rel=1e-9)


@pytest.mark.parametrize("ratio", [1e-12, 1e-6, 0.3, 0.9999, 1.7, 1e6])
def test_scales_far_apart_and_near(ratio):
    with mpmath.workdps(40):
        r = mpmath.mpf(ratio)
        rates = r - 1 - mpmath.log(r)  # exponential and Poisson, of rates 1 and r
        widths = (r * r - 1) / 2 - mpmath.log(r)  # normal, of scales r and 1
    found = kl_divergence(kl.Exponential(rate=1.0), kl.Exponential(rate=ratio))
    assert float(found) == pytest.approx(float(rates), rel=1e-13)
    found = kl_divergence(kl.Poisson(rate=1.0), kl.Poisson(rate=ratio))
    assert float(found) == pytest.approx(float(rates), rel=1e-13)
    narrow, wide = kl.Normal(loc=0.0, scale=ratio), kl.Normal(loc=0.0, scale=1.0)
    assert float(kl_divergence(narrow, wide)) == pytest.approx(float(widths), rel=1e-13)
    assert float(kl_divergence(kl.Rayleigh(scale=ratio), kl.Rayleigh(scale=1.0))) == pytest.approx(
        float(2 * widths), rel=1e-13
    )


@given(pairs(), st.floats(0.05, 0.95))
def test_jensen_shannon_is_symmetric_and_below_the_entropy_of_its_weights(pair, w):
    p, q = both(pair)
    found = float(jensen_shannon(p, q, weights=(w, 1.0 - w)))
    assert found == pytest.approx(
        float(jensen_shannon(q, p, weights=(1.0 - w, w))), rel=1e-9, abs=1e-12
    )
    limit = -w * math.log(w) - (1.0 - w) * math.log1p(-w)
    # for p and q far apart it is this limit, but for the quadrature's rounding
    assert -1e-12 <= found <= limit + 1e-12


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_and_itself(family):
    p, twin = make(family, "p", 0), make(family, "p", 0)
    assert float(kl_divergence(p, twin)) == 0.0
    assert abs(float(kl_divergence(p, twin, method="quadrature"))) < 1e-15
    assert float(jensen_shannon(p, twin)) == 0.0


def test_jensen_shannon_against_mpmath():
    def normal(loc):
        return lambda x: mpmath.exp(-((x - loc) ** 2) / 2) / mpmath.sqrt(2 * mpmath.pi)

    p, q = normal(0), normal(mpmath.mpf("1.5"))

    def integrand(x):
        m = (p(x) + q(x)) / 2
        return (p(x) * mpmath.log(p(x) / m) + q(x) * mpmath.log(q(x) / m)) / 2

    expected = mpmath.quad(integrand, [-12, 0, 1.5, 14])
    found = jensen_shannon(kl.Normal(loc=0.0, scale=1.0), kl.Normal(loc=1.5, scale=1.0))
    assert off(found, expected) < 1e-12


def test_units_differ_by_their_factor():
    p, q = kl.Gamma(shape=2.0, rate=1.0), kl.LogNormal(loc=0.0, scale=1.0)
    nats = float(kl_divergence(p, q))
    assert float(kl_divergence(p, q, unit="bits")) == pytest.approx(nats / math.log(2), rel=1e-15)
    assert float(entropy(p, unit="hartleys")) == pytest.approx(
        float(entropy(p)) / math.log(10), rel=1e-15
    )


# ---- nearly equal models -------------------------------------------------------------------


def test_nearly_equal_models_keep_their_digits():
    """Against the leading term: the Fisher information times the squared step, over two."""
    step = 1e-8
    p, q = kl.Normal(loc=0.0, scale=1.0), kl.Normal(loc=step, scale=1.0)
    for method in ("auto", "closed form", "quadrature"):
        # log-densities rounded at 1e-16 differ by 1e-8: the quadrature has eight digits
        assert float(kl_divergence(p, q, method=method)) == pytest.approx(5e-17, rel=1e-7)
    information = float(mpmath.psi(1, 2))  # of a gamma's shape, at 2
    found = kl_divergence(kl.Gamma(shape=2.0, rate=1.0), kl.Gamma(shape=2.0 + 1e-7, rate=1.0))
    assert float(found) == pytest.approx(0.5e-14 * information, rel=1e-6)
    assert found.stderr < 1e-6 * float(found)
    # Jensen-Shannon: an eighth of that information
    assert float(jensen_shannon(p, kl.Normal(loc=1e-6, scale=1.0))) == pytest.approx(
        1e-12 / 8.0, rel=1e-6
    )


@pytest.mark.parametrize(
    ("family", "numbers"),
    [
        (kl.LogNormal, {"loc": 0.3, "scale": 1.2}),
        (kl.Exponential, {"rate": 2.0}),
        (kl.HalfNormal, {"scale": 2.0}),
        (kl.Rayleigh, {"scale": 2.0}),
        (kl.Laplace, {"loc": 0.3, "scale": 2.0}),
        (kl.Cauchy, {"loc": 0.3, "scale": 2.0}),
        (kl.Gumbel, {"loc": 0.3, "scale": 2.0}),
        (kl.Weibull, {"shape": 1.7, "scale": 2.0}),
        (kl.InverseGaussian, {"mean": 1.7, "shape": 2.0}),
        (kl.Poisson, {"rate": 3.0}),
        (kl.Geometric, {"probability": 0.3}),
        (kl.Binomial, {"trials": 9, "probability": 0.3}),
    ],
)
def test_closed_forms_of_nearly_equal_models_agree_with_the_quadrature(family, numbers):
    p = family(**numbers)
    step = 1.0 + 2.0**-20
    q = family(**{name: x if name == "trials" else x * step for name, x in numbers.items()})
    closed = kl_divergence(p, q, method="closed form")
    numeric = kl_divergence(p, q, method="quadrature")
    # D is near 1e-12; a log ratio of 1e-6 with an error of some 1e-15 gives it nine digits
    assert float(closed) == pytest.approx(float(numeric), rel=1e-8)


# ---- infinite, and undecided ---------------------------------------------------------------


INFINITE = [
    (kl.StudentT(df=2.0, loc=0.0, scale=1.0), kl.Normal(loc=0.0, scale=1.0), "tails", "-inf"),
    (kl.Cauchy(loc=0.0, scale=1.0), kl.Gumbel(loc=0.0, scale=1.0), "tails", "-inf"),
    (kl.Lomax(shape=3.0, scale=1.0), kl.Gompertz(shape=0.1, rate=1.0), "tails", "inf"),
    (kl.Exponential(rate=0.5), kl.Gompertz(shape=0.5, rate=1.0), "tails", "inf"),
    (kl.Exponential(rate=1.0), kl.InverseGamma(shape=2.0, scale=1.0), "tails", "towards 0"),
    (kl.Normal(loc=9.0, scale=1.0), kl.Gamma(shape=2.0, rate=1.0), "supports", "below 0"),
    (kl.Uniform(lower=0.0, upper=2.0), kl.Beta(alpha=1.0, beta=1.0), "supports", "above 1"),
    (kl.Poisson(rate=1.0), kl.Binomial(trials=3, probability=0.5), "supports", "mass at 4, 5"),
    (kl.Geometric(probability=0.5), kl.LogSeries(probability=0.5), "supports", "mass at 0"),
    (kl.Bernoulli(probability=0.5), kl.Bernoulli(probability=1.0), "supports", "mass at 0"),
]


@pytest.mark.parametrize(("p", "q", "method", "words"), INFINITE)
def test_infinite_is_reported_with_the_reason(p, q, method, words):
    for measure in (kl_divergence, cross_entropy):
        found = measure(p, q)
        assert float(found) == math.inf
        assert found.method == method
        assert words in found.assumptions[0]
    assert float(jensen_shannon(p, q)) < math.log(2)


def test_finite_just_beyond_the_border():
    t, normal = kl.StudentT(df=2.01, loc=0.0, scale=1.0), kl.Normal(loc=0.0, scale=1.0)
    # E x² = df/(df − 2)
    expected = 0.5 * (2.01 / 0.01) + 0.5 * math.log(2 * math.pi)
    assert off(cross_entropy(t, normal), expected) < 1e-10
    by_quadrature = cross_entropy(t, normal, method="quadrature")
    assert abs(float(by_quadrature) - expected) <= max(by_quadrature.stderr, 1e-10 * expected)


def test_a_product_beyond_the_doubles_is_refused():
    """E e^(0.99 x) under a rate of 1 is finite, but its integrand overflows."""
    with pytest.raises(ModelError, match="double precision"):
        kl_divergence(kl.Exponential(rate=1.0), kl.Gompertz(shape=0.99, rate=1.0))


# ---- counts and labels ---------------------------------------------------------------------


def test_categories_must_agree():
    p = kl.Categorical(probabilities=[0.2, 0.8], levels=("no", "yes"))
    q = kl.Categorical(probabilities=[0.5, 0.5], levels=("no", "yes"))
    expected = 0.2 * math.log(0.4) + 0.8 * math.log(1.6)
    assert off(kl_divergence(p, q), expected) < 1e-15
    assert off(kl_divergence(p, q, method="quadrature"), expected) < 1e-15
    certain = kl.Categorical(probabilities=[0.0, 1.0], levels=("no", "yes"))
    assert "'no'" in kl_divergence(p, certain).assumptions[0]
    assert off(kl_divergence(certain, p), -math.log(0.8)) < 1e-15
    assert float(entropy(certain)) == 0.0
    with pytest.raises(ModelError, match="labels differ"):
        kl_divergence(p, kl.Categorical(probabilities=[0.5, 0.5], levels=("yes", "no")))
    with pytest.raises(ModelError, match="has 3"):
        kl_divergence(p, kl.Categorical(probabilities=[0.2, 0.3, 0.5]))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        # a logarithmic tail of ten million outcomes, and one of a million million, against
        # H = [−(1−p) log(1−p) − p log p]/p at 50 digits
        (kl.Geometric(probability=1e-7), 1e-7),
        (kl.Geometric(probability=1e-12), 1e-12),
    ],
)
def test_entropies_of_counts_beyond_summing_one_by_one(model, expected):
    with mpmath.workdps(50):
        p = mpmath.mpf(expected)
        value = -((1 - p) * mpmath.log(1 - p) + p * mpmath.log(p)) / p
    assert off(entropy(model, method="quadrature"), value) < 1e-12


@pytest.mark.parametrize(
    "model",
    [
        kl.Gamma(shape=0.01, rate=1.0),  # of its probability 1e-3 lies below the doubles
        kl.Gamma(shape=1e10, rate=1e-3),
        kl.StudentT(df=0.02, loc=0.0, scale=1.0),
        kl.Pareto(shape=0.01, minimum=1.0),
        kl.LogNormal(loc=0.0, scale=30.0),
        kl.GeneralizedPareto(scale=1.0, shape=-3.0),
        kl.GeneralizedExtremeValue(loc=0.0, scale=1.0, shape=-2.0),
        kl.GeneralizedExtremeValue(loc=0.0, scale=1.0, shape=4.0),
        kl.Weibull(shape=0.02, scale=1.0),
        kl.Weibull(shape=1e4, scale=1.0),
        kl.Cauchy(loc=1e9, scale=1e-3),
        kl.Normal(loc=1e6, scale=1e-3),
        kl.InverseGaussian(mean=1.0, shape=1e-4),
        kl.Burr(shape1=0.05, shape2=0.5, scale=1.0),
    ],
    ids=repr,
)
def test_the_bound_of_a_hard_quadrature_holds(model):
    """Against the family's closed form, which tests/models holds against mpmath."""
    found = entropy(model, method="quadrature")
    assert abs(float(found) - model.entropy()) <= found.stderr + 1e-12 * abs(model.entropy())
    assert found.stderr < 1e-3  # nine digits of a scale of 1e-3 beside a place of 1e9 are noise


def test_large_poisson_against_its_series():
    rate = 1e8
    # H = ½ log(2πe λ) − 1/(12λ) − 1/(24λ²) + ... (R. J. Evans, J. Boersma, N. M. Blachman and
    # A. A. Jagers, 1988)
    expected = 0.5 * math.log(2 * math.pi * math.e * rate) - 1.0 / (12.0 * rate)
    assert off(entropy(kl.Poisson(rate=rate)), expected) < 1e-12
    found = kl_divergence(
        kl.Poisson(rate=rate), kl.NegativeBinomial(mean=rate, size=1e12), method="quadrature"
    )
    assert 0.0 < float(found) < 1e-8


# ---- simulation ----------------------------------------------------------------------------


def test_simulation_agrees_with_its_error_and_keeps_the_identity():
    p, q = kl.Gamma(shape=2.0, rate=1.0), kl.LogNormal(loc=0.3, scale=0.8)
    options = {"method": "monte carlo", "draws": 20_000, "seed": 7}
    gap, cross = kl_divergence(p, q, **options), cross_entropy(p, q, **options)
    own = entropy(p, **options)
    # the same draws in all three: the identity holds to the rounding of a mean
    assert float(cross) == pytest.approx(float(own) + float(gap), abs=1e-13)
    for found, exact in ((gap, kl_divergence(p, q)), (cross, cross_entropy(p, q))):
        # four standard errors, at a fixed seed
        assert abs(float(found) - float(exact)) < 4.0 * found.stderr
        assert found.interval[0] < float(found) < found.interval[1]
        assert "20,000 draws, seed 7" in found.method
    assert float(kl_divergence(p, q, **options)) == float(gap)
    js = jensen_shannon(p, q, **options)
    assert abs(float(js) - float(jensen_shannon(p, q))) < 4.0 * js.stderr


# ---- families of users --------------------------------------------------------------------


class Powered(kl.Family):
    """e^(−|z|^3/2), defined by its log-density alone."""

    default_parameters: ClassVar[dict[str, Any]] = {"loc": REAL, "scale": POSITIVE_NUMBERS}
    support = REAL

    @staticmethod
    def _log_density(x, loc, scale):
        # ∫ exp(−|z|^(3/2)) dz = 2 Γ(5/3)
        return -(jnp.abs((x - loc) / scale) ** 1.5) - jnp.log(2 * math.gamma(5 / 3) * scale)


class Tailed(kl.Family):
    """Student's t by another name, with a distribution function and unknown tails."""

    default_parameters: ClassVar[dict[str, Any]] = {"df": POSITIVE_NUMBERS}
    support = REAL

    @staticmethod
    def _log_density(x, df):
        return kl.StudentT._log_density(x, df, jnp.zeros(()), jnp.ones(()))

    @staticmethod
    def _log_cdf(x, df):
        return kl.StudentT._log_cdf(x, df, jnp.zeros(()), jnp.ones(()))

    @staticmethod
    def _log_survival(x, df):
        return kl.StudentT._log_survival(x, df, jnp.zeros(()), jnp.ones(()))


class Drawn(kl.Family):
    """A standard normal that can only be drawn from and evaluated."""

    default_parameters: ClassVar[dict[str, Any]] = {"centre": REAL}
    support = REAL

    @staticmethod
    def _log_density(x, centre):
        return kl.Normal._log_density(x, centre, jnp.ones(()))

    @staticmethod
    def _draw(generator, shape, centre):
        return centre + generator.standard_normal(shape)


STANDARD = kl.Normal(loc=0.0, scale=1.0)


def test_a_family_of_a_user_is_integrated():
    p = Powered(loc=0.0, scale=1.0)
    with mpmath.workdps(20):
        constant = mpmath.log(2 * mpmath.gamma(mpmath.mpf(5) / 3))
        # E|z|^(3/2) = 2/3 and E z² = Γ(2)/Γ(2/3) under it
        own = constant + mpmath.mpf(2) / 3
        cross = mpmath.log(2 * mpmath.pi) / 2 + 1 / (2 * mpmath.gamma(mpmath.mpf(2) / 3))
    assert off(entropy(p), own) < TOLERANCE
    assert off(kl_divergence(p, STANDARD), cross - own) < TOLERANCE


def test_unknown_tails_are_decided_numerically_or_left_undecided():
    t = kl.StudentT(df=3.0, loc=0.0, scale=1.0)
    assert off(kl_divergence(Tailed(df=3.0), STANDARD), kl_divergence(t, STANDARD)) < TOLERANCE
    assert float(kl_divergence(Tailed(df=1.9), STANDARD)) == math.inf
    assert float(kl_divergence(Tailed(df=3.0), kl.Gumbel(loc=0.0, scale=1.0))) == math.inf
    with pytest.raises(ModelError, match="cannot be decided whether"):
        kl_divergence(Tailed(df=2.0), STANDARD)


def test_a_model_that_cannot_be_integrated_is_simulated():
    p = Drawn(centre=1.0)
    with pytest.raises(ModelError, match="distribution function"):
        entropy(p, method="quadrature")
    found = entropy(p, draws=10_000)
    assert found.method == "Monte Carlo, 10,000 draws, seed 0"
    # H = ½ log(2πe), four standard errors at a fixed seed
    assert abs(float(found) - 0.5 * math.log(2 * math.pi * math.e)) < 4.0 * found.stderr
    gap = kl_divergence(p, STANDARD, draws=10_000)
    assert abs(float(gap) - 0.5) < 4.0 * gap.stderr


# ---- refusals ---------------------------------------------------------------------------------


def test_refusals():
    counts = kl.Poisson(rate=1.0)
    with pytest.raises(ModelError, match="is not a distribution yet"):
        kl_divergence(kl.Gamma(shape=2.0), kl.Gamma(shape=2.0, rate=1.0))
    with pytest.raises(ModelError, match=r"is discrete and .* is continuous"):
        kl_divergence(counts, STANDARD)
    with pytest.raises(ModelError, match=r"is discrete and .* is continuous"):
        cross_entropy(STANDARD, counts)
    with pytest.raises(ModelError, match="labels"):
        kl_divergence(counts, kl.Categorical(probabilities=[0.5, 0.5]))
    with pytest.raises(ModelError, match="defective"):
        entropy(kl.Gompertz(shape=-0.5, rate=1.0))
    with pytest.raises(ModelError, match='did you mean "quadrature"'):
        entropy(STANDARD, method="quadrat")
    with pytest.raises(ModelError, match="no closed form"):
        entropy(kl.NegativeBinomial(mean=2.0, size=1.0), method="closed form")
    with pytest.raises(KullbackError, match="unit"):
        entropy(STANDARD, unit="bit")
    with pytest.raises(ModelError, match="level"):
        entropy(STANDARD, level=1.5)
    with pytest.raises(ModelError, match="draws"):
        entropy(STANDARD, method="monte carlo", draws=1)
    with pytest.raises(DataError, match="weights"):
        jensen_shannon(STANDARD, STANDARD, weights=(0.7, 0.7))


def test_the_method_is_reported():
    gamma = kl.Gamma(shape=2.0, rate=1.0)
    assert entropy(gamma).method == "closed form"
    assert entropy(kl.Poisson(rate=2.0)).method == "sum over outcomes"
    assert kl_divergence(gamma, kl.Gamma(shape=3.0, rate=1.0)).method.startswith("closed form")
    found = kl_divergence(gamma, kl.LogNormal(loc=0.0, scale=1.0))
    assert found.method == "quadrature"
    assert 0.0 < found.stderr < 1e-12
    # the Bregman form between near members loses its digits, and its error says so
    forced = kl_divergence(gamma, kl.Gamma(shape=2.0 + 1e-7, rate=1.0), method="closed form")
    assert forced.stderr > 0.01 * float(forced)


# ---- numbers too large ----------------------------------------------------------------------


@pytest.mark.parametrize("scale", [5.0, 12.0, 13.0, 13.5])
def test_the_bound_holds_where_the_mean_lies_far_out(scale):
    """E x = e^(scale²/2) comes from scale standard deviations out: the last from 180 of log x."""
    p, q = kl.LogNormal(loc=0.0, scale=scale), kl.Gamma(shape=2.0, rate=1.0)
    found = kl_divergence(p, q)
    with mpmath.workdps(50):  # E log q = E log x − E x, E log x = 0, and −H(p) = −½ log(2πe scale²)
        s = mpmath.mpf(scale)
        expected = mpmath.exp(s * s / 2) - mpmath.log(2 * mpmath.pi * mpmath.e * s * s) / 2
        assert abs(found.value - expected) <= max(found.stderr, 1e-13 * expected)


@pytest.mark.parametrize("scale", [14.0, 20.0, 50.0])
def test_a_mean_from_beyond_the_points_is_refused(scale):
    with pytest.raises(ModelError, match="double precision"):
        kl_divergence(kl.LogNormal(loc=0.0, scale=scale), kl.Gamma(shape=2.0, rate=1.0))


def test_a_closed_form_beyond_the_doubles_says_so():
    # ½ (1e200)² is 5e399
    found = kl_divergence(kl.Normal(loc=1e200, scale=1.0), kl.Normal(loc=0.0, scale=1.0))
    assert float(found) == math.inf
    assert "larger than any double" in found.assumptions[0]
