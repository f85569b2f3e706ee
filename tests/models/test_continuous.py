"""The families on the whole line against mpmath (50 digits), over their whole range."""

import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import kullback.models.continuous as families
from kullback._core.arrays import float64
from kullback._core.errors import ModelError

mp.mp.dps = 50

# ---- the formulas, as the textbooks write them, in mpmath ----------------------------------------


def _t_log_density(z, df):
    constant = mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(df * mp.pi) / 2
    return constant - (df + 1) / 2 * mp.log1p(z * z / df)


def _t_upper(z, df):
    """P(T > z) for z ≥ 0."""
    if df < 1e4:
        return mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + z * z), regularized=True) / 2
    height = _t_log_density(z, df)  # mpmath's incomplete beta is too slow for a large df
    scaled = mp.quad(
        lambda s: mp.exp(_t_log_density(s, df) - height), [z + k for k in range(0, 13, 2)]
    )
    return scaled * mp.exp(height)


# By name: log-density at loc 0, scale 1, and the upper tail of z ≥ 0.
STANDARD = {
    "Normal": (lambda z: -z * z / 2 - mp.log(2 * mp.pi) / 2, lambda z: mp.erfc(z / mp.sqrt(2)) / 2),
    "Logistic": (
        lambda z: -abs(z) - 2 * mp.log1p(mp.exp(-abs(z))),
        lambda z: mp.exp(-z) / (1 + mp.exp(-z)),
    ),
    "Laplace": (lambda z: -abs(z) - mp.log(2), lambda z: mp.exp(-z) / 2),
    "Cauchy": (
        lambda z: -mp.log(mp.pi) - mp.log1p(z * z),
        lambda z: mp.atan2(1, z) / mp.pi,
    ),
    "StudentT": (_t_log_density, _t_upper),
}
LIGHT = [0.0, 1e-12, 1e-3, 0.1, 0.3, 0.5, 1.0, 2.0, 5.0, 12.0, 26.6, 36.0]
TAILS = {
    "Normal": [*LIGHT, 300.0, 1e8, 1e150],
    "Logistic": [*LIGHT, 300.0, 700.0, 1e8, 1e300],
    "Laplace": [*LIGHT, 300.0, 700.0, 1e8, 1e300],
    "Cauchy": [*LIGHT, 1e8, 1e100, 1e153, 1e155, 1e290],
    "StudentT": LIGHT,
}
SHAPES = {"StudentT": [0.01, 0.3, 1.0, 3.0, 30.0, 119.0, 121.0, 1e3, 1e8, 1e12]}
HEAVY = [1e8, 1e11, 1e100, 1e153, 1e155, 1e290]


def _cases():
    for name, z in TAILS.items():
        for df in SHAPES.get(name, [None]):
            points = [*z, *(HEAVY if df is not None and df <= 30.0 else [])]
            yield pytest.param(name, df, np.array(points), id=f"{name}-{df}")


def _model(name, df, loc=0.0, scale=1.0):
    shape = {} if df is None else {"df": df}
    return getattr(families, name)(loc=loc, scale=scale, **shape)


def _relative_error(got, want):
    """Largest |got − want|/|want|; exact where the true value is below the smallest double."""
    with mp.workdps(50):
        errors = [
            abs(g) if abs(w) < 1e-307 else abs(mp.mpf(float(g)) - w) / abs(w)
            for g, w in zip(got, want, strict=True)
        ]
        return float(max(errors))


@pytest.mark.parametrize(("name", "df", "z"), list(_cases()))
def test_density_and_tails_against_mpmath(name, df, z):
    log_density, upper = STANDARD[name]
    shape = () if df is None else (mp.mpf(df),)
    model = _model(name, df)
    both = np.concatenate([z, -z])
    exact = [mp.mpf(float(value)) for value in both]
    densities = [log_density(value, *shape) for value in exact]
    tails = [upper(value, *shape) for value in exact[: z.size]]
    far = [mp.log(tail) for tail in tails]
    near = [mp.log1p(-tail) for tail in tails]
    assert _relative_error(model.log_density(both), densities) < 1e-12
    # 1e-12: the brief's bar; e^-700 alone moves by 700 roundings of its exponent, 8e-14
    assert _relative_error(model.log_survival(both), [*far, *near]) < 1e-12
    assert _relative_error(model.log_cdf(both), [*near, *far]) < 1e-12


@pytest.mark.parametrize("name", STANDARD)
def test_loc_and_scale(name):
    df = 3.0 if name == "StudentT" else None
    x = np.array([-3e9, 1e9, 1e9 + 0.5, 2e9])
    # x − loc is exact here; 1e-13 is a few roundings of the quotient in the density
    shifted, standard = _model(name, df, 1e9, 1e8), _model(name, df)
    np.testing.assert_allclose(
        shifted.log_density(x), standard.log_density((x - 1e9) / 1e8) - math.log(1e8), rtol=1e-13
    )
    np.testing.assert_allclose(shifted.log_cdf(x), standard.log_cdf((x - 1e9) / 1e8), rtol=1e-13)


@pytest.mark.parametrize("name", STANDARD)
def test_quantiles_invert_both_tails(name):
    model = _model(name, 3.0 if name == "StudentT" else None)
    u = np.array([1e-300, 1e-20, 1e-3, 0.2, 0.25, 0.3, 0.49, 0.51, 0.75, 0.9, 1.0 - 1e-10])
    x = model.quantile(u)
    low = u <= 0.5
    # ln u = −691 has an absolute rounding of 1e-13, which is the tail's relative one
    np.testing.assert_allclose(model.log_cdf(x)[low], np.log(u[low]), rtol=1e-13)
    np.testing.assert_allclose(model.log_survival(x)[~low], np.log1p(-u[~low]), rtol=1e-12)
    np.testing.assert_array_equal(model.quantile([0.0, 1.0]), [-np.inf, np.inf])
    assert abs(model.quantile(0.5)) < 1e-15


# ---- moments and draws ---------------------------------------------------------------------------


def _by_quadrature(log_density, power):
    def integrand(z):
        q = log_density(z)
        return mp.exp(q) * (z**power if power is not None else -q)

    return mp.quad(integrand, [-mp.inf, -50, -5, 0, 5, 50, mp.inf])


@pytest.mark.parametrize("name", ["Normal", "Logistic", "Laplace", "StudentT"])
def test_variance_and_entropy_against_quadrature(name):
    df = 7.0 if name == "StudentT" else None
    shape = () if df is None else (mp.mpf(df),)
    model = _model(name, df, 2.0, 3.0)

    def log_density(z):
        return STANDARD[name][0](z, *shape)

    with mp.workdps(25):
        variance = 9 * _by_quadrature(log_density, 2)
        entropy = mp.log(3) + _by_quadrature(log_density, None)
    # 1e-9: the quadrature over the heavy tail of t
    assert model.mean() == 2.0
    assert model.variance() == pytest.approx(float(variance), rel=1e-9)
    assert model.entropy() == pytest.approx(float(entropy), rel=1e-9)


def test_moments_that_do_not_exist():
    cauchy = families.Cauchy(loc=1.0, scale=2.0)
    assert math.isnan(cauchy.mean())
    assert math.isnan(cauchy.variance())
    assert cauchy.entropy() == pytest.approx(math.log(8.0 * math.pi))  # scipy.stats.cauchy's
    for df, mean, variance in (
        (1.0, math.nan, math.nan),
        (1.5, 1.0, math.inf),
        (2.0, 1.0, math.inf),
    ):
        model = families.StudentT(df=df, loc=1.0, scale=2.0)
        np.testing.assert_equal([model.mean(), model.variance()], [mean, variance])
    # t with one degree of freedom is Cauchy; with many it is normal up to O(1/df)
    assert families.StudentT(df=1.0, loc=1.0, scale=2.0).entropy() == pytest.approx(
        cauchy.entropy(), rel=1e-14
    )
    assert families.StudentT(df=1e12, loc=1.0, scale=2.0).entropy() == pytest.approx(
        families.Normal(loc=1.0, scale=2.0).entropy(), abs=1e-11
    )


@pytest.mark.parametrize("name", [*STANDARD, "Uniform"])
def test_draws_follow_the_distribution(name):
    n = 20_000
    if name == "Uniform":
        model = families.Uniform(lower=1.0, upper=4.0)
    else:
        model = _model(name, 0.5 if name == "StudentT" else None, 2.0, 3.0)
    draws = np.sort(model.sample(0, n))
    u = model.cdf(draws)
    # Kolmogorov–Smirnov: √n D exceeds 2.2 with probability 1e-4, and the seed is fixed
    distance = max(np.max(np.arange(1, n + 1) / n - u), np.max(u - np.arange(n) / n))
    assert math.sqrt(n) * distance < 2.2


# ---- derivatives ---------------------------------------------------------------------------------


def _derivatives(family, x, parameters):
    """Value, scores and Hessians in the parameters, one compilation for all rows."""
    names = list(family.canonical)

    def one(x, theta):
        return family._log_density(x, **dict(zip(names, theta, strict=True)))

    both = jax.vmap(lambda x, t: (one(x, t), jax.grad(one, 1)(x, t), jax.hessian(one, 1)(x, t)))
    with float64():
        return [np.asarray(v) for v in jax.jit(both)(jnp.asarray(x), jnp.asarray(parameters))]


@pytest.mark.parametrize("name", STANDARD)
def test_scores_and_hessians(name):
    family = getattr(families, name)
    log_density = STANDARD[name][0]
    points = [(0.3, -1.0, 2.0), (8.0, 1.0, 0.5), (1.0, 1.0 + 1e-9, 1.0), (-1e6, 1.0, 3.0)]
    shapes = [0.05, 3.0, 1e4] if name == "StudentT" else [None]
    rows = [
        (x, [*(() if df is None else (df,)), loc, scale])
        for x, loc, scale in points
        for df in shapes
    ]
    value, score, hessian = _derivatives(family, *map(np.array, zip(*rows, strict=True)))
    kinks = name == "Laplace"

    def exact(x, theta):
        *shape, loc, scale = theta
        return log_density((mp.mpf(x) - loc) / scale, *shape) - mp.log(scale)

    for row, (x, theta) in enumerate(rows):
        k = len(theta)
        one = [tuple(int(i == j) for i in range(k)) for j in range(k)]
        at = tuple(mp.mpf(t) for t in theta)

        def along(*t, x=x):
            return exact(x, t)

        first = [mp.diff(along, at, n) for n in one]
        assert abs(float(exact(x, theta)) - value[row]) < 1e-12 * max(1.0, abs(value[row]))
        # Scores in the parameter's own unit (θ ∂ℓ/∂θ): the two halves of ∂/∂df cancel to 1/df of
        # themselves at df = 1e4, hence 1e-11 and not 1e-13.
        unit = np.array([float(t) if j != k - 2 else theta[-1] for j, t in enumerate(theta)])
        size = 1.0 + np.abs(score[row] * unit)
        np.testing.assert_array_less(
            np.abs(score[row] - np.array(first, float)) * unit, 1e-11 * size
        )
        if kinks:
            continue
        second = [
            [mp.diff(along, at, tuple(p + q for p, q in zip(a, b, strict=True))) for b in one]
            for a in one
        ]
        want = np.array([[float(v) for v in r] for r in second])
        scaled = np.abs(hessian[row] - want) * np.outer(unit, unit)
        np.testing.assert_array_less(scaled, 1e-9 * (1.0 + np.abs(want) * np.outer(unit, unit)))


@pytest.mark.parametrize("name", STANDARD)
def test_derivatives_are_finite_where_the_density_is(name):
    family = getattr(families, name)
    x = [0.0, 1.0, -1e5, 1e5, 1e12, 1e150]
    scales = [1e-12, 1.0, 1e12]
    shapes = [1e-2, 1.0, 1e12] if name == "StudentT" else [None]
    rows = [
        (value, [*(() if df is None else (df,)), 1.0, scale])
        for value in x
        for scale in scales
        for df in shapes
    ]
    value, score, hessian = _derivatives(family, *map(np.array, zip(*rows, strict=True)))
    finite = np.isfinite(value)
    assert finite.sum() >= 0.7 * finite.size  # a normal row 1e150 scales away is beyond the doubles
    assert np.all(np.isfinite(score[finite]))
    if name == "Normal":  # (x − loc)²/scale⁴ may itself be beyond them
        finite = finite & (np.abs(value) < 1e250)
    assert np.all(np.isfinite(hessian[finite]))


@pytest.mark.parametrize("name", STANDARD)
def test_tails_are_differentiable(name):
    """A censored row's derivatives, at both sides of loc and on it."""
    family = getattr(families, name)
    parameters = {"loc": 1.0, "scale": 2.0, **({"df": 2.5} if name == "StudentT" else {})}
    names = list(family.canonical)
    theta = jnp.array([parameters[n] for n in names], dtype=float)
    x = np.array([-7.0, 0.0, 1.0, 2.0, 30.0])

    def one(x, theta):
        return family._log_survival(x, **dict(zip(names, theta, strict=True)))

    with float64():
        theta = jnp.asarray([parameters[n] for n in names])
        rows = jax.jit(
            jax.vmap(
                lambda x: (
                    jax.jacfwd(one, 1)(x, theta),
                    jax.jacfwd(jax.jacfwd(one, 1), 1)(x, theta),
                )
            )
        )
        score, hessian = (np.asarray(v) for v in rows(jnp.asarray(x)))
    _, upper = STANDARD[name]
    shape = (mp.mpf(2.5),) if name == "StudentT" else ()

    def exact(x, loc, scale):
        z = (mp.mpf(x) - loc) / scale
        tail = upper(abs(z), *shape)
        return mp.log(tail if z >= 0 else 1 - tail)

    at, loc = names.index("scale"), names.index("loc")
    for row, value in enumerate(x):
        if value == 1.0:
            continue  # the oracle's |z| has a kink at loc; finiteness is checked below
        first = mp.diff(lambda s, v=value: exact(v, 1, s), 2)
        second = mp.diff(lambda s, v=value: exact(v, 1, s), 2, 2)
        mixed = mp.diff(lambda m, s, v=value: exact(v, m, s), (1, 2), (1, 1))
        np.testing.assert_allclose(score[row, at], float(first), rtol=1e-10)
        np.testing.assert_allclose(hessian[row, at, at], float(second), rtol=1e-9)
        np.testing.assert_allclose(hessian[row, loc, at], float(mixed), rtol=1e-9)
    assert np.all(np.isfinite(score))
    assert np.all(np.isfinite(hessian))
    # at loc the slope in loc is the density over a half
    density = _model(name, 2.5 if name == "StudentT" else None, 1.0, 2.0).density(1.0)
    np.testing.assert_allclose(score[2, loc], 2.0 * density, rtol=1e-13)


# ---- the uniform ---------------------------------------------------------------------------------


def test_uniform():
    model = families.Uniform(lower=-1.0, upper=3.0)
    x = np.array([-2.0, -1.0, -1.0 + 2.0**-50, 0.0, 2.0, 3.0 - 2.0**-50, 3.0, 4.0])
    log4, step = math.log(4.0), 2.0**-52
    np.testing.assert_array_equal(model.log_density(x), [-np.inf, *[-log4] * 6, -np.inf])
    lower = [-np.inf, -np.inf, math.log(step), -log4, math.log(0.75), -step, 0.0, 0.0]
    np.testing.assert_allclose(model.log_cdf(x), lower, rtol=1e-14)
    np.testing.assert_allclose(model.log_survival(2.0 - x), lower, rtol=1e-14)
    np.testing.assert_allclose(model.quantile([0.0, 0.25, 1.0]), [-1.0, 0.0, 3.0], rtol=1e-15)
    assert (model.mean(), model.entropy()) == (1.0, log4)
    assert model.variance() == pytest.approx(16.0 / 12.0)


def test_uniform_needs_an_interval():
    with pytest.raises(ModelError, match="needs lower < upper"):
        families.Uniform(lower=1.0, upper=1.0)


# ---- parametrisations, estimates and starts ------------------------------------------------------


def test_normal_by_variance_is_the_same_distribution():
    x = np.linspace(-5.0, 5.0, 11)
    by_scale = families.Normal(loc=0.5, scale=2.0).log_density(x)
    np.testing.assert_array_equal(families.Normal(loc=0.5, variance=4.0).log_density(x), by_scale)


def test_normal_statistics_give_the_log_density():
    x = 1e8 + np.linspace(-3.0, 3.0, 13)  # far from zero: from an origin inside, no digit is lost
    with float64():
        t = families.Normal._statistics(jnp.asarray(x), jnp.asarray(1e8 + 0.25))
        value = families.Normal._log_density_of(
            t, jnp.asarray(1e8 + 0.25), jnp.asarray(1e8 + 1.0), jnp.asarray(0.5)
        )
    want = families.Normal(loc=1e8 + 1.0, scale=0.5).log_density(x)
    np.testing.assert_allclose(value, want, rtol=1e-14)


def test_normal_estimates_in_closed_form():
    x, origin = np.array([1.0, 2.0, 4.0, 9.0]), 3.0
    means = [float(np.mean(x - origin)), float(np.mean((x - origin) ** 2))]
    free = families.Normal._estimate(means, origin, {})
    assert free == {"loc": 4.0, "scale": pytest.approx(np.std(x))}
    by_loc = families.Normal._estimate(means, origin, {"loc": 1.0})
    assert by_loc == {"loc": 1.0, "scale": pytest.approx(np.sqrt(np.mean((x - 1.0) ** 2)))}
    assert families.Normal._estimate(means, origin, {"scale": 7.0}) == {"loc": 4.0, "scale": 7.0}
    # a constant sample has no estimate of its scale
    assert families.Normal._estimate([0.0, 0.0], origin, {}) is None
    assert families.Normal._estimate([0.0, 0.0], origin, {"scale": 2.0}) == {
        "loc": 3.0,
        "scale": 2.0,
    }


UGLY = {
    "two rows": [1.0, 2.0],
    "constant": [5.0] * 6,
    "constant zero": [0.0] * 6,
    "mostly ties": [1.0] * 20 + [2.0, 3.0],
    "huge": [1e12, 1.5e12, 3e12, 1.1e12],
    "tiny": [1e-12, -2e-12, 3e-12, 0.0],
    "far from zero": [1e12 + k for k in range(10)],
    "an outlier": [*np.linspace(-1.0, 1.0, 30).tolist(), 1e15],
    "heavy tails": np.tan(np.linspace(-1.57, 1.57, 60)).tolist(),
    "vast": [-1e300, 1e290, 1e300],
}


@pytest.mark.parametrize("name", [*STANDARD, "Uniform"])
@pytest.mark.parametrize("data", UGLY)
@pytest.mark.parametrize("weighted", [False, True])
def test_starts_are_possible_on_ugly_data(name, data, weighted):
    family = getattr(families, name)
    values = np.array(UGLY[data])
    weights = np.ones(values.size)
    if weighted:
        weights[-1] = 0.0  # a row that does not count
    starts = family._starts(values, weights)
    assert 1 <= len(starts) <= 4
    for start in starts:
        assert list(start) == list(family.canonical)
        model = family(**start)  # raises outside the parameters' supports
        assert np.all(np.isfinite(model.log_density(values[weights > 0.0])))


def test_robust_starts_do_not_follow_an_outlier():
    x = np.append(np.linspace(-1.0, 1.0, 201), 1e9)
    for name in ("StudentT", "Cauchy"):
        start = getattr(families, name)._starts(x, np.ones(x.size))[0]
        assert abs(start["loc"]) < 0.1
        assert 0.3 < start["scale"] < 1.0


def test_weighted_quantiles_count_a_weight_as_rows():
    x, w = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 0.0])
    repeated = families.weighted_quantiles(np.array([1.0, 2.0, 2.0, 2.0]), np.ones(4), (0.5,))
    assert families.weighted_quantiles(x, w, (0.5,)) == repeated == [2.0]
