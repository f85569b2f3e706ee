"""The rows of the table: the task, the peer and the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bootstrap
import censored
import comparing
import in_memory
import linear
import mixtures
import processes
import profiles
import regression
import streaming
from measure import Measured, Target

import groups


@dataclass(frozen=True)
class Task:
    """A row of the table.

    Attributes:
        title: the task.
        rows: number of rows.
        peer: the program that Kullback is compared with.
        target: the target.
        run: measures it, for a number of rows and of repeats.
        repeats: how many times each program is timed.
        quick_rows: rows for --quick.
    """

    title: str
    rows: int
    peer: str
    target: Target
    run: Callable[[int, int], Measured]
    repeats: int
    quick_rows: int


TASKS = {
    "student-t-scipy": Task(
        "StudentT (3 parameters)",
        1_000_000,
        "scipy.stats.t.fit",
        Target(speedup=100.0),
        in_memory.student_t_against_scipy,
        3,  # the peer takes several seconds
        20_000,
    ),
    "student-t-iminuit": Task(
        "StudentT (3 parameters)",
        1_000_000,
        "iminuit + numba-stats",
        Target(speedup=20.0),
        in_memory.student_t_against_iminuit,
        5,
        20_000,
    ),
    "student-t-iminuit-parallel": Task(
        "StudentT (3 parameters)",
        1_000_000,
        "the same, its sum compiled with parallel and fastmath",
        Target(speedup=20.0),
        in_memory.student_t_against_parallel_iminuit,
        7,
        20_000,
    ),
    "weibull": Task(
        "Weibull",
        1_000_000,
        "scipy.stats.weibull_min.fit(floc=0)",
        Target(speedup=20.0),
        in_memory.weibull_against_scipy,
        7,
        20_000,
    ),
    "groups-scipy": Task(
        "10,000 Weibull fits by group, unsorted",
        1_000_000,
        "loop over scipy.stats.weibull_min.fit",
        Target(speedup=150.0),
        groups.unsorted_against_scipy,
        5,
        100_000,
    ),
    "groups-scipy-sorted": Task(
        "the same, sorted whole keys",
        1_000_000,
        "loop over scipy.stats.weibull_min.fit",
        Target(speedup=300.0),
        groups.sorted_against_scipy,
        5,
        100_000,
    ),
    "groups-surpyval": Task(
        "10,000 Weibull fits by group, unsorted",
        1_000_000,
        "loop over SurPyval's Weibull.fit",
        Target(speedup=1_000.0),
        groups.against_surpyval,
        3,
        100_000,
    ),
    "groups-censored": Task(
        "10,000 Weibull fits by group, 30% right-censored, unsorted",
        1_000_000,
        "loop over SurPyval's Weibull.fit",
        Target(speedup=500.0),
        groups.censored_against_surpyval,
        3,
        100_000,
    ),
    "censored-surpyval": Task(
        "Weibull, 30% right-censored, with standard errors",
        100_000,
        "SurPyval's Weibull.fit",
        Target(speedup=15.0),
        censored.against_surpyval,
        5,
        5_000,
    ),
    "truncated-surpyval": Task(
        "the same, left-truncated too",
        80_000,
        "SurPyval's Weibull.fit",
        Target(speedup=30.0),
        censored.truncated_against_surpyval,
        5,
        5_000,
    ),
    "gamma": Task(
        "Gamma",
        10_000_000,
        "scipy.stats.gamma.fit(floc=0)",
        Target(speedup=4.0),
        in_memory.gamma_against_scipy,
        9,
        200_000,
    ),
    "gamma-small": Task(
        "Gamma, warm, with standard errors",
        1_000,
        "scipy.stats.gamma.fit(floc=0), without",
        Target(seconds=1e-3),
        in_memory.gamma_against_scipy,
        300,
        1_000,
    ),
    "mixture-scikit-learn": Task(
        "Mixture of two Normal (5 parameters), with errors",
        1_000_000,
        "sklearn.mixture.GaussianMixture, without, to the same log-likelihood",
        Target(speedup=5.0),
        mixtures.normals_against_scikit_learn,
        3,  # the peer takes several seconds
        20_000,
    ),
    "mixture-iminuit": Task(
        "Normal peak on Exponential, truncated to a window (4), with errors",
        1_000_000,
        "iminuit + numba-stats, compiled with parallel and fastmath, with HESSE",
        Target(speedup=5.0),
        mixtures.peak_against_iminuit,
        5,
        20_000,
    ),
    "poisson-categories": Task(
        "Poisson regression on six categories with 322 levels and a number, with errors",
        600_000,
        "glum, with errors",
        Target(speedup=3.0),
        regression.poisson_against_glum,
        3,
        20_000,
    ),
    "gamma-categories": Task(
        "Gamma regression of the mean on the same",
        600_000,
        "glum, with errors",
        Target(speedup=3.0),
        regression.gamma_against_glum,
        3,
        20_000,
    ),
    "logistic": Task(
        "logistic regression on 50 columns, with errors",
        1_000_000,
        "sklearn LogisticRegression(solver='newton-cholesky'), without",
        Target(speedup=3.0),
        regression.logistic_against_scikit_learn,
        3,
        20_000,
    ),
    "multinomial": Task(
        "multinomial regression on 54 columns, 7 classes, with errors",
        500_000,
        "sklearn LogisticRegression (lbfgs), without",
        Target(speedup=2.0),
        regression.multinomial_against_scikit_learn,
        3,
        20_000,
    ),
    "negative-binomial": Task(
        "NegativeBinomial, mean and size on 30 columns, with errors",
        200_000,
        "statsmodels, its size constant",
        Target(speedup=20.0),
        regression.negative_binomial_against_statsmodels,
        3,
        5_000,
    ),
    "weibull-aft": Task(
        "Weibull, scale on 20 columns, a third censored, with errors",
        500_000,
        "lifelines WeibullAFTFitter",
        Target(speedup=20.0),
        regression.weibull_against_lifelines,
        3,
        5_000,
    ),
    "profile-gev": Task(
        "GeneralizedExtremeValue (3), profile intervals",
        100,
        "scipy.optimize: brentq over SLSQP",
        Target(speedup=50.0),
        profiles.gev_against_scipy,
        3,
        100,
    ),
    "linear": Task(
        "Gamma, log-linear rate of 120 coefficients, one pass",
        100_000,
        "X'WX alone, NumPy",
        Target(seconds=0.38),
        linear.gamma_pass,
        9,
        20_000,
    ),
    "bootstrap": Task(
        "Weibull, 1,000 bootstrap refits",
        1_000,
        "a loop of scipy.stats.weibull_min.fit(floc=0)",
        Target(speedup=50.0),
        bootstrap.refits_against_scipy,
        3,  # the peer takes some seconds
        200,
    ),
    "goodness-of-fit": Task(
        "Weibull, goodness of fit by 999 refits, three statistics",
        500,
        "scipy.stats.goodness_of_fit, one statistic",
        Target(speedup=100.0),
        bootstrap.goodness_of_fit_against_scipy,
        3,
        100,
    ),
    "process-warm": Task(
        "Weibull, a new process with `kl.fit`, compilation cache warm",
        1_000,
        "the same with scipy",
        Target(times=1.5),
        processes.library_warm,
        9,
        1_000,
    ),
    "process-cold": Task(
        "Weibull, a new process with `kl.fit`, compilation cache empty",
        1_000,
        "the same with scipy",
        Target(times=3.0),
        processes.library_cold,
        9,
        1_000,
    ),
    "command-warm": Task(
        "Weibull, `kullback fit y.csv`, compilation cache warm",
        1_000,
        "a script with scipy and numpy.loadtxt",
        Target(times=1.5),
        processes.command_warm,
        9,
        1_000,
    ),
    "command-cold": Task(
        "Weibull, `kullback fit y.csv`, compilation cache empty",
        1_000,
        "a script with scipy and numpy.loadtxt",
        Target(times=3.0),
        processes.command_cold,
        9,
        1_000,
    ),
    "compare": Task(
        'Which distribution: `kl.compare("all", x)`, 22 families by 5 folds',
        100_000,
        "distfit, its 11 popular ones fitted once",
        Target(speedup=20.0),
        comparing.every_family,
        5,
        2_000,
    ),
    "compare-process-warm": Task(
        "Ten of them in a new process, compilation cache warm",
        500,
        "distfit's 11 in a new process",
        Target(times=1.0),
        comparing.process_warm,
        5,
        500,
    ),
    "compare-process-cold": Task(
        "Ten of them in a new process, compilation cache empty",
        500,
        "distfit's 11 in a new process",
        Target(times=2.0),
        comparing.process_cold,
        3,
        500,
    ),
    "compare-process-fitter": Task(
        "Ten of them in a new process, compilation cache warm",
        500,
        "fitter's ten common ones in a new process",
        Target(times=1.0),
        comparing.process_fitter,
        5,
        500,
    ),
    "censored-streamed": Task(
        "Weibull, a tenth censored, streamed from Parquet",
        100_000_000,
        "pyarrow, one read of the two columns",
        Target(passes=5, peak_mb=700.0),
        censored.streamed,
        1,
        40_000_000,  # fewer are read into memory at once
    ),
    "streamed": Task(
        "StudentT, streamed from Parquet",
        100_000_000,
        "pyarrow, one read of the column",
        Target(passes=4, times=3.0, peak_mb=600.0),
        streaming.student_t_streamed,
        3,
        40_000_000,  # fewer are read into memory at once
    ),
}
