"""Fit any probabilistic model by maximum likelihood, and decompose its loss in nats or bits.

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
from kullback.evaluation.loss_report import LossReport
from kullback.fitting import Progress, fit
from kullback.information.arrays.divergence import (
    cross_entropy,
    jensen_shannon,
    kl_divergence,
    mutual_information,
)
from kullback.information.arrays.entropy import conditional_entropy, entropy, perplexity
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
from kullback.models.bounded.beta import Beta
from kullback.models.bounded.uniform import Uniform
from kullback.models.bounded.von_mises import VonMises
from kullback.models.counts.bernoulli import Bernoulli
from kullback.models.counts.binomial import Binomial
from kullback.models.counts.geometric import Geometric
from kullback.models.counts.log_series import LogSeries
from kullback.models.counts.negative_binomial import NegativeBinomial
from kullback.models.counts.poisson import Poisson
from kullback.models.family import Family
from kullback.models.labels.categorical import Categorical
from kullback.models.model import Model
from kullback.models.network import MLP, Network
from kullback.models.positive.burr import Burr
from kullback.models.positive.exponential import Exponential
from kullback.models.positive.gamma import Gamma
from kullback.models.positive.generalized_pareto import GeneralizedPareto
from kullback.models.positive.gompertz import Gompertz
from kullback.models.positive.half_normal import HalfNormal
from kullback.models.positive.inverse_gamma import InverseGamma
from kullback.models.positive.inverse_gaussian import InverseGaussian
from kullback.models.positive.log_logistic import LogLogistic
from kullback.models.positive.log_normal import LogNormal
from kullback.models.positive.lomax import Lomax
from kullback.models.positive.pareto import Pareto
from kullback.models.positive.rayleigh import Rayleigh
from kullback.models.positive.weibull import Weibull
from kullback.models.real.cauchy import Cauchy
from kullback.models.real.generalized_extreme_value import GeneralizedExtremeValue
from kullback.models.real.gumbel import Gumbel
from kullback.models.real.laplace import Laplace
from kullback.models.real.logistic import Logistic
from kullback.models.real.normal import Normal
from kullback.models.real.student_t import StudentT
from kullback.models.source import Param, Source, same_as
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
    "LossReport",
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
