"""The rows of the table that are regressions."""

from __future__ import annotations

import processes
import regression
import streamed_regression
from measure import Target, Task

import groups

REGRESSIONS = {
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
    "normal-loc-scale": Task(
        "Normal, loc and scale on 10 columns, with errors",
        100_000,
        "ondil, without",
        Target(speedup=20.0),
        regression.normal_against_ondil,
        3,
        5_000,
    ),
    "student-t-loc-scale": Task(
        "StudentT, loc and scale on 10 columns, with errors",
        100_000,
        "ondil, without",
        Target(speedup=50.0),
        regression.student_t_against_ondil,
        3,  # the peer takes several seconds
        5_000,
    ),
    "groups-negative-binomial": Task(
        "20,000 NegativeBinomial regressions on 3 columns by group, with errors",
        2_000_000,
        "loop over statsmodels' NegativeBinomial (Newton)",
        Target(speedup=200.0, seconds=6.0),
        groups.negative_binomial_against_statsmodels,
        3,
        20_000,
    ),
    "regression-process-scikit-learn": Task(
        "logistic regression on 5 columns, a new process, cache filled, with errors",
        1_000,
        "the same with sklearn LogisticRegression, without",
        Target(times=0.8),
        processes.regression_against_scikit_learn,
        9,
        1_000,
    ),
    "regression-process-statsmodels": Task(
        "the same",
        1_000,
        "the same with statsmodels.formula",
        Target(times=1.1),
        processes.regression_against_statsmodels,
        9,
        1_000,
    ),
    "poisson-streamed": Task(
        "Poisson regression on 10 columns, streamed from Parquet",
        100_000_000,
        "pyarrow, one read of the columns",
        Target(passes=6, peak_mb=1000.0),
        streamed_regression.poisson_streamed,
        1,
        2_000_000,
    ),
    "logistic-distinct-rows": Task(
        "logistic regression on ten categories, a million distinct rows, from Parquet",
        100_000_000,
        "DuckDB, GROUP BY of the same columns",
        Target(times=2.0),
        streamed_regression.logistic_against_duckdb,
        1,
        10_000_000,
    ),
}
