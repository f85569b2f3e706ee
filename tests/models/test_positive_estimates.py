"""Starting values and closed-form estimates of positive outcomes, against mpmath's formulas."""

import math

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from kullback._core.arrays import float64
from kullback.models.positive.exponential import Exponential
from kullback.models.positive.gamma import Gamma
from kullback.models.positive.gompertz import Gompertz
from kullback.models.positive.half_normal import HalfNormal
from kullback.models.positive.inverse_gamma import InverseGamma
from kullback.models.positive.inverse_gaussian import InverseGaussian
from kullback.models.positive.log_normal import LogNormal
from kullback.models.positive.rayleigh import Rayleigh
from kullback.models.positive.weibull import Weibull


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60):
        yield


TRUTHS = {
    Exponential: {"rate": 0.5},
    Gamma: {"shape": 2.5, "rate": 0.7},
    InverseGamma: {"shape": 2.5, "scale": 0.7},
    Weibull: {"shape": 2.5, "scale": 0.7},
    LogNormal: {"loc": 0.3, "scale": 0.7},
    InverseGaussian: {"mean": 2.5, "shape": 0.7},
    Rayleigh: {"scale": 0.7},
    HalfNormal: {"scale": 0.7},
    Gompertz: {"shape": 0.7, "rate": 0.2},
}
UGLY = {
    "two rows": [1.0, 2.0],
    "constant": [3.0, 3.0, 3.0],
    "nearly constant": [3.0, 3.0, np.nextafter(3.0, 4.0)],
    "huge": [1e12, 3e12, 2e12],
    "tiny": [1e-12, 3e-12, 2e-12],
    "outlier": [1.0, 2.0, 1.5, 1e10],
    "wide": [1e-200, 1.0, 1e100],
    "with an outcome of weight zero": [1e-30, 1.0, 2.0],
}


@pytest.mark.parametrize("family", list(TRUTHS))
def test_starts(family):
    """Starts lie inside the parameters' supports, and every row is possible under them."""
    samples = {name: np.array(values) for name, values in UGLY.items()}
    if family().support.holds_lower:
        samples |= {"zeros": np.zeros(3), "some zeros": np.array([0.0, 0.0, 1.0])}
    for name, values in samples.items():
        weights = np.ones(values.size)
        weights[0] = 0.0 if "zero" in name and values.size > 2 else 1.0
        starts = family().starts(values, weights)
        assert 1 <= len(starts) <= 4
        for start in starts:
            assert set(start) == set(family.default_parameters)
            for key, number in start.items():
                assert bool(family.default_parameters[key].contains(number)), (name, start)
                assert math.isfinite(number), (name, start)
            density = family(**start).log_density(values[weights > 0])
            assert np.isfinite(density).all(), (name, start)


def test_starts_are_near_the_truth():
    """Within 20 % of the parameters that 5,000 rows were drawn from."""
    for family, parameters in TRUTHS.items():
        x = family(**parameters).sample(5_000, seed=11)
        start = family().starts(x, np.ones(x.size))[0]
        for name, value in parameters.items():
            # a Gompertz's shape comes from a grid, in units of 1/mean
            allowed = 1.0 / x.mean() if (family, name) == (Gompertz, "shape") else 0.0
            allowed += 0.6 * value if family is Gompertz else 0.2 * abs(value)
            assert abs(start[name] - value) <= allowed, (family, parameters, start)


def _estimate(family, x, fixed=None, origin=None):
    origin = float(np.median(x)) if origin is None else origin
    with float64():
        statistics = family().statistics(jnp.asarray(x), jnp.asarray(origin))
        means = [float(np.mean(t)) for t in statistics]
    return family().closed_form(means, origin, fixed or {})


def test_closed_forms():
    """Estimates from mean statistics against the textbooks' formulas in mpmath."""
    rows = [0.2, 1.3, 4.5, 0.9, 2.2]
    x, exact = np.array(rows), [mp.mpf(v) for v in rows]
    mean = mp.fsum(exact) / 5
    square = mp.fsum(v * v for v in exact) / 5
    logs = [mp.log(v) for v in exact]
    loc = mp.fsum(logs) / 5
    scale = mp.sqrt(mp.fsum((v - loc) ** 2 for v in logs) / 5)
    harmonic = mp.fsum(1 / v for v in exact) / 5

    def check(family, expected, **fixed):
        got = _estimate(family, x, fixed)
        assert dict(got) == pytest.approx({k: float(v) for k, v in expected.items()}, rel=1e-13)

    check(Exponential, {"rate": 1 / mean})
    check(Rayleigh, {"scale": mp.sqrt(square / 2)})
    check(HalfNormal, {"scale": mp.sqrt(square)})
    check(LogNormal, {"loc": loc, "scale": scale})
    check(LogNormal, {"loc": loc, "scale": 0.3}, scale=0.3)
    about = mp.sqrt(mp.fsum((v - mp.mpf(0.1)) ** 2 for v in logs) / 5)
    check(LogNormal, {"loc": 0.1, "scale": about}, loc=0.1)
    check(InverseGaussian, {"mean": mean, "shape": 1 / (harmonic - 1 / mean)})
    check(InverseGaussian, {"mean": mean, "shape": 2.0}, shape=2.0)
    at = mp.fsum((v - mp.mpf(1.5)) ** 2 / (mp.mpf(1.5) ** 2 * v) for v in exact) / 5
    check(InverseGaussian, {"mean": 1.5, "shape": 1 / at}, mean=1.5)
    check(Gamma, {"shape": 2.0, "rate": 2 / mean}, shape=2.0)
    check(InverseGamma, {"shape": 2.0, "scale": 2 / harmonic}, shape=2.0)
    # log a − ψ(a) = log(mean) − mean(log), solved by mpmath
    shape = mp.findroot(lambda a: mp.log(a) - mp.digamma(a) - (mp.log(mean) - loc), 1.0)
    check(Gamma, {"shape": shape, "rate": shape / mean})
    assert _estimate(Gamma, x, {"rate": 1.0}) is None
    assert _estimate(LogNormal, np.array([2.0, 2.0]), origin=2.0) is None
    assert _estimate(InverseGaussian, np.array([2.0, 2.0]), origin=2.0) is None
    assert _estimate(Exponential, np.zeros(2)) is None
    assert _estimate(HalfNormal, np.zeros(2)) is None


@pytest.mark.parametrize("spread", [1e-6, 30.0])
def test_inverse_gaussian_estimate_of_a_narrow_and_a_wide_sample(spread):
    """1/shape = mean(1/x) − 1/mean cancels for a narrow sample; the statistics keep its digits."""
    logs = np.linspace(-1.0, 1.0, 9) * spread
    rows = (3.0 * np.exp(logs)).tolist()
    exact = [mp.mpf(v) for v in rows]
    mean = mp.fsum(exact) / 9
    shape = 1 / (mp.fsum(1 / v for v in exact) / 9 - 1 / mean)
    for origin in (rows[4], rows[6]):
        got = _estimate(InverseGaussian, np.array(rows), origin=origin)
        assert got["mean"] == pytest.approx(float(mean), rel=1e-13)
        # (x − origin)² to its last digits; origin's offset of a spread costs one digit
        assert got["shape"] == pytest.approx(float(shape), rel=1e-8 if spread < 1 else 1e-12)
