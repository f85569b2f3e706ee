"""Fit any probabilistic model by maximum likelihood, and account for its loss in nats or bits.

    import kullback as kl

    fit = kl.fit(kl.Gamma(), x)
    print(fit.summary())
"""

from kullback._core.errors import DataError, FileFormatError, KullbackError, ModelError
from kullback.engines.local import LocalEngine
from kullback.engines.streaming import StreamingEngine
from kullback.fitting import fit
from kullback.models.positive import Gamma, Weibull
from kullback.models.source import Param, same_as
from kullback.results.fit import Fit
from kullback.solvers.newton import Newton

__version__ = "0.1.0"

__all__ = [
    "DataError",
    "FileFormatError",
    "Fit",
    "Gamma",
    "KullbackError",
    "LocalEngine",
    "ModelError",
    "Newton",
    "Param",
    "StreamingEngine",
    "Weibull",
    "fit",
    "same_as",
]
