"""Write the log-probabilities that tests/rows/test_interval_reference.py compares with.

    python tests/rows/make_interval_reference.py [FAMILY ...]

Families that are named are written anew, the others kept. The numbers are mpmath's, of 90 digits,
at the doubles given; derivatives are central differences with a step of 1e-18, whose error is
1e-36. Counts are summed one by one.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import mpmath as mp

Law = Callable[..., Any]
ULP = 2.0**-52


def gamma_sides(a: Any, x: Any) -> tuple[Any, Any]:
    return mp.gammainc(a, 0, x, regularized=True), mp.gammainc(a, x, regularized=True)


def beta_side(a: Any, b: Any, x: Any, y: Any) -> Any:
    """The incomplete beta function by a series of positive terms (DLMF 8.17.8)."""
    if x > 0.7:
        return 1 - beta_side(b, a, y, x)
    return x**a * y**b / (a * mp.beta(a, b)) * mp.hyp2f1(a + b, 1, a + 1, x)


def beta_sides(a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    return beta_side(a, b, x, 1 - x), beta_side(b, a, 1 - x, x)


def t_sides(df: Any, w: Any) -> tuple[Any, Any]:
    if w < 0:
        return t_sides(df, -w)[::-1]
    if w * w < df:  # near 0, where the other form is a root of a difference
        half = mp.hyp2f1(mp.mpf(1) / 2, (df + 1) / 2, mp.mpf(3) / 2, -w * w / df)
        centre = w * mp.gamma((df + 1) / 2) / (mp.sqrt(mp.pi * df) * mp.gamma(df / 2)) * half
        return mp.mpf(1) / 2 + centre, mp.mpf(1) / 2 - centre
    share = df / (df + w * w)
    tail = beta_side(df / 2, mp.mpf(1) / 2, share, 1 - share) / 2
    return 1 - tail, tail


def normal_sides(z: Any) -> tuple[Any, Any]:
    return mp.erfc(-z / mp.sqrt(2)) / 2, mp.erfc(z / mp.sqrt(2)) / 2


def inverse_gaussian_sides(x: Any, mean: Any, shape: Any) -> tuple[Any, Any]:
    root = mp.sqrt(shape / x)
    near, far = normal_sides(root * (x / mean - 1)), normal_sides(root * (x / mean + 1))
    rest = mp.exp(2 * shape / mean) * far[1]
    return near[0] + rest, near[1] - rest


def of_survival(s: Any) -> tuple[Any, Any]:
    return 1 - s, s


def extreme_sides(x: Any, loc: Any, scale: Any, shape: Any) -> tuple[Any, Any]:
    f = mp.exp(-((1 + shape * (x - loc) / scale) ** (-1 / shape)))
    return f, 1 - f


def von_mises_sides(x: Any, loc: Any, concentration: Any) -> tuple[Any, Any]:
    """By its Fourier series (N. I. Fisher 1993, section 3.3.6)."""
    angle, whole, order = x - loc, mp.besseli(0, concentration), 1
    f = mp.mpf(1) / 2 + angle / (2 * mp.pi)
    while (share := mp.besseli(order, concentration) / whole) > mp.mpf(10) ** -mp.mp.dps:
        f += share * mp.sin(order * angle) / (order * mp.pi)
        order += 1
    return f, 1 - f


@cache
def skew_normal_side(z: Any, shape: Any) -> Any:
    """∫ 2 φ(t) Φ(shape t) dt below z, panel by panel, to where it adds nothing: 40 digits."""

    def density(t: Any) -> Any:
        return mp.npdf(t) * mp.erfc(-shape * t / mp.sqrt(2))

    with mp.workdps(40):
        steep = (1 + shape * shape if shape > 0 else 1) * max(-z, mp.mpf(0)) + 1
        length = min(mp.sqrt(z * z + 200) + z, 100 / steep if z < -1 else mp.inf)
        panels = int(mp.ceil(length * max(mp.mpf(1) / 2, steep / 20)))
        largest = density(z)  # the error that quad allows is absolute
        ends = mp.linspace(z - length, z, panels + 1)
        return largest * mp.quad(lambda t: density(t) / largest, ends)


_NEAR: list[Any] = []


def without_step(z: Any) -> Any:
    """The point that was first asked for, of which z is a step of 1e-18 away."""
    for known in _NEAR:
        if abs(z - known) < 1e-17 * (1 + abs(z)):
            return known
    _NEAR.append(z)
    return z


def skew_normal_near(z: Any, shape: Any, at_z: Any, at_shape: float) -> Any:
    """The same by Taylor's formula from a point a step of 1e-18 away.

    ∂/∂shape is −exp(−z² (1 + shape²)/2)/(π (1 + shape²)) (A. Azzalini 1985).
    """
    z0, a0 = mp.mpf(at_z), mp.mpf(at_shape)
    dz, da, square = z - z0, shape - a0, 1 + a0 * a0
    by_z = mp.npdf(z0) * mp.erfc(-a0 * z0 / mp.sqrt(2))
    both = mp.exp(-z0 * z0 * square / 2) / mp.pi
    by_a = -both / square
    by_zz = -z0 * by_z + a0 * both
    by_za, by_aa = z0 * both, both * a0 * (z0 * z0 / square + 2 / square**2)
    first = skew_normal_side(z0, a0) + by_z * dz + by_a * da
    return first + by_zz * dz * dz / 2 + by_za * dz * da + by_aa * da * da / 2


def skew_normal_sides(x: Any, loc: Any, scale: Any, shape: Any) -> tuple[Any, Any]:
    z = (x - loc) / scale
    near, at = without_step(z), float(shape)
    if z < mp.sign(shape) / 2:  # the smaller side, roughly
        f = skew_normal_near(z, shape, near, at)
        return f, 1 - f
    s = skew_normal_near(-z, -shape, -near, -at)
    return 1 - s, s


def uniform_sides(x: Any, lower: Any, upper: Any) -> tuple[Any, Any]:
    f = (min(max(x, lower), upper) - lower) / (upper - lower)
    return f, 1 - f


# ends of intervals where quantiles would be outside the support, or on its ends
POINTS: dict[str, tuple[float, ...]] = {
    "VonMises": (-3.0, -2.5, -1.0, 0.25, 0.5, 2.0, 3.0),
    "Pareto": (1.0, 2.0 + 1e-9, 2.5, 40.0, 1e9, 1e200),
    "SkewNormal": (-12.0, -4.0, 0.25, 1.5, 3.0, 9.0, 35.0),
    "Uniform": (0.0, 1.0 + 1e-9, 1.5, 2.0, 3.0 - 1e-9, 5.0),
}

# both sides of the distribution at (x, parameters); 40 is further out than any point
CONTINUOUS: dict[str, tuple[Law, list[dict[str, float]]]] = {
    "Gamma": (
        lambda x, shape, rate: gamma_sides(shape, rate * x),
        [{"shape": 2.5, "rate": 1.5}, {"shape": 0.3, "rate": 1.0}, {"shape": 150.0, "rate": 60.0}],
    ),
    "InverseGamma": (
        lambda x, shape, scale: gamma_sides(shape, scale / x)[::-1],
        [{"shape": 3.0, "scale": 4.0}],
    ),
    "InverseGaussian": (
        inverse_gaussian_sides,
        [{"mean": 2.0, "shape": 3.0}, {"mean": 1.0, "shape": 90.0}, {"mean": 3.0, "shape": 0.2}],
    ),
    "StudentT": (
        lambda x, df, loc, scale: t_sides(df, (x - loc) / scale),
        [
            {"df": 4.0, "loc": 1.0, "scale": 1.5},
            {"df": 0.5, "loc": 0.0, "scale": 1.0},
            {"df": 60.0, "loc": 2.0, "scale": 0.5},
        ],
    ),
    "Beta": (
        lambda x, alpha, beta: beta_sides(alpha, beta, x),
        [
            {"alpha": 2.5, "beta": 1.5},
            {"alpha": 0.3, "beta": 40.0},
            {"alpha": 0.2, "beta": 0.4},
            {"alpha": 300.0, "beta": 200.0},
        ],
    ),
    "LogNormal": (
        lambda x, loc, scale: normal_sides((mp.log(x) - loc) / scale),
        [{"loc": 0.3, "scale": 0.8}],
    ),
    "LogLogistic": (
        lambda x, shape, scale: of_survival(1 / (1 + (x / scale) ** shape)),
        [{"shape": 2.0, "scale": 1.5}],
    ),
    "Burr": (
        lambda x, shape1, shape2, scale: of_survival((1 + (x / scale) ** shape2) ** -shape1),
        [{"shape1": 1.5, "shape2": 2.0, "scale": 2.0}],
    ),
    "Gompertz": (
        lambda x, shape, rate: of_survival(mp.exp(-rate * mp.expm1(min(shape * x, 40)) / shape)),
        [{"shape": 0.4, "rate": 0.3}],
    ),
    "Lomax": (
        lambda x, shape, scale: of_survival((1 + x / scale) ** -shape),
        [{"shape": 2.5, "scale": 3.0}],
    ),
    "Rayleigh": (
        lambda x, scale: of_survival(mp.exp(-((x / scale) ** 2) / 2)),
        [{"scale": 1.5}],
    ),
    "HalfNormal": (
        lambda x, scale: of_survival(2 * normal_sides(x / scale)[1]),
        [{"scale": 2.0}],
    ),
    "Gumbel": (
        lambda x, loc, scale: of_survival(-mp.expm1(-mp.exp(min((loc - x) / scale, 40)))),
        [{"loc": 1.0, "scale": 2.0}],
    ),
    "VonMises": (
        von_mises_sides,
        [{"loc": 0.25, "concentration": k} for k in (0.001, 2.0, 31.9, 32.1)],
    ),
    "Pareto": (
        lambda x, shape, minimum: of_survival(min(minimum / x, mp.mpf(1)) ** shape),
        [{"shape": 1.5, "minimum": 2.0}, {"shape": 0.1, "minimum": 2.0}],
    ),
    "SkewNormal": (
        skew_normal_sides,
        [{"loc": 1.0, "scale": 1.5, "shape": 3.0}, {"loc": 0.0, "scale": 1.0, "shape": -0.5}],
    ),
    "Uniform": (uniform_sides, [{"lower": 1.0, "upper": 3.0}]),
    "GeneralizedExtremeValue": (extreme_sides, [{"loc": 1.0, "scale": 2.0, "shape": 0.1}]),
}


def negative_binomial(k: int, mean: Any, size: Any) -> Any:
    p = size / (size + mean)
    ways = mp.gamma(size + k) / (mp.gamma(size) * mp.factorial(k))
    return ways * p**size * (mean / (size + mean)) ** k


def beta_binomial(k: int, trials: Any, probability: Any, precision: Any) -> Any:
    a, b = probability * precision, (1 - probability) * precision
    return mp.binomial(trials, k) * mp.beta(k + a, trials - k + b) / mp.beta(a, b)


def generalized_poisson(k: int, mean: Any, dispersion: Any) -> Any:
    rate, ancestors = dispersion / (1 + dispersion), mean / (1 + dispersion)
    own = ancestors + rate * k
    return ancestors * own ** (k - 1) * mp.exp(-own) / mp.factorial(k)


COUNTS: dict[str, tuple[Law, list[dict[str, float]]]] = {
    "Poisson": (
        lambda k, rate: mp.exp(-rate) * rate**k / mp.factorial(k),
        [{"rate": 4.0}, {"rate": 300.0}],
    ),
    "NegativeBinomial": (
        negative_binomial,
        [{"mean": 4.0, "size": 2.0}, {"mean": 40.0, "size": 0.1}],
    ),
    "Binomial": (
        lambda k, trials, p: mp.binomial(trials, k) * p**k * (1 - p) ** (trials - k),
        [{"trials": 90.0, "probability": 0.3}, {"trials": 90.0, "probability": 0.02}],
    ),
    "BetaBinomial": (
        beta_binomial,
        [
            {"trials": 90.0, "probability": 0.3, "precision": 4.0},
            {"trials": 90.0, "probability": 0.9, "precision": 0.5},
            {"trials": 90.0, "probability": 0.25, "precision": 10000.0},
        ],
    ),
    "GeneralizedPoisson": (
        generalized_poisson,
        [{"mean": 4.0, "dispersion": 0.5}, {"mean": 40.0, "dispersion": 3.0}],
    ),
    "Geometric": (lambda k, p: p * (1 - p) ** k, [{"probability": 0.3}]),
    "LogSeries": (
        lambda k, p: -(p**k) / (k * mp.log(1 - p)) if k else mp.mpf(0),
        [{"probability": 0.7}],
    ),
}


def intervals(
    sides: Law, numbers: dict[str, float], real: bool, given: tuple[float, ...] | None
) -> list[tuple[float | None, float | None]]:
    """Intervals from quantiles, in the middle and in both tails, from an ulp to everything."""
    points: list[float] = []
    with mp.workdps(20):  # points near these quantiles are as good as they
        at = [mp.mpf(v) for v in numbers.values()]
        for side, log_p in [] if given else itertools.product((0, 1), (-0.6, -3, -30, -250)):

            def excess(x: Any, side: int = side, log_p: float = log_p) -> Any:
                return mp.log(sides(x, *at)[side]) - log_p

            x = _quantile(excess, side, "alpha" in numbers, real)
            if x is not None:
                points.append(x)
    points = sorted(set(given or points))
    found: list[tuple[float | None, float | None]] = []
    for x in points:
        found += [(None, x), (x, None), (x, x + max(abs(x), 1e-300) * 2 * ULP)]
        for width in (1e-6, 0.03, 0.4):
            high = x + width * abs(x)
            if "alpha" not in numbers or high < 1.0:
                found.append((x, high))
    found += [pair for pair in itertools.combinations(points, 2) if pair[0] < pair[1]][::3]
    return found


def _quantile(excess: Law, side: int, unit: bool, real: bool) -> float | None:
    """A point where the log of a side is about as given, by bisection; None where that fails."""

    def to_x(v: Any) -> Any:
        return 1 / (1 + mp.exp(-v)) if unit else (mp.sinh(v) if real else mp.exp(v))

    low, high = mp.mpf(-600), mp.mpf(600)
    if unit:
        high = mp.mpf(30)
    sign = 1 if side == 0 else -1
    for _ in range(40):
        middle = (low + high) / 2
        try:
            value = sign * excess(to_x(middle))
            beyond = bool(value > 0) if isinstance(value, mp.mpf) else middle > 0
        except (ValueError, OverflowError, ZeroDivisionError, TypeError, mp.libmp.NoConvergence):
            beyond = middle > 0  # far out
        low, high = (low, middle) if beyond else (middle, high)
    x = float(to_x(low))
    return x if abs(x) > 1e-250 and (not unit or x < 1.0 - 1e-6) and abs(x) < 1e200 else None


def jet(f: Law, numbers: dict[str, float]) -> dict[str, Any]:
    """Value, score and lower triangle of the Hessian, in all but a number of trials."""
    at = [mp.mpf(v) for v in numbers.values()]
    steps = [abs(v) * mp.mpf(10) ** -18 or mp.mpf(10) ** -18 for v in at]

    def moved(**by: int) -> Any:
        return f(
            *(v + by.get(f"_{i}", 0) * h for i, (v, h) in enumerate(zip(at, steps, strict=True)))
        )

    value = f(*at)
    score, hessian = [], []
    first = int("trials" in numbers)
    for i, h in list(enumerate(steps))[first:]:
        above, below = moved(**{f"_{i}": 1}), moved(**{f"_{i}": -1})
        score.append(float((above - below) / (2 * h)))
        for j in range(first, i):
            corners = sum(
                p * q * moved(**{f"_{i}": p, f"_{j}": q}) for p in (1, -1) for q in (1, -1)
            )
            hessian.append(float(corners / (4 * h * steps[j])))
        hessian.append(float((above + below - 2 * value) / (h * h)))
    return {"value": float(value), "score": score, "hessian": hessian}


def between(sides: Law, low: float | None, high: float | None) -> Law:
    def log_probability(*theta: Any) -> Any:
        if low is None:
            return mp.log(sides(mp.mpf(high), *theta)[0])
        first = sides(mp.mpf(low), *theta)
        if high is None:
            return mp.log(first[1])
        second = sides(mp.mpf(high), *theta)
        return mp.log(first[1] - second[1] if first[0] > 0.5 else second[0] - first[0])

    return log_probability


def sums(probability: Law, low: int | None, high: int | None) -> Law:
    def log_probability(*theta: Any) -> Any:
        if high is None:
            with mp.workdps(250):  # of a tail of e^-119, say
                return mp.log(1 - mp.fsum(probability(k, *theta) for k in range(low)))
        return mp.log(mp.fsum(probability(k, *theta) for k in range(low or 0, high + 1)))

    return log_probability


def of_family(name: str) -> list[dict[str, Any]]:
    """The cases of one family."""
    cases: list[dict[str, Any]] = []
    if name in CONTINUOUS:
        law, settings = CONTINUOUS[name]
        real = name in ("StudentT", "Gumbel", "GeneralizedExtremeValue", "SkewNormal")
        for numbers in settings:
            for ends in intervals(law, numbers, real, POINTS.get(name)):
                if not (name in POINTS and _impossible(numbers, *ends)):
                    found = jet(between(law, *ends), numbers)
                    cases.append({"family": name, "parameters": numbers, "ends": ends} | found)
        return cases
    law, settings = COUNTS[name]
    for numbers in settings:
        trials, share = numbers.get("trials"), numbers.get("probability", 0.0)
        mean = numbers.get("rate", numbers.get("mean", trials * share if trials else 2.0))
        middle = int(max(1, mean))
        pairs: list[tuple[int | None, int | None]]
        pairs = [(middle, middle), (middle, middle + 2), (1, 1), (1, 4), (2 * middle, None)]
        pairs += [(None, middle), (3 * middle, 3 * middle + 40), (middle, 3 * middle)]
        pairs += [(5 * middle, 5 * middle), (middle // 2 + 1, middle + 30), (middle, None)]
        for low, high in pairs:
            if trials is None or max(low or 0, high or 0) < trials:
                found = jet(sums(law, low, high), numbers)
                cases.append({"family": name, "parameters": numbers, "ends": (low, high)} | found)
    return cases


def _impossible(numbers: dict[str, float], low: float | None, high: float | None) -> bool:
    """Whether an interval lies beyond an end that is a parameter, or has one off the circle."""
    if "concentration" in numbers:
        return any(end is not None and abs(end - numbers["loc"]) > 3.1 for end in (low, high))
    first, last = numbers.get("minimum", numbers.get("lower", -1e300)), numbers.get("upper", 1e300)
    return (high is not None and high <= first) or (low is not None and low >= last)


def main() -> None:
    """Write the file."""
    path = Path(__file__).with_name("interval_reference.json")
    names = sys.argv[1:] or [*CONTINUOUS, *COUNTS]
    cases = [case for case in json.loads(path.read_text()) if case["family"] not in names]
    with mp.workdps(90):
        for name in names:
            cases += of_family(name)
    lines = ",\n".join(json.dumps(case) for case in cases)
    path.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
