"""The fit from end to end: weights, engines, convergence, uncertainty, decomposition, errors."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import kullback as kl
from kullback import fitting
from kullback.objective import first_pass


def gamma_rows(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(2.0, 3.0, n)


# ---- the number ----------------------------------------------------------------------------------


def test_cross_entropy_is_the_mean_negative_log_density_with_every_constant() -> None:
    x = gamma_rows(500)
    fit = kl.fit(kl.Weibull(), x)
    law = stats.weibull_min(fit.params["shape"], scale=fit.params["scale"])
    assert fit.cross_entropy == pytest.approx(-law.logpdf(x).mean(), rel=1e-13)
    assert fit.log_likelihood == pytest.approx(law.logpdf(x).sum(), rel=1e-13)
    assert fit.aic == pytest.approx(4 - 2 * law.logpdf(x).sum(), rel=1e-13)
    assert fit.bic == pytest.approx(2 * np.log(500) - 2 * law.logpdf(x).sum(), rel=1e-13)


MODELS = [kl.Gamma(), kl.Weibull(), kl.StudentT(), kl.Laplace(), kl.NegativeBinomial()]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_weight_of_k_is_the_row_k_times(model: kl.Model) -> None:
    rng = np.random.default_rng(1)
    x = rng.poisson(4.0, 300) + (0.0 if model.discrete else rng.exponential(size=300))
    weight = rng.integers(0, 4, 300)
    weighted, repeated = kl.fit(model, x, weights=weight), kl.fit(model, np.repeat(x, weight))
    assert weighted.n == repeated.n
    assert weighted.cross_entropy == pytest.approx(repeated.cross_entropy, rel=1e-12)
    for name, value in repeated.params.items():
        assert weighted.params[name] == pytest.approx(value, rel=1e-12)
        assert weighted.stderr[name] == pytest.approx(repeated.stderr[name], rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("exponent", [-40, 7])
def test_scaling_weights_by_a_power_of_two_changes_no_bit(model: kl.Model, exponent: int) -> None:
    rng = np.random.default_rng(2)
    x = rng.poisson(4.0, 300) + (0.0 if model.discrete else rng.exponential(size=300))
    weight = rng.uniform(0.5, 2.0, 300)
    one, other = (kl.fit(model, x, weights=w) for w in (weight, np.ldexp(weight, exponent)))
    assert one.params == other.params
    assert one.cross_entropy == other.cross_entropy


@settings(max_examples=25)
@given(scale=st.floats(1e-9, 1e9), shape=st.floats(0.2, 20.0), seed=st.integers(0, 10**6))
def test_another_parametrisation_or_unit_of_measure_changes_no_likelihood(
    scale: float, shape: float, seed: int
) -> None:
    x = np.random.default_rng(seed).gamma(shape, size=50)
    fit = kl.fit(kl.Gamma(), x)
    by_mean, rescaled = kl.fit(kl.Gamma(mean=kl.Param()), x), kl.fit(kl.Gamma(), scale * x)
    assert by_mean.cross_entropy == pytest.approx(fit.cross_entropy, rel=1e-10, abs=1e-10)
    assert by_mean.params["mean"] == pytest.approx(x.mean(), rel=1e-10)
    # dx scales: H(cX) = H(X) + log c
    expected = fit.cross_entropy + np.log(scale)
    assert rescaled.cross_entropy == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert rescaled.params["shape"] == pytest.approx(fit.params["shape"], rel=1e-7)


# ---- engines -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows_in_group", [1_000, 70_001, 10**6])
def test_parquet_streams_to_the_same_bits(tmp_path, rows_in_group: int) -> None:
    x = np.random.default_rng(3).standard_t(4, 150_000)
    weight = np.random.default_rng(4).uniform(0.5, 2.0, x.size)
    pq.write_table(
        pa.table({"x": x, "w": weight}), tmp_path / "x.parquet", row_group_size=rows_in_group
    )
    here = kl.fit(kl.StudentT(), {"x": x, "w": weight}, "x", weights="w")
    from kullback.data import Roles, open_sample

    streamed_rows = open_sample(tmp_path / "x.parquet", Roles(y="x", weights="w"), in_memory=False)
    assert not streamed_rows.in_memory
    for threads in (1, 3):
        streamed = kl.fit(
            kl.StudentT(),
            streamed_rows,
            engine=lambda s, t=threads: kl.StreamingEngine(s, threads=t),
        )
        assert streamed.params == here.params
        assert streamed.cross_entropy == here.cross_entropy
        np.testing.assert_array_equal(streamed.covariance(), here.covariance())


def test_passes_are_few_and_counted() -> None:
    x = np.random.default_rng(5).standard_t(4, 400_000)
    assert kl.fit(kl.Gamma(), np.abs(x) + 1e-3).convergence.passes == 1
    # one to look, two or three of Newton from the subsample's estimate
    assert kl.fit(kl.StudentT(), x).convergence.passes <= 4


def test_a_subsample_without_a_maximum_does_not_mislead_the_sample() -> None:
    x = np.random.default_rng(1).standard_t(60, 600_000)  # on some thousand rows df runs away
    fit = kl.fit(kl.StudentT(), x)
    assert fit.convergence.converged
    # the true df lies within four standard errors of log df
    assert abs(np.log(fit.params["df"] / 60)) < 4 * fit.stderr["df"] / fit.params["df"]


def test_the_global_precision_of_jax_is_left_alone() -> None:
    import jax

    kl.fit(kl.Gamma(), gamma_rows(10))
    assert jax.numpy.ones(1).dtype == jax.numpy.float32
    assert not jax.config.jax_enable_x64


# ---- uncertainty ---------------------------------------------------------------------------------


def test_covariances_of_a_normal_fit() -> None:
    x = np.random.default_rng(6).normal(3.0, 2.0, 400)
    fit = kl.fit(kl.Normal(), x)
    sigma, n = fit.params["scale"], 400
    closed = np.diag([sigma**2 / n, sigma**2 / (2 * n)])  # the textbook's
    np.testing.assert_allclose(fit.covariance("observed"), closed, rtol=1e-9, atol=1e-16)
    np.testing.assert_allclose(fit.covariance("expected"), closed, rtol=1e-8, atol=1e-12)
    # Huber's sandwich: variance of the mean is the same; that of sigma has the fourth moment
    z = (x - x.mean()) / sigma
    sandwich = fit.covariance("sandwich")
    assert sandwich[0, 0] == pytest.approx(sigma**2 / n, rel=1e-9)
    assert sandwich[1, 1] == pytest.approx(sigma**2 * (np.mean(z**4) - 1) / (4 * n), rel=1e-9)


@pytest.mark.parametrize(
    "model", [kl.Poisson(), kl.Gamma(), kl.Exponential(), kl.Bernoulli()], ids=repr
)
def test_expected_information_is_the_observed_one_for_these_families(model: kl.Model) -> None:
    rng = np.random.default_rng(7)
    x = (rng.uniform(size=200) < 0.3) if model.name == "Bernoulli" else rng.poisson(4, 200) + 1.0
    fit = kl.fit(model, x)  # exponential families: equal at the estimate
    np.testing.assert_allclose(fit.covariance("expected"), fit.covariance("observed"), rtol=1e-7)


def test_intervals_are_computed_on_the_unconstrained_scale() -> None:
    fit = kl.fit(kl.Exponential(), gamma_rows(50))
    low, high = fit.interval(0.9)["rate"]
    rate, half = fit.params["rate"], stats.norm.ppf(0.95) / np.sqrt(50)  # se of log rate is 1/√n
    assert (low, high) == pytest.approx((rate * np.exp(-half), rate * np.exp(half)), rel=1e-9)
    (p_low, _), (_, q_high) = kl.fit(kl.Categorical(), list("aaab")).interval()["probabilities"]
    assert 0 < p_low < q_high < 1


# ---- the decomposition ---------------------------------------------------------------------------


def test_the_decomposition_of_counts_adds_up_exactly() -> None:
    x = np.random.default_rng(8).poisson(2.0, 500)
    fit = kl.fit(kl.Geometric(), x)
    share = np.bincount(x) / 500
    bits, nats = fit.decomposition("bits"), fit.decomposition()
    positive = share[share > 0]
    assert nats["entropy"] == pytest.approx(stats.entropy(positive), rel=1e-13)
    model = fit.model.density(np.arange(share.size))
    assert nats["relative entropy"] == pytest.approx(
        stats.entropy(positive, model[share > 0]) + np.log(1 / model[share > 0].sum()), rel=1e-9
    )
    assert nats["cross-entropy"] == nats["entropy"] + nats["relative entropy"]
    for line in ("cross-entropy", "entropy", "relative entropy"):
        assert bits[line] == pytest.approx(nats[line] / np.log(2), rel=1e-15)


def test_optimism_of_a_normal_fit() -> None:
    x = np.random.default_rng(9).standard_t(5, 300)
    fit = kl.fit(kl.Normal(), x)
    z = (x - x.mean()) / fit.params["scale"]
    trace = 1 + (np.mean(z**4) - 1) / 2  # Takeuchi's trace of the normal family
    decomposition = fit.decomposition()
    assert decomposition["cross-entropy, AIC"] == pytest.approx(
        fit.cross_entropy + 2 / 300, rel=1e-14
    )
    assert decomposition["cross-entropy, TIC"] == pytest.approx(
        fit.cross_entropy + trace / 300, rel=1e-10
    )


def test_the_decomposition_against_a_known_distribution() -> None:
    truth = kl.Normal(loc=0.0, scale=2.0)
    fit = kl.fit(kl.Normal(), truth.sample(200, seed=1))
    decomposition = fit.decomposition("bits", reference=truth)
    assert decomposition[f"entropy of {truth!r}"] == pytest.approx(
        stats.norm(0, 2).entropy() / np.log(2), rel=1e-14
    )
    # log(s/σ) + (σ² + m²)/(2 s²) − 1/2 for N(0, σ²) and N(m, s²)
    m, s = fit.params["loc"], fit.params["scale"]
    expected = np.log(s / 2.0) + (4.0 + m**2) / (2 * s**2) - 0.5
    assert decomposition[f"relative entropy to {truth!r}"] == pytest.approx(
        expected / np.log(2), rel=1e-12
    )


def test_a_heavy_tailed_reference_keeps_its_digits() -> None:
    # E_p[x²] = df/(df − 2) of Student's t: its integral over the distribution function converges
    # so slowly that fixed nodes are off by 0.05
    truth = kl.StudentT(df=2.2, loc=0.0, scale=1.0)
    fit = kl.fit(kl.Normal(loc=0.0, scale=2.0), [1.0, 2.0])
    law = stats.t(2.2)
    expected = -law.entropy() + np.log(2.0 * np.sqrt(2 * np.pi)) + 2.2 / 0.2 / 8.0
    relative = fit.decomposition(reference=truth)[f"relative entropy to {truth!r}"]
    assert relative == pytest.approx(expected, rel=1e-9)  # scipy's entropy is a quadrature


# ---- convergence --------------------------------------------------------------------------------


def words(fit: kl.Fit) -> str:
    c = fit.convergence
    return " ".join([c.reason, *c.advice, *c.bounds])


def test_a_regular_fit_converges_without_advice() -> None:
    convergence = kl.fit(kl.Gamma(), gamma_rows(500)).convergence
    assert convergence.converged
    assert convergence.gradient_norm < 1e-12
    assert 0 < convergence.smallest_eigenvalue <= 1
    assert convergence.advice == ()


def test_order_statistics_have_no_standard_error() -> None:
    x = np.random.default_rng(10).uniform(2.0, 5.0, 50)
    fit = kl.fit(kl.Uniform(), x)
    assert fit.params == {"lower": x.min(), "upper": x.max()}
    assert np.isnan(fit.stderr["lower"])
    assert "minimum of the sample" in words(fit)
    pareto = kl.fit(kl.Pareto(), x)
    assert pareto.params["minimum"] == x.min()
    assert pareto.params["shape"] == pytest.approx(1 / np.mean(np.log(x / x.min())), rel=1e-12)
    assert pareto.parameter_count == 2


def test_under_dispersed_counts_tend_to_a_poisson() -> None:
    fit = kl.fit(kl.NegativeBinomial(), np.random.default_rng(11).binomial(10, 0.5, 300))
    assert not fit.convergence.converged
    assert np.isnan(fit.stderr["size"])
    assert "size diverges to infinity" in words(fit)
    assert "kl.Poisson()" in words(fit)


def test_an_unbounded_likelihood_does_not_converge() -> None:
    x = -np.random.default_rng(12).power(0.5, 200)  # its density is infinite at its end
    fit = kl.fit(kl.GeneralizedExtremeValue(), x)
    assert not fit.convergence.converged
    assert "unbounded" in words(fit)


def test_an_estimate_on_a_bound_is_fixed_there() -> None:
    x = np.random.default_rng(13).standard_t(1.2, 500)
    fit = kl.fit(kl.StudentT(df=kl.Param(lower=2.0)), x)
    fixed = kl.fit(kl.StudentT(df=2.0), x)
    assert fit.convergence.converged
    assert fit.params["df"] == 2.0
    assert np.isnan(fit.stderr["df"])
    assert fit.params["loc"] == pytest.approx(fixed.params["loc"], rel=1e-9)
    assert fit.convergence.bounds == ("df = 2, its lower bound",)
    assert "increases at the bound of df" in words(fit)


def test_starts_are_counted() -> None:
    convergence = kl.fit(kl.Cauchy(), np.random.default_rng(14).standard_cauchy(200)).convergence
    assert convergence.starts >= 2
    assert 1 <= convergence.agreed <= convergence.starts


# ---- fixed and tied parameters -------------------------------------------------------------------


def test_fixed_and_tied_parameters() -> None:
    x = gamma_rows(300)
    fit = kl.fit(kl.Gamma(shape=2.0), x)
    assert fit.params["rate"] == pytest.approx(2.0 / x.mean(), rel=1e-12)
    assert fit.stderr["shape"] == 0.0
    tied = kl.fit(kl.Gamma(shape=kl.same_as("rate")), x)
    assert tied.params["shape"] == tied.params["rate"]
    assert tied.parameter_count == 1


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (kl.Gamma(), [1.0, 0.0, -2.0], r"Gamma needs y > 0; 2 rows of y are not, .* row 1 \(0.0\)"),
        (kl.Poisson(), [1, 2.5], r"Poisson needs y = 0, 1, 2.*; 1 row .* it is row 1 \(2.5\)"),
        (kl.Normal(), [3.0, 3.0], r"all 2 rows of y hold the same value 3.0"),
        (kl.Normal(), [], r"no rows|empty"),
        (kl.Uniform(upper=2.0), [1.0, 3.0], r"upper = 2 gives probability zero to rows above it"),
        (kl.GeneralizedExtremeValue(loc=0.0, scale=1.0, shape=-0.5), [1.0, 3.0], r"row 1 \(3.0\)"),
    ],
)  # fmt: skip
def test_wrong_input_is_named(model, data, message: str) -> None:
    with pytest.raises(kl.KullbackError, match=message):
        kl.fit(model, data)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: kl.Gamma(shpe=2),
            r'no parameter .shpe.; did you mean "shape"\? It has shape, rate',
        ),
        (lambda: kl.Gamma(rate=1.0, mean=2.0), "different parametrisations"),
        (lambda: kl.Gamma(shape=-1.0), "needs shape > 0"),
        (lambda: kl.Gamma(shape=float("nan")), "shape must be finite, got nan"),
        (lambda: kl.Gamma(shape=""), '"" is neither the name of a column nor a formula'),
        (lambda: kl.Binomial(), "needs trials, which is not estimated, as a number or the name of"),
        (lambda: kl.Gamma(shape=kl.same_as("shape")), "a tie needs another parameter"),
        (lambda: kl.Gamma().mean(), "not a distribution yet"),
        (
            lambda: kl.Param(lower=2.0, upper=1.0).coefficients("a", kl.Gamma.support),
            "lower < upper",
        ),
    ],
)
def test_wrong_models_are_named(build, message: str) -> None:
    with pytest.raises(kl.ModelError, match=message):
        build()


def test_a_class_is_not_a_model() -> None:
    with pytest.raises(kl.ModelError, match=r"Write kl.Gamma\(\)"):
        fitting._check_model(kl.Gamma)  # the tests' type checks would come before kl.fit's own


def test_missing_rows_are_dropped_and_counted_only_on_request() -> None:
    frame = pd.DataFrame({"loss": [1.0, None, 3.0, 4.0]})
    with pytest.raises(kl.DataError, match='missing="drop"'):
        kl.fit(kl.Gamma(), frame, "loss")
    fit = kl.fit(kl.Gamma(), frame, "loss", missing="drop")
    assert fit.n == 3
    assert fit.sample_info.dropped == 1
    assert "1 dropped as missing" in str(fit.summary())


def test_the_summary_shows_the_results() -> None:
    fit = kl.fit(kl.Gamma(shape=2.0), pd.DataFrame({"<b>loss</b>": gamma_rows(40)}))
    text, page = str(fit.summary("bits")), fit._repr_html_()
    for word in ("Gamma fitted to", "rate", "fixed", "bits", "\nconverged – the gradient vanishes"):
        assert word in text
    assert "NOT CONVERGED" not in text + page
    assert "<b>loss</b>" not in page
    assert "&lt;b&gt;loss" in page


def test_the_summary_of_a_fit_without_a_maximum_begins_with_the_advice() -> None:
    summary = kl.fit(kl.NegativeBinomial(), [2, 3, 2, 3, 2, 3]).summary()
    lines = str(summary).splitlines()
    at = lines.index("NOT CONVERGED – no maximum: size diverges to infinity")
    assert lines[at + 1].startswith("  ! The likelihood keeps increasing as size diverges to inf")
    assert "fit kl.Poisson() instead, or fix size." in " ".join(str(summary).split())
    assert "<b>NOT CONVERGED – no maximum" in summary.html()
    assert str(summary).count("none") == 2  # no standard errors


@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e-6])
@pytest.mark.parametrize("family", [kl.Normal, kl.Logistic, kl.StudentT, kl.Gumbel])
def test_a_location_far_from_zero_is_estimated_to_its_last_digit(family, unit):
    # Times in seconds since 1970 with small scatter: loc has few digits below the scatter, and its
    # gradient cannot vanish. Expected: the fit of the same values less an exact constant.
    x = 1.7e9 + unit * np.random.default_rng(3).standard_t(6, 2000)
    near, far = kl.fit(family(), x - 1.7e9), kl.fit(family(), x)
    assert near.convergence.converged
    assert far.convergence.converged, far.summary()
    digit = np.spacing(1.7e9)
    assert abs(far.params["loc"] - 1.7e9 - near.params["loc"]) <= 4.0 * digit
    # a scale changes with the square of loc's error in units of the scale, or with it (Gumbel)
    apart = 4.0 * digit / near.params["scale"]
    assert far.params["scale"] == pytest.approx(near.params["scale"], rel=1e-6 + apart)
    coarse = any("too few digits" in words for words in far.convergence.advice)
    assert coarse == (far.convergence.gradient_norm > 1e-3)


def test_data_beyond_the_squares_of_doubles_are_fitted_in_another_unit():
    x = np.random.default_rng(0).gamma(2.0, 3.0, 500)
    plain, tiny = kl.fit(kl.Gamma(), x), kl.fit(kl.Gamma(), np.ldexp(x, -996))
    assert tiny.convergence.converged
    # a power of two changes no digit: the shape is that of x, and the rate times 2^996
    assert tiny.params["shape"] == pytest.approx(plain.params["shape"], rel=1e-12)
    assert tiny.params["rate"] == pytest.approx(np.ldexp(plain.params["rate"], 996), rel=1e-12)


def test_a_family_by_name_raises_with_its_spelling():
    with pytest.raises(kl.ModelError, match=r"'student_t' is not a model. Write kl.StudentT\(\)"):
        fitting._check_model("student_t")  # past the types, which the tests check first


def test_a_summary_shows_the_digits_that_the_error_leaves():
    x = 1.7e9 + 1e-3 * np.random.default_rng(3).normal(size=400)
    fit = kl.fit(kl.Normal(), x)
    shown = str(fit.summary())
    assert f"{fit.params['loc']:.17g}" in shown  # an error of 5e-5 leaves all the digits there are
    assert f"{fit.params['scale']:.6g} " in shown


# ---- computed lazily -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    """More rows than one pass computes everything for."""
    return gamma_rows((1 << 20) + 1_000, seed=4)


def test_lazy_sums_of_many_rows_equal_those_of_one_pass(
    many: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = kl.fit(kl.Gamma(), many)
    assert fit.convergence.passes == 1
    law = stats.gamma(fit.params["shape"], scale=1.0 / fit.params["rate"])
    expected = many.size**-0.5 * law.logpdf(many).std()
    assert fit.decomposition().lines[0].stderr == pytest.approx(expected, rel=1e-10)
    monkeypatch.setattr(first_pass, "_AT_ONCE", many.size)
    whole = kl.fit(kl.Gamma(), many)
    assert whole.params == fit.params
    np.testing.assert_array_equal(whole.covariance("sandwich"), fit.covariance("sandwich"))


def test_rows_changed_since_the_fit_raise(many: np.ndarray) -> None:
    x = many.copy()
    fit, copied = kl.fit(kl.Gamma(), x), pickle.loads(pickle.dumps(kl.fit(kl.Gamma(), x)))
    errors = dict(fit.stderr)
    x[5] *= 1.5
    with pytest.raises(kl.DataError, match=r"y has changed since the fit.*Fit again"):
        fit.covariance("sandwich")
    assert fit.stderr == errors  # computed from stored sums alone
    np.testing.assert_array_equal(copied.covariance(), fit.covariance())
    assert np.all(np.isfinite(copied.covariance("sandwich")))  # computed when it was pickled


def test_a_weight_of_one_changes_no_bit() -> None:
    x = gamma_rows(70_000)
    one, other = kl.fit(kl.Gamma(), x), kl.fit(kl.Gamma(), x, weights=np.ones(x.size))
    assert one.params == other.params
    np.testing.assert_array_equal(one.covariance("sandwich"), other.covariance("sandwich"))


@pytest.mark.parametrize(
    ("model", "law"),
    [
        (kl.StudentT(), stats.t(5.0, 1.0, 2.0)),
        (kl.Weibull(), stats.weibull_min(1.7, scale=3.0)),
        (kl.Gumbel(), stats.gumbel_r(1.0, 2.0)),
    ],
    ids=["StudentT", "Weibull", "Gumbel"],
)
def test_many_rows_take_three_passes_and_reach_what_more_passes_reach(
    model: kl.Model, law: Any
) -> None:
    """Theory: an error of m^(−3/2) = 6e-8 after the second look, and its square at the end."""
    x = law.rvs(1 << 20, random_state=5)
    fit, further = kl.fit(model, x), kl.fit(model, x, solver=kl.Newton(tolerance=1e-12))
    assert fit.convergence.converged
    assert fit.convergence.passes == 3
    assert further.convergence.passes > 3
    for name, value in further.params.items():
        # the rounding of a sum over a million rows moves the estimate by some 1e-13
        assert fit.params[name] == pytest.approx(value, rel=1e-11)
        # from the curvature one step before the estimate, which Newton's tolerance bounds by 1e-6
        assert fit.stderr[name] == pytest.approx(further.stderr[name], rel=2e-6)
    assert fit.log_likelihood == pytest.approx(further.log_likelihood, rel=1e-12)
