"""Makes divergence.json: entropies and relative entropies of models to 50 digits (mpmath).

    python tests/information/models/data/make_divergence.py

Independent of kullback: densities are written out here, integrals are trapezoidal sums after a
double-exponential substitution (H. Takahasi and M. Mori, 1974), done twice, with one step and with
half of it, and kept only where the two agree to 15 digits. Whether an expectation is infinite is
read off the integrand at distances of e^±(10^5), which mpmath's exponents hold.

Everything is in nats. A value is a decimal string, "inf", or null where q is a distribution of
angles and p spreads over more than a full turn.
"""

import itertools
import json
from pathlib import Path

from mpmath import mp, mpf

mp.dps = 50
INF = mp.inf
HALF_LOG_2PI = mp.log(2 * mp.pi) / 2


def exp(x):
    """e^x; of numbers with millions of digits +∞, for mpmath would write them out."""
    return mp.exp(x) if x < 10**6 else INF


class Density:
    """A log-density, its ends, where it has a kink, and log(−log q) where log q overflows."""

    def __init__(
        self,
        log_density,
        lower=-INF,
        upper=INF,
        kinks=(),
        centre=0,
        scale=1,
        period=None,
        growth=None,
    ):
        self.log, self.growth = log_density, growth
        self.lower, self.upper, self.kinks = mpf(lower), mpf(upper), [mpf(k) for k in kinks]
        self.centre, self.scale, self.period = mpf(centre), mpf(scale), period


# ---- densities on the line, each from its textbook formula -----------------------------------


def normal(loc, scale):
    c = mp.log(scale) + HALF_LOG_2PI
    return Density(lambda x: -(((x - loc) / scale) ** 2) / 2 - c, centre=loc, scale=scale)


def logistic(loc, scale):
    def log(x):
        z = abs((x - loc) / scale)
        return -z - 2 * mp.log1p(mp.exp(-z)) - mp.log(scale)

    return Density(log, centre=loc, scale=scale)


def laplace(loc, scale):
    c = mp.log(2 * scale)
    return Density(lambda x: -abs(x - loc) / scale - c, kinks=[loc], centre=loc, scale=scale)


def student(df, loc, scale):
    c = mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(df * mp.pi) / 2 - mp.log(scale)
    return Density(
        lambda x: c - (df + 1) / 2 * mp.log1p(((x - loc) / scale) ** 2 / df),
        centre=loc,
        scale=scale,
    )


def cauchy(loc, scale):
    c = mp.log(mp.pi * scale)
    return Density(lambda x: -c - mp.log1p(((x - loc) / scale) ** 2), centre=loc, scale=scale)


def gumbel(loc, scale):
    def log(x):
        z = (x - loc) / scale
        return -z - exp(-z) - mp.log(scale)

    return Density(log, centre=loc, scale=scale, growth=lambda x: -(x - loc) / scale)


def extreme_value(loc, scale, shape):
    if shape == 0:
        return gumbel(loc, scale)

    def log(x):
        s = 1 + shape * (x - loc) / scale
        return -(1 + 1 / shape) * mp.log(s) - exp(-mp.log(s) / shape) - mp.log(scale)

    end = loc - scale / shape
    ends = {"lower": end} if shape > 0 else {"upper": end}
    return Density(log, centre=loc, scale=scale, **ends)


def generalized_pareto(scale, shape, loc):
    if shape == 0:
        return Density(lambda x: -(x - loc) / scale - mp.log(scale), loc, centre=loc + scale)

    def log(x):
        return -(1 + 1 / shape) * mp.log1p(shape * (x - loc) / scale) - mp.log(scale)

    upper = INF if shape > 0 else loc - scale / shape
    return Density(log, loc, upper, centre=loc + scale / 2)


def gamma(shape, rate):
    c = shape * mp.log(rate) - mp.loggamma(shape)
    return Density(lambda x: c + (shape - 1) * mp.log(x) - rate * x, 0, centre=shape / rate)


def inverse_gamma(shape, scale):
    c = shape * mp.log(scale) - mp.loggamma(shape)
    return Density(lambda x: c - (shape + 1) * mp.log(x) - scale / x, 0, centre=scale / shape)


def weibull(shape, scale):
    def log(x):
        return (
            mp.log(shape / scale) + (shape - 1) * mp.log(x / scale) - exp(shape * mp.log(x / scale))
        )

    return Density(log, 0, centre=scale)


def log_normal(loc, scale):
    c = mp.log(scale) + HALF_LOG_2PI

    def log(x):
        y = mp.log(x)
        return -y - c - ((y - loc) / scale) ** 2 / 2

    return Density(log, 0, centre=mp.exp(loc))


def exponential(rate):
    return Density(lambda x: mp.log(rate) - rate * x, 0, centre=1 / rate)


def inverse_gaussian(mean, shape):
    def log(x):
        square = shape * (x - mean) ** 2 / (2 * mean**2 * x)
        return (mp.log(shape / (2 * mp.pi)) - 3 * mp.log(x)) / 2 - square

    return Density(log, 0, centre=mean)


def gompertz(shape, rate):
    def log(x):
        hazard = (exp(shape * x) - 1) / shape if shape else x
        return mp.log(rate) + shape * x - rate * hazard

    return Density(log, 0, centre=1 / (rate + shape), growth=lambda x: shape * x)


def rayleigh(scale):
    return Density(lambda x: mp.log(x / scale**2) - (x / scale) ** 2 / 2, 0, centre=scale)


def half_normal(scale):
    c = mp.log(2 / mp.pi) / 2 - mp.log(scale)
    return Density(lambda x: c - (x / scale) ** 2 / 2, 0, centre=scale)


def pareto(shape, minimum):
    c = mp.log(shape) + shape * mp.log(minimum)
    return Density(lambda x: c - (shape + 1) * mp.log(x), minimum, centre=2 * minimum)


def lomax(shape, scale):
    c = mp.log(shape / scale)
    return Density(lambda x: c - (shape + 1) * mp.log1p(x / scale), 0, centre=scale)


def log_logistic(shape, scale):
    return burr(mpf(1), shape, scale)


def burr(shape1, shape2, scale):
    c = mp.log(shape1 * shape2 / scale)

    def log(x):
        y = mp.log(x / scale)
        return c + (shape2 - 1) * y - (shape1 + 1) * mp.log1p(mp.exp(shape2 * y))

    return Density(log, 0, centre=scale)


def beta(alpha, b):
    c = mp.log(mp.beta(alpha, b))
    return Density(
        lambda x: (alpha - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - c, 0, 1, centre=mpf(1) / 2
    )


def uniform(lower, upper):
    c = -mp.log(upper - lower)
    return Density(lambda _: c, lower, upper, centre=(lower + upper) / 2)


def von_mises(loc, concentration):
    c = mp.log(2 * mp.pi * mp.besseli(0, concentration))
    return Density(
        lambda x: concentration * mp.cos(x - loc) - c,
        loc - mp.pi,
        loc + mp.pi,
        centre=loc,
        period=2 * mp.pi,
    )


# By family: the formula, and three settings of the parameters as p and three as q. The two differ
# where the support depends on the parameters, so that supports are inside each other often.
LINE = {
    "Normal": (normal, [(0, 1), (0.5, 2), (-1, 0.7)], [(0.3, 1.5), (0, 1), (1, 3)]),
    "Logistic": (logistic, [(0, 1), (0.4, 0.5), (-1, 1.5)], [(0.5, 0.8), (0, 1), (-2, 2)]),
    "Laplace": (laplace, [(0, 1), (0.7, 0.5), (-1, 2)], [(0.4, 1.2), (0, 2), (1, 0.8)]),
    "StudentT": (
        student,
        [(2.5, 0, 1), (5, 0.5, 2), (30, -1, 0.5)],
        [(4, 0.3, 1), (1.5, 0, 2), (12, 1, 1.5)],
    ),
    "Cauchy": (cauchy, [(0, 1), (0.5, 0.3), (-2, 2)], [(1, 2), (0, 1), (0.5, 0.2)]),
    "Gumbel": (gumbel, [(0, 1), (0.5, 0.6), (-1, 1.5)], [(0.2, 1.3), (0, 0.8), (1, 2.5)]),
    "GeneralizedExtremeValue": (
        extreme_value,
        [(6, 1, 0.2), (0.3, 1, -0.3), (12, 1, 0.1)],
        [(0.3, 1.5, 0), (0.5, 2, -0.2), (1, 2, 0.3)],
    ),
    "GeneralizedPareto": (
        generalized_pareto,
        [(1, 0.3, 0), (1.5, -0.4, 0.2), (2, 0, 1)],
        [(1.2, 0.2, 0), (2, -0.25, 0), (1, 0.5, -1)],
    ),
    "Gamma": (gamma, [(2, 1), (0.6, 0.5), (7.5, 3)], [(1.5, 0.8), (0.5, 1), (4, 2)]),
    "InverseGamma": (inverse_gamma, [(3, 4), (0.8, 1), (6, 2)], [(2, 1.5), (1, 0.3), (4, 5)]),
    "Weibull": (weibull, [(1.5, 2), (0.7, 1), (3, 0.8)], [(1, 1), (0.8, 2), (2, 1.5)]),
    "LogNormal": (log_normal, [(0, 1), (0.5, 0.4), (-1, 1.5)], [(0.2, 1.2), (0, 0.7), (1, 2)]),
    "Exponential": (exponential, [(1,), (0.4,), (2.5,)], [(0.7,), (1.5,), (0.3,)]),
    "InverseGaussian": (inverse_gaussian, [(1, 2), (2, 0.7), (0.5, 4)], [(1.5, 1), (1, 3), (3, 2)]),
    "Gompertz": (gompertz, [(0.5, 1), (1.2, 0.3), (0, 0.7)], [(0.3, 0.5), (0.8, 0.1), (0, 1)]),
    "Rayleigh": (rayleigh, [(1,), (2.5,), (0.4,)], [(1.5,), (1,), (3,)]),
    "HalfNormal": (half_normal, [(1,), (2.5,), (0.4,)], [(1.5,), (1,), (3,)]),
    "Pareto": (pareto, [(2.5, 0.5), (4, 1), (1.2, 2)], [(1.5, 0.1), (3, 0.2), (2, 0.9)]),
    "Lomax": (lomax, [(2.5, 1), (1.2, 3), (6, 4)], [(1.5, 2), (3, 1), (0.7, 0.5)]),
    "LogLogistic": (log_logistic, [(2.5, 1), (1.2, 3), (5, 0.6)], [(1.5, 2), (3, 1), (0.8, 0.5)]),
    "Burr": (burr, [(1.5, 2, 1), (0.7, 4, 2), (3, 0.9, 1)], [(1, 2, 1.5), (2, 1, 1), (0.5, 3, 2)]),
    "Beta": (beta, [(2, 3), (0.7, 1.5), (5, 0.6)], [(1.5, 2), (0.5, 0.5), (3, 1)]),
    "Uniform": (uniform, [(0.2, 0.9), (0.3, 0.6), (0, 1)], [(-4, 4), (0, 1), (-1, 10)]),
    "VonMises": (von_mises, [(0, 2), (0.5, 0.5), (-1, 6)], [(0.4, 1.5), (0, 3), (-2, 0.8)]),
}


# ---- probabilities of counts ---------------------------------------------------------------


def poisson(rate):
    return lambda x: x * mp.log(rate) - rate - mp.loggamma(x + 1)


def binomial(trials, p):
    return lambda x: (
        mp.log(mp.binomial(trials, x)) + x * mp.log(p) + (trials - x) * mp.log(1 - p)
        if x <= trials
        else -INF
    )


def bernoulli(p):
    return binomial(mpf(1), p)


def negative_binomial(mean, size):
    p = size / (size + mean)
    return lambda x: (
        mp.loggamma(size + x)
        - mp.loggamma(size)
        - mp.loggamma(x + 1)
        + size * mp.log(p)
        + x * mp.log(1 - p)
    )


def log_series(p):
    return lambda x: x * mp.log(p) - mp.log(x) - mp.log(-mp.log(1 - p)) if x >= 1 else -INF


COUNTS = {
    "Bernoulli": (
        lambda p: binomial(mpf(1), p),
        [(0.3,), (0.5,), (0.95,)],
        [(0.4,), (0.1,), (0.5,)],
    ),
    "Binomial": (binomial, [(10, 0.3), (1, 0.6), (25, 0.9)], [(10, 0.5), (3, 0.2), (40, 0.7)]),
    "Poisson": (poisson, [(3.5,), (0.4,), (20,)], [(2,), (1,), (30,)]),
    "Geometric": (
        lambda p: lambda x: mp.log(p) + x * mp.log(1 - p),
        [(0.3,), (0.8,), (0.07,)],
        [(0.4,), (0.5,), (0.2,)],
    ),
    "NegativeBinomial": (
        negative_binomial,
        [(4, 1.5), (0.7, 0.4), (12, 30)],
        [(3, 2.5), (1, 0.5), (20, 4)],
    ),
    "LogSeries": (log_series, [(0.6,), (0.2,), (0.93,)], [(0.5,), (0.35,), (0.8,)]),
}

# ---- integrals -----------------------------------------------------------------------------

STEP, REACH = mpf(1) / 96, mpf("6.5")
LEVELS = 4  # halvings of the step that are tried


def pieces(p, kinks):
    """The intervals between ends and kinks."""
    cuts = sorted({k for k in kinks if p.lower < k < p.upper})
    points = [p.lower, *cuts, p.upper]
    return list(itertools.pairwise(points))


def substitution(a, b, centre, scale, t):
    """x and dx/dt of the double-exponential map of the line onto (a, b); None at an end."""
    s, c = mp.pi / 2 * mp.sinh(t), mp.pi / 2 * mp.cosh(t)
    if a == -INF and b == INF:
        return centre + scale * mp.sinh(s), scale * mp.cosh(s) * c
    if b == INF:
        reach = centre - a if centre > a else scale
        return a + reach * mp.exp(s), reach * mp.exp(s) * c
    if a == -INF:
        reach = b - centre if centre < b else scale
        return b - reach * mp.exp(s), reach * mp.exp(s) * c
    share = 1 / (1 + mp.exp(-2 * s))
    x = a + (b - a) * share
    return x, (b - a) * share * (1 - share) * 2 * c


def nodes(p, kinks, step):
    """Points with weights p(x) dx, those of the double step marked."""
    out = []
    n = int(REACH / step)
    for a, b in pieces(p, kinks):
        for k in range(-n, n + 1):
            x, slope = substitution(a, b, p.centre, p.scale, k * step)
            if not p.lower < x < p.upper or slope == 0:
                continue
            weight = step * slope * mp.exp(p.log(x))
            if weight > mpf(10) ** -130:
                out.append((x, weight, k % 2 == 0))
    return out


def expectation(points, log_q):
    """E_p[−log q] by the step and by its double."""
    fine = coarse = mpf(0)
    for x, weight, double in points:
        term = -weight * log_q(x)
        fine += term
        if double:
            coarse += 2 * term
    return fine, coarse


def infinite(p, q):
    """Whether E_p[−log q] is: by supports, or by the integrand far out."""
    if p.lower < q.lower or p.upper > q.upper:
        return True
    for end, other, sign in ((p.lower, q.lower, -1), (p.upper, q.upper, 1)):
        if end != other or (end != 0 and not mp.isinf(end)):
            continue  # at finite ends other than 0 the densities here are powers of the distance
        logs = []
        for size in (mpf(10) ** 4, mpf(10) ** 5):  # e-foldings of the distance
            x = sign * mp.exp(size) if mp.isinf(end) else mp.exp(-size)
            log_p, log_q = p.log(x), q.log(x)
            grown = q.growth(x) if log_q == -INF else mp.log(1 + abs(log_q))
            # a p that falls like exp(−e^x) pays for every q here
            logs.append(-INF if log_p == -INF else log_p + grown + (size if end else -size))
        # flat (1/x) diverges; log x / x^(1 + a) with any a here falls by more than 100 between them
        if logs[1] > logs[0] - 100:
            return True
    return False


def text(value):
    return "inf" if value == INF else mp.nstr(value, 25)


class Under:
    """Expectations under p, with points kept for each set of kinks and each step."""

    def __init__(self, p):
        self.p, self.kept = p, {}

    def mean(self, q):
        """E_p[−log q]: the step is halved until its double gives the same 15 digits."""
        kinks = tuple(sorted({*self.p.kinks, *q.kinks}))
        for level in range(LEVELS):
            if (kinks, level) not in self.kept:
                points = nodes(self.p, kinks, STEP / 2**level)
                assert abs(mp.fsum(w for _, w, _ in points) - 1) < mpf(10) ** -16
                self.kept[kinks, level] = points
            fine, coarse = expectation(self.kept[kinks, level], q.log)
            if abs(fine - coarse) < mpf(10) ** -15 * max(1, abs(fine)):
                return fine
        raise ArithmeticError(f"{fine} {coarse}")


def line():
    entropies, cross, divergence = {}, {}, {}
    for name, (make, settings, _) in LINE.items():
        entropies[name], cross[name], divergence[name] = [], {}, {}
        for k, setting in enumerate(settings):
            p = make(*map(mpf, map(str, setting)))
            under = Under(p)
            own = under.mean(p)
            entropies[name].append(text(own))
            for other, (make_q, _, settings_q) in LINE.items():
                q = make_q(*map(mpf, map(str, settings_q[k])))
                if q.period and p.upper - p.lower > q.period * (1 + mpf(10) ** -30):
                    both = None, None
                elif not q.period and infinite(p, q):
                    both = "inf", "inf"
                else:
                    value = under.mean(q)
                    both = text(value), text(value - own)
                for table, shown in zip((cross, divergence), both, strict=True):
                    table[name].setdefault(other, []).append(shown)
    return entropies, cross, divergence


def counts():
    entropies, cross, divergence = {}, {}, {}
    for name, (make, settings, _) in COUNTS.items():
        entropies[name], cross[name], divergence[name] = [], {}, {}
        for k, setting in enumerate(settings):
            log_p = make(*map(mpf, map(str, setting)))
            mass, terms = mpf(0), []
            for x in itertools.count():
                chance = log_p(mpf(x))
                if chance > -INF:
                    terms.append((mpf(x), chance, mp.exp(chance)))
                    mass += terms[-1][2]
                if abs(mass - 1) < mpf(10) ** -38:
                    break
            own = -mp.fsum(w * log for _, log, w in terms)
            entropies[name].append(text(own))
            for other, (make_q, _, settings_q) in COUNTS.items():
                log_q = make_q(*map(mpf, map(str, settings_q[k])))
                value = -mp.fsum(w * log_q(x) for x, _, w in terms)
                for table, shown in ((cross, value), (divergence, value - own)):
                    table[name].setdefault(other, []).append(text(shown))
    return entropies, cross, divergence


def settings(families):
    return {name: {"p": p, "q": q} for name, (_, p, q) in families.items()}


if __name__ == "__main__":
    out = {"settings": settings(LINE) | settings(COUNTS)}
    parts = [a | b for a, b in zip(counts(), line(), strict=True)]
    out |= dict(zip(("entropy", "cross_entropy", "kl_divergence"), parts, strict=True))
    Path(__file__).with_name("divergence.json").write_text(json.dumps(out, indent=0) + "\n")
