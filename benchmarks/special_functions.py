"""Correct digits of the functions in kullback.special, beside JAX's and SciPy's nearest ones.

The value and the first two derivatives in the argument in bold, by jax.grad and jax.jacfwd of it,
are compared with mpmath at 50 digits. The output is the table of src/kullback/special/README.md.

    pip install mpmath
    python benchmarks/special_functions.py
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import jax.scipy.stats as jst
import mpmath as mp
import scipy.special as sp

from kullback.special.beta import log_beta_i
from kullback.special.gamma import (
    digamma_difference,
    log1p_minus,
    log_gamma,
    log_gamma_ratio,
    trigamma_difference,
)
from kullback.special.incomplete_gamma import log_gamma_p, log_gamma_q
from kullback.special.inverse_gaussian import log_inverse_gaussian_survival
from kullback.special.normal import log_ndtr, mills_ratio, ndtri_exp
from kullback.special.numerics import xlogy
from kullback.special.saddle_point import log_binomial_kernel, log_poisson_kernel
from kullback.special.smooth import expm1_over, log1mexp, log1p_over, log_expm1
from kullback.special.student import log1p_square, log_t_tail
from kullback.special.von_mises import log_scaled_bessel_i0, log_von_mises_cdf

Function = Callable[..., Any]


@dataclass(frozen=True)
class Row:
    """A function here and elsewhere.

    Attributes:
        name: as printed; the argument of the derivatives in bold.
        here: from kullback.special.
        exact: the same in mpmath.
        points: arguments.
        by: the position of the argument of the derivatives.
        jax: from jax.scipy, None where nothing comes near.
        scipy: from SciPy, likewise.
    """

    name: str
    here: Function
    exact: Function
    points: Sequence[tuple[float, ...]]
    by: int = 0
    jax: Function | None = None
    scipy: Function | None = None


def _log_from_both(lower: Any, upper: Any) -> Any:
    return mp.log(lower) if lower < 0.5 else mp.log1p(-upper)


def _gamma_p(a: Any, x: Any) -> Any:
    upper = mp.gammainc(a, x, mp.inf, regularized=True)
    return _log_from_both(mp.gammainc(a, 0, x, regularized=True), upper)


def _gamma_q(a: Any, x: Any) -> Any:
    lower = mp.gammainc(a, 0, x, regularized=True)
    return _log_from_both(mp.gammainc(a, x, mp.inf, regularized=True), lower)


def _beta_i(a: Any, b: Any, x: Any) -> Any:
    upper = mp.betainc(b, a, 0, 1 - x, regularized=True)
    return _log_from_both(mp.betainc(a, b, 0, x, regularized=True), upper)


def _t_tail(df: Any, t: Any) -> Any:
    return mp.log(mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + t * t), regularized=True) / 2)


def _von_mises_cdf(kappa: Any, angle: Any) -> Any:
    area = mp.quad(lambda t: mp.exp(kappa * mp.cos(t)), [-mp.pi, angle])
    return mp.log(area / (2 * mp.pi * mp.besseli(0, kappa)))


def _inverse_gaussian_survival(mean: Any, shape: Any, x: Any) -> Any:
    root = mp.sqrt(shape / x)
    upper = mp.ncdf(-root * (x / mean - 1))
    return mp.log(upper - mp.exp(2 * shape / mean) * mp.ncdf(-root * (x / mean + 1)))


def _log_ndtr(x: Any) -> Any:
    return _log_from_both(mp.erfc(-x / mp.sqrt(2)) / 2, mp.erfc(x / mp.sqrt(2)) / 2)


def _ndtri_exp(log_p: Any) -> Any:
    x = mp.mpf(float(sp.ndtri_exp(float(log_p))))
    for _ in range(8):  # Newton's method, which doubles the digits of each step
        log_tail = _log_ndtr(x)
        x -= (log_tail - log_p) * mp.exp(log_tail) / mp.npdf(x)
    return x


def _through_zero(function: Function) -> Function:
    """A quotient whose limit at 0 is 1, evaluated beside 0: the limit holds to 50 digits."""
    return lambda x: function(x + mp.mpf(10) ** -200 if x == 0 else x)


ROWS = (
    Row(
        "ln P(**a**, x), gamma log-cdf",
        log_gamma_p,
        _gamma_p,
        [(2.0, 0.5), (2.0, 1e-200), (50.0, 1.0), (2.0, 60.0), (1e4, 9e3)],
        jax=lambda a, x: jnp.log(jsp.gammainc(a, x)),
        scipy=lambda a, x: math.log(sp.gammainc(a, x)),
    ),
    Row(
        "ln Q(**a**, x), gamma log-survival",
        log_gamma_q,
        _gamma_q,
        [(2.0, 0.5), (2.0, 800.0), (0.01, 3.0), (1e4, 1.1e4)],
        jax=lambda a, x: jnp.log(jsp.gammaincc(a, x)),
        scipy=lambda a, x: math.log(sp.gammaincc(a, x)),
    ),
    Row(
        "ln I_x(**a**, b), beta log-cdf",
        lambda a, b, x: log_beta_i(a, b, x, 1.0 - x),
        _beta_i,
        [(2.0, 3.0, 0.25), (200.0, 3.0, 0.01), (2.0, 300.0, 0.25), (500.0, 500.0, 0.375)],
        jax=lambda a, b, x: jnp.log(jsp.betainc(a, b, x)),
        scipy=lambda a, b, x: math.log(sp.betainc(a, b, x)),
    ),
    Row(
        "ln Φ(**x**), normal log-cdf",
        log_ndtr,
        _log_ndtr,
        [(1.0,), (-10.0,), (-1e5,), (10.0,)],
        jax=jsp.log_ndtr,
        scipy=sp.log_ndtr,
    ),
    Row(
        "Φ⁻¹(e^**p**), normal quantile",
        ndtri_exp,
        _ndtri_exp,
        [(-1.0,), (-1e3,), (-1e-20,)],
        jax=lambda p: jsp.ndtri(jnp.exp(p)),
        scipy=sp.ndtri_exp,
    ),
    Row(
        "(1 − Φ(**z**))/φ(z), Mills' ratio",
        mills_ratio,
        lambda z: mp.sqrt(mp.pi / 2) * mp.exp(z * z / 2) * mp.erfc(z / mp.sqrt(2)),
        [(1.0,), (30.0,), (1e5,)],
        jax=lambda z: math.sqrt(math.pi / 2) * jsp.erfcx(z / math.sqrt(2.0)),
        scipy=lambda z: math.sqrt(math.pi / 2) * sp.erfcx(z / math.sqrt(2.0)),
    ),
    Row(
        "ln P(T > t), Student's t with **df**",
        lambda df, t: log_t_tail(0.5 * df, t / jnp.sqrt(df)),
        _t_tail,
        [(4.0, 1.0), (4.0, 1e100), (100.0, 50.0), (0.5, 1e9)],
        jax=lambda df, t: jnp.log(0.5 * jsp.betainc(0.5 * df, 0.5, df / (df + t * t))),
        scipy=lambda df, t: math.log(sp.stdtr(df, -t)),
    ),
    Row(
        "ln P(δ), von Mises log-cdf, **κ**",
        log_von_mises_cdf,
        _von_mises_cdf,
        [(2.0, 0.5), (50.0, -3.0), (1e3, -1.0)],
    ),
    Row(
        "ln e^−κ I₀(**κ**)",
        log_scaled_bessel_i0,
        lambda k: mp.log(mp.besseli(0, k)) - k,
        [(1.0,), (1e-4,), (1e6,)],
        jax=lambda k: jnp.log(jsp.i0e(k)),
        scipy=lambda k: math.log(sp.i0e(k)),
    ),
    Row(
        "ln P(X > x), inverse Gaussian, **mean**",
        log_inverse_gaussian_survival,
        _inverse_gaussian_survival,
        [(1.0, 2.0, 1.5), (1.0, 100.0, 30.0), (1.0, 1e-6, 1e3)],
    ),
    Row(
        "log(1 + **x**)/x",
        log1p_over,
        _through_zero(lambda x: mp.log1p(x) / x),
        [(0.5,), (1e-9,), (0.0,)],
        jax=lambda x: jnp.log1p(x) / x,
        scipy=lambda x: sp.log1p(x) / x,
    ),
    Row(
        "(e^**x** − 1)/x",
        expm1_over,
        _through_zero(lambda x: mp.expm1(x) / x),
        [(0.5,), (1e-9,), (0.0,)],
        jax=lambda x: jnp.expm1(x) / x,
        scipy=sp.exprel,
    ),
    Row(
        "log(1 + **t**) − t",
        log1p_minus,
        lambda t: mp.log1p(t) - t,
        [(0.5,), (1e-8,), (-0.4,)],
        jax=lambda t: jnp.log1p(t) - t,
        scipy=lambda t: sp.log1p(t) - t,
    ),
    Row(
        "log(1 − e^**x**)",
        log1mexp,
        lambda x: mp.log(-mp.expm1(x)),
        [(-1.0,), (-1e-20,), (-40.0,)],
        jax=lambda x: jax.nn.log1mexp(-x),
        scipy=lambda x: sp.log1p(-math.exp(x)),
    ),
    Row(
        "log(e^**w** − 1)",
        log_expm1,
        lambda w: mp.log(mp.expm1(w)),
        [(1.0,), (1e-20,), (800.0,)],
        jax=lambda w: jnp.log(jnp.expm1(w)),
        scipy=lambda w: math.log(sp.expm1(w)),
    ),
    Row(
        "log(1 + **w**²)",
        log1p_square,
        lambda w: mp.log1p(w * w),
        [(2.0,), (1e100,), (1e200,)],
        jax=lambda w: jnp.log1p(w * w),
        scipy=lambda w: sp.log1p(w * w),
    ),
    Row(
        "x log **y** at x = 0",
        xlogy,
        lambda x, y: x * mp.log(y) if x else mp.mpf(0),
        [(0.0, 0.0), (0.0, 2.0)],
        by=1,
        jax=jsp.xlogy,
        scipy=sp.xlogy,
    ),
    Row(
        "ln Γ(**x**)",
        log_gamma,
        mp.loggamma,
        [(3.5,), (1.0 + 1e-9,), (1e-10,)],
        jax=jsp.gammaln,
        scipy=sp.gammaln,
    ),
    Row(
        "ln Γ(a + **b**) − ln Γ(a)",
        log_gamma_ratio,
        lambda a, b: mp.loggamma(a + b) - mp.loggamma(a),
        [(2.0, 3.0), (1e10, 1.0), (2.0, 1e-12)],
        by=1,
        jax=lambda a, b: jsp.gammaln(a + b) - jsp.gammaln(a),
        scipy=lambda a, b: sp.gammaln(a + b) - sp.gammaln(a),
    ),
    Row(
        "ψ(**a** + b) − ψ(a)",
        digamma_difference,
        lambda a, b: mp.psi(0, a + b) - mp.psi(0, a),
        [(2.0, 3.0), (1e10, 1.0), (2.0, 1e-12)],
        jax=lambda a, b: jsp.digamma(a + b) - jsp.digamma(a),
        scipy=lambda a, b: sp.digamma(a + b) - sp.digamma(a),
    ),
    Row(
        "ψ′(a + b) − ψ′(a)",
        trigamma_difference,
        lambda a, b: mp.psi(1, a + b) - mp.psi(1, a),
        [(2.0, 3.0), (1e8, 1.0)],
        by=-1,
        jax=lambda a, b: jsp.polygamma(1, a + b) - jsp.polygamma(1, a),
        scipy=lambda a, b: sp.polygamma(1, a + b) - sp.polygamma(1, a),
    ),
    Row(
        "Poisson ln q(k), **mean**",
        lambda k, m: log_poisson_kernel(k, m),
        lambda k, m: k * mp.log(m) - m - mp.loggamma(k + 1),
        [(3.0, 2.5), (1e8, 1e8 + 1e4), (1e15, 1e15 + 1e7)],
        by=1,
        jax=jst.poisson.logpmf,
        scipy=lambda k, m: k * math.log(m) - m - sp.gammaln(k + 1),
    ),
    Row(
        "Binomial ln q(k), n, **p**",
        lambda k, n, p: log_binomial_kernel(k, n - k, p, 1.0 - p),
        lambda k, n, p: (
            mp.loggamma(n + 1)
            - mp.loggamma(k + 1)
            - mp.loggamma(n - k + 1)
            + k * mp.log(p)
            + (n - k) * mp.log1p(-p)
        ),
        [(3.0, 10.0, 0.25), (5e9, 1e10, 0.5), (2.5e14 + 1e7, 1e15, 0.25)],
        by=2,
        jax=jst.binom.logpmf,
        scipy=lambda k, n, p: (
            sp.gammaln(n + 1)
            - sp.gammaln(k + 1)
            - sp.gammaln(n - k + 1)
            + sp.xlogy(k, p)
            + sp.xlog1py(n - k, -p)
        ),
    ),
)


def digits(computed: Any, exact: Any) -> str:
    """Correct digits, at most 16, or NaN or ±inf."""
    value = float(computed)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "±inf"
    error = abs(mp.mpf(value) - exact)
    if error == 0 or (abs(exact) < 1e-300 and abs(value) < 1e-300):  # XLA flushes subnormals to 0
        return "16"
    return str(max(0, min(16, int(mp.floor(-mp.log10(error / abs(exact)))))))


def measured(function: Function | None, row: Row, point: tuple[float, ...], exact: Any) -> str:
    """Digits of the value and both derivatives; a dash where one is not available."""
    if function is None:
        return "–"
    order = [function]
    if row.by >= 0:
        order.append(jax.grad(function, row.by))
        order.append(jax.jacfwd(order[1], row.by))  # as jax.hessian does
    cells = []
    for derivative, right in zip(order, exact, strict=True):
        try:
            cells.append(digits(derivative(*map(jnp.float64, point)), right))
        except (TypeError, ValueError, NotImplementedError):
            cells.append("–")
    return " / ".join(cells)


def of_scipy(row: Row, point: tuple[float, ...], exact: Any) -> str:
    """Digits of SciPy's value."""
    if row.scipy is None:
        return "–"
    try:
        return digits(row.scipy(*point), exact)
    except (ValueError, OverflowError):  # math.log of a tail that underflowed, or e^w
        return "±inf"


def exact_values(row: Row, point: tuple[float, ...]) -> list[Any]:
    """The value and both derivatives, to 50 digits."""
    at = [mp.mpf(x) for x in point]
    values = [row.exact(*at)]
    if row.by >= 0:

        def along(x: Any) -> Any:
            return row.exact(*at[: row.by], x, *at[row.by + 1 :])

        # steps relative to the argument, so that they stay inside the domain
        step = mp.mpf(10) ** -30 * (abs(at[row.by]) or 1)
        with mp.workdps(150):
            below, middle, above = (along(at[row.by] + k * step) for k in (-1, 0, 1))
            values.append((above - below) / (2 * step))
            values.append((above - 2 * middle + below) / (step * step))
    return values


def shown(x: float) -> str:
    """The number as briefly as it stays the same."""
    return f"{x:g}" if float(f"{x:g}") == x else f"{x:.16g}"


def main() -> None:
    warnings.simplefilter("ignore")
    jax.config.update("jax_enable_x64", True)
    print("| function | at | SciPy | jax.scipy | here |")
    print("|---|---|---|---|---|")
    with mp.workdps(50):
        for row in ROWS:
            for k, point in enumerate(row.points):
                exact = exact_values(row, point)
                at = ", ".join(map(shown, point))
                cells = (
                    of_scipy(row, point, exact[0]),
                    measured(row.jax, row, point, exact),
                    measured(row.here, row, point, exact),
                )
                print(f"| {'' if k else row.name} | {at} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
