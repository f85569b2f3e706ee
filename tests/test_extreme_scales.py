"""Fits to rows near the ends of the range of doubles: the fits at scale 1, in another unit."""

import math

import numpy as np
import pytest

import kullback as kl
from kullback._core.errors import DataError, ModelError
from kullback.models.registry import own_models

_X = np.array([1.0, 2.0, 4.0, 3.0, 1.5, 2.5, 2.25])
_HEAVY = np.array([0.1, 0.3, 0.5, 1.0, 2.0, 4.0, 9.0, 30.0, 200.0])
_HEAVY_TAILED = {"Lomax", "StudentT", "GeneralizedPareto", "Burr"}
# supports that have no unit, and a location that is the logarithm of one
_NO_SCALE = {"Beta", "VonMises", "LogNormal", "GeneralizedGamma"}


def _families():
    return sorted(
        name
        for name, kind in own_models().items()
        if kind.outcome == "number" and name not in _NO_SCALE and _continuous(kind)
    )


def _continuous(kind):
    support = kind.support
    return not isinstance(support, property) and not support.whole


@pytest.mark.parametrize("name", _families())
def test_fits_in_the_unit_of_a_power_of_two(name):
    """Multiplying rows by 2^k is exact: a family of scale has the same fit, in that unit."""
    kind = getattr(kl, name)
    x = _HEAVY if name in _HEAVY_TAILED else _X
    base = kl.fit(kind(), x)
    assert kind.dimensions
    assert base.convergence.converged
    for power in (-1000, -664, 255, 664, 980):
        fit = kl.fit(kind(), np.ldexp(x, power))
        assert fit.convergence.converged, (power, fit.convergence.reason)
        assert fit.log_likelihood == pytest.approx(
            base.log_likelihood - x.size * power * math.log(2.0), rel=1e-13
        )
        for parameter, value in base.params.items():
            shift = power * kind.dimensions.get(parameter, 0)
            # the rows in the unit of the fit are those of `base` times a small power of two, and
            # iterations end within 1e-10 of the estimate
            for got, want in (
                (fit.params[parameter], value),
                (fit.stderr[parameter], base.stderr[parameter]),
                *zip(fit.interval()[parameter], base.interval()[parameter], strict=True),
            ):
                assert math.ldexp(got, -shift) == pytest.approx(want, rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("name", ["Gamma", "Normal", "Weibull"])
def test_truncated_rows_in_the_unit_of_a_power_of_two(name):
    """The window is multiplied with the rows: the same fit, in that unit."""
    x = np.random.default_rng(1).gamma(2.5, size=300)
    x, low = x[x > 0.6], np.full(np.count_nonzero(x > 0.6), 0.6)
    model = getattr(kl, name)()
    base = kl.fit(model, kl.Sample(x, x, truncation=(low, None)))
    assert base.convergence.converged
    for power in (-830, 830):
        rows, ends = np.ldexp(x, power), np.ldexp(low, power)
        fit = kl.fit(model, kl.Sample(rows, rows, truncation=(ends, None)))
        assert fit.convergence.converged
        for parameter, number in base.params.items():
            unit = power * model.dimensions.get(parameter, 0)
            assert np.ldexp(fit.params[parameter], -unit) == pytest.approx(number, rel=1e-9)
        assert fit.log_likelihood == pytest.approx(
            base.log_likelihood - x.size * power * math.log(2.0), rel=1e-13
        )


def test_the_examples_against_their_formulas():
    x = np.array([1.0, 2.0, 4.0])
    mean, square = 7.0 / 3.0, 21.0  # Σx²
    fit = kl.fit(kl.Exponential(), x * 1e-200)
    assert fit.params["rate"] == pytest.approx(1e200 / mean, rel=1e-14)
    assert fit.stderr["rate"] == pytest.approx(1e200 / mean / math.sqrt(3.0), rel=1e-12)
    assert fit.log_likelihood == pytest.approx(3.0 * math.log(1e200 / mean) - 3.0, rel=1e-14)
    fit = kl.fit(kl.Rayleigh(), x * 1e150)
    assert fit.params["scale"] == pytest.approx(1e150 * math.sqrt(square / 6.0), rel=1e-14)
    fit = kl.fit(kl.HalfNormal(), x * 1e200)
    assert fit.params["scale"] == pytest.approx(1e200 * math.sqrt(square / 3.0), rel=1e-14)
    fit = kl.fit(kl.Normal(), x * 1e77)
    scale = math.sqrt(square / 3.0 - mean**2)
    assert fit.params["loc"] == pytest.approx(1e77 * mean, rel=1e-14)
    assert fit.stderr["scale"] == pytest.approx(1e77 * scale / math.sqrt(6.0), rel=1e-12)
    assert fit.covariance()[0, 0] == pytest.approx(1e154 * scale**2 / 3.0, rel=1e-12)
    fit = kl.fit(kl.Uniform(), [1e-300, 2e-300])
    assert fit.log_likelihood == pytest.approx(600.0 * math.log(10.0), rel=1e-14)
    assert fit.convergence.bounds[0] == "lower = 1e-300, the minimum of the sample"


def test_fixed_numbers_and_bounds_keep_their_unit():
    x = _X * 2.0**700
    fit = kl.fit(kl.Normal(loc=2.0**701), x)
    # about a known mean: scale² = mean((x − loc)²)
    scale = 2.0**700 * math.sqrt(np.mean((_X - 2.0) ** 2))
    assert fit.params == {"loc": 2.0**701, "scale": pytest.approx(scale, rel=1e-14)}
    assert fit.stderr["loc"] == 0.0
    bound = kl.fit(kl.Exponential(rate=kl.Param(lower=2.0**-699)), x)
    assert bound.params["rate"] == 2.0**-699  # the estimate, 1/mean, is below
    tied = kl.fit(kl.Normal(loc=kl.Param(start=2.0**700)), x)
    assert tied.params["loc"] == pytest.approx(2.0**700 * np.mean(_X), rel=1e-14)


def test_the_decomposition_and_the_saved_fit(tmp_path):
    rows = np.random.default_rng(0).normal(3.0, 1.0, 1000)
    base, fit = kl.fit(kl.Normal(), rows), kl.fit(kl.Normal(), rows * 1e300)
    shift = 300.0 * math.log(10.0)
    assert fit.cross_entropy == pytest.approx(base.cross_entropy + shift, rel=1e-13)
    own, other = base.entropy_estimate, fit.entropy_estimate
    assert other.entropy == pytest.approx(own.entropy + shift, rel=1e-10)
    assert other.relative == pytest.approx(own.relative, rel=1e-8)
    assert "nan" not in str(fit.summary("bits"))
    fit.save(tmp_path / "fit.json")
    again = kl.load(tmp_path / "fit.json")
    assert again.params == fit.params
    assert again.stderr == fit.stderr
    assert str(again.summary()) == str(fit.summary())


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        (kl.Uniform(), [1e-320, 2e-320]),
        (kl.Gompertz(), [1e-320, 2e-320, 4e-320]),
        (kl.Gamma(), [1.0, 2.0, 3.0, 1e-310]),
    ],
)
def test_rows_without_all_their_digits_are_refused(model, rows):
    row = next(i for i, x in enumerate(rows) if x < 2.3e-308)
    with pytest.raises(DataError, match=rf"row {row} of y is {rows[row]!r}, below 2.2e-308"):
        kl.fit(model, rows)


def test_numbers_without_all_their_digits_are_refused():
    gamma = kl.Gamma(shape=2.0, rate=1.0)
    with pytest.raises(ModelError, match=r"x\[1\] is 1e-320, below 2.2e-308"):
        gamma.log_density([1.0, 1e-320])
    with pytest.raises(ModelError, match="x is 1e-320"):
        gamma.cdf(1e-320)
    with pytest.raises(ModelError, match="u is 1e-310"):
        kl.Normal(loc=0.0, scale=1.0).quantile(1e-310)
    # among the real numbers it adds to larger ones
    assert kl.Normal(loc=0.0, scale=1.0).density(1e-320) == pytest.approx(
        1 / math.sqrt(2 * math.pi)
    )


def test_an_estimate_beyond_the_doubles_is_refused():
    with pytest.raises(DataError, match="the estimate of variance is beyond the range of double"):
        kl.fit(kl.Normal(variance=kl.Param()), _X * 1e200)
