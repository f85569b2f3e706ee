"""Fit any probabilistic model by maximum likelihood, and account for its loss in nats or bits.

import kullback as kl

fit = kl.fit(kl.Gamma(), x)
print(fit.summary())
"""

import importlib as _importlib
from typing import Any as _Any

from kullback._core.errors import DataError, FileFormatError, KullbackError, ModelError
from kullback.engines.local import LocalEngine
from kullback.engines.streaming import StreamingEngine
from kullback.evaluation.evaluate import evaluate
from kullback.evaluation.loss_report import Account
from kullback.fitting import Progress, fit
from kullback.information.arrays.entropy import conditional_entropy, mutual_information, perplexity
from kullback.information.arrays.explain import Explanation
from kullback.information.arrays.logits import (
    conditional_entropy_from_logits,
    cross_entropy_from_logits,
    entropy_from_logits,
    jensen_shannon_from_logits,
    kl_divergence_from_logits,
    mutual_information_from_logits,
    perplexity_from_logits,
)
from kullback.information.estimate import Estimate
from kullback.information.estimators import (
    estimate_entropy,
    estimate_kl,
    estimate_mutual_information,
)
from kullback.information.measures import cross_entropy, entropy, jensen_shannon, kl_divergence
from kullback.models.bounded import Beta, VonMises
from kullback.models.categorical import Categorical
from kullback.models.continuous import Laplace, Logistic, Normal, Uniform
from kullback.models.counts import LogSeries, NegativeBinomial, Poisson
from kullback.models.extreme import GeneralizedExtremeValue, GeneralizedPareto, Gumbel
from kullback.models.family import Family
from kullback.models.heavy_tailed import Burr, LogLogistic, Lomax, Pareto
from kullback.models.lengths import HalfNormal, Rayleigh
from kullback.models.lifetimes import Exponential, Gompertz, Weibull
from kullback.models.model import Model
from kullback.models.network import MLP, Network
from kullback.models.positive import Gamma, InverseGamma, InverseGaussian, LogNormal
from kullback.models.source import Param, Source, same_as
from kullback.models.student import Cauchy, StudentT
from kullback.models.trials import Bernoulli, Binomial, Geometric
from kullback.report.progress import ProgressBar
from kullback.report.training_bar import TrainingBar
from kullback.results.fit import Fit
from kullback.results.storage import load
from kullback.results.trained import Epoch, TrainedFit
from kullback.scoring import estimate_cross_entropy, estimate_cross_entropy_difference
from kullback.solvers.minibatch import Minibatch
from kullback.solvers.newton import Newton

__version__ = "0.1.0"

__all__ = [
    "MLP",
    "Account",
    "Bernoulli",
    "Beta",
    "Binomial",
    "Burr",
    "Categorical",
    "Cauchy",
    "DataError",
    "Epoch",
    "Estimate",
    "Explanation",
    "Exponential",
    "Family",
    "FileFormatError",
    "Fit",
    "Gamma",
    "GeneralizedExtremeValue",
    "GeneralizedPareto",
    "Geometric",
    "Gompertz",
    "Gumbel",
    "HalfNormal",
    "InverseGamma",
    "InverseGaussian",
    "KullbackError",
    "Laplace",
    "LocalEngine",
    "LogLogistic",
    "LogNormal",
    "LogSeries",
    "Logistic",
    "Lomax",
    "Minibatch",
    "Model",
    "ModelError",
    "NegativeBinomial",
    "Network",
    "Newton",
    "Normal",
    "Param",
    "Pareto",
    "Poisson",
    "Progress",
    "ProgressBar",
    "Rayleigh",
    "Source",
    "StreamingEngine",
    "StudentT",
    "TrainedFit",
    "TrainingBar",
    "Uniform",
    "VonMises",
    "Weibull",
    "conditional_entropy",
    "conditional_entropy_from_logits",
    "cross_entropy",
    "cross_entropy_from_logits",
    "entropy",
    "entropy_from_logits",
    "estimate_cross_entropy",
    "estimate_cross_entropy_difference",
    "estimate_entropy",
    "estimate_kl",
    "estimate_mutual_information",
    "evaluate",
    "fit",
    "jensen_shannon",
    "jensen_shannon_from_logits",
    "kl_divergence",
    "kl_divergence_from_logits",
    "load",
    "mutual_information",
    "mutual_information_from_logits",
    "perplexity",
    "perplexity_from_logits",
    "same_as",
]


def __getattr__(name: str) -> _Any:
    """Give ``kl.sklearn`` when it is asked for: scikit-learn takes a second to be imported."""
    if name == "sklearn":
        return _importlib.import_module("kullback.sklearn")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
