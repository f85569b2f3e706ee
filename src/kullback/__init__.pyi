"""The public names, each with the module that it is imported from when it is first used."""

from ._core.errors import (
    DataError as DataError,
)
from ._core.errors import (
    FileFormatError as FileFormatError,
)
from ._core.errors import (
    KullbackError as KullbackError,
)
from ._core.errors import (
    MissingFileError as MissingFileError,
)
from ._core.errors import (
    ModelError as ModelError,
)
from .comparing import compare as compare
from .data.events import Events as Events
from .data.given_sample import Sample as Sample
from .data.paths import DataFiles as DataFiles
from .engines.dask_cluster import DaskEngine as DaskEngine
from .engines.local import LocalEngine as LocalEngine
from .engines.streaming import StreamingEngine as StreamingEngine
from .evaluation.evaluate import evaluate as evaluate
from .evaluation.loss_report import LossReport as LossReport
from .fitting import Progress as Progress
from .fitting import fit as fit
from .information.arrays.divergence import (
    cross_entropy as cross_entropy,
)
from .information.arrays.divergence import (
    jensen_shannon as jensen_shannon,
)
from .information.arrays.divergence import (
    kl_divergence as kl_divergence,
)
from .information.arrays.divergence import (
    mutual_information as mutual_information,
)
from .information.arrays.entropy import (
    conditional_entropy as conditional_entropy,
)
from .information.arrays.entropy import (
    entropy as entropy,
)
from .information.arrays.entropy import (
    perplexity as perplexity,
)
from .information.arrays.explain import Explanation as Explanation
from .information.arrays.logits import (
    conditional_entropy_from_logits as conditional_entropy_from_logits,
)
from .information.arrays.logits import (
    cross_entropy_from_logits as cross_entropy_from_logits,
)
from .information.arrays.logits import (
    entropy_from_logits as entropy_from_logits,
)
from .information.arrays.logits import (
    jensen_shannon_from_logits as jensen_shannon_from_logits,
)
from .information.arrays.logits import (
    kl_divergence_from_logits as kl_divergence_from_logits,
)
from .information.arrays.logits import (
    mutual_information_from_logits as mutual_information_from_logits,
)
from .information.arrays.logits import (
    perplexity_from_logits as perplexity_from_logits,
)
from .information.estimate import Estimate as Estimate
from .information.estimators import (
    estimate_entropy as estimate_entropy,
)
from .information.estimators import (
    estimate_kl as estimate_kl,
)
from .information.estimators import (
    estimate_mutual_information as estimate_mutual_information,
)
from .information.neighbours.entropy import NoDensityError as NoDensityError
from .models.bounded.beta import Beta as Beta
from .models.bounded.uniform import Uniform as Uniform
from .models.bounded.von_mises import VonMises as VonMises
from .models.counts.bernoulli import Bernoulli as Bernoulli
from .models.counts.beta_binomial import BetaBinomial as BetaBinomial
from .models.counts.binomial import Binomial as Binomial
from .models.counts.generalized_poisson import GeneralizedPoisson as GeneralizedPoisson
from .models.counts.geometric import Geometric as Geometric
from .models.counts.log_series import LogSeries as LogSeries
from .models.counts.negative_binomial import NegativeBinomial as NegativeBinomial
from .models.counts.poisson import Poisson as Poisson
from .models.counts.zipf import Zipf as Zipf
from .models.family import Family as Family
from .models.formula.source import Formula as Formula
from .models.function import Function as Function
from .models.labels.categorical import Categorical as Categorical
from .models.log_density import LogDensity as LogDensity
from .models.mixture import Mixture as Mixture
from .models.model import Model as Model
from .models.network import MLP as MLP
from .models.network import Network as Network
from .models.penalty import Ridge as Ridge
from .models.positive.birnbaum_saunders import BirnbaumSaunders as BirnbaumSaunders
from .models.positive.burr import Burr as Burr
from .models.positive.exponential import Exponential as Exponential
from .models.positive.frechet import Frechet as Frechet
from .models.positive.gamma import Gamma as Gamma
from .models.positive.generalized_gamma import GeneralizedGamma as GeneralizedGamma
from .models.positive.generalized_pareto import GeneralizedPareto as GeneralizedPareto
from .models.positive.gompertz import Gompertz as Gompertz
from .models.positive.half_normal import HalfNormal as HalfNormal
from .models.positive.inverse_gamma import InverseGamma as InverseGamma
from .models.positive.inverse_gaussian import InverseGaussian as InverseGaussian
from .models.positive.log_logistic import LogLogistic as LogLogistic
from .models.positive.log_normal import LogNormal as LogNormal
from .models.positive.lomax import Lomax as Lomax
from .models.positive.pareto import Pareto as Pareto
from .models.positive.rayleigh import Rayleigh as Rayleigh
from .models.positive.weibull import Weibull as Weibull
from .models.real.cauchy import Cauchy as Cauchy
from .models.real.generalized_extreme_value import (
    GeneralizedExtremeValue as GeneralizedExtremeValue,
)
from .models.real.gumbel import Gumbel as Gumbel
from .models.real.laplace import Laplace as Laplace
from .models.real.logistic import Logistic as Logistic
from .models.real.normal import Normal as Normal
from .models.real.skew_normal import SkewNormal as SkewNormal
from .models.real.student_t import StudentT as StudentT
from .models.row_distributions import RowDistributions as RowDistributions
from .models.shifted import Shifted as Shifted
from .models.source import Param as Param
from .models.source import Source as Source
from .models.source import same_as as same_as
from .models.truncated import Truncated as Truncated
from .models.zero_inflated import (
    Hurdle as Hurdle,
)
from .models.zero_inflated import (
    ZeroInflated as ZeroInflated,
)
from .objective.collinearity import CollinearError as CollinearError
from .pictures.fit_figure import plot as plot
from .report.progress import ProgressBar as ProgressBar
from .report.training_bar import TrainingBar as TrainingBar
from .results.band import Band as Band
from .results.bootstrap import Bootstrap as Bootstrap
from .results.comparison import Comparison as Comparison
from .results.empirical import Empirical as Empirical
from .results.empirical import empirical as empirical
from .results.fit import Fit as Fit
from .results.fit_table import FitTable as FitTable
from .results.goodness_of_fit import GoodnessOfFit as GoodnessOfFit
from .results.load import load as load
from .results.marginal_effects import MarginalEffects as MarginalEffects
from .results.test_result import TestResult as TestResult
from .results.trained import Epoch as Epoch
from .results.trained import TrainedFit as TrainedFit
from .scoring import (
    estimate_cross_entropy as estimate_cross_entropy,
)
from .scoring import (
    estimate_cross_entropy_difference as estimate_cross_entropy_difference,
)
from .solvers.minibatch import Minibatch as Minibatch
from .solvers.newton import Newton as Newton
from .testing import likelihood_ratio_test as likelihood_ratio_test
from .testing import vuong_test as vuong_test

__all__: list[str]
__version__: str
