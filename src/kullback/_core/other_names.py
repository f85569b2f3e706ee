"""The names that other libraries give to what Kullback has, for error messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from kullback._core.errors import nearest

# Distributions: SciPy's names, then those of R's packages, textbooks and PyTorch. Functions:
# SciPy's, scikit-learn's, dit's and infomeasure's.
_OURS: Final[Mapping[str, str]] = {
    "norm": "Normal",
    "Gaussian": "Normal",
    "expon": "Exponential",
    "lognorm": "LogNormal",
    "weibull_min": "Weibull",
    "WeibullMin": "Weibull",
    "genextreme": "GeneralizedExtremeValue",
    "GEV": "GeneralizedExtremeValue",
    "genpareto": "GeneralizedPareto",
    "GPD": "GeneralizedPareto",
    "gumbel_r": "Gumbel",
    "t": "StudentT",
    "T": "StudentT",
    "Student": "StudentT",
    "burr12": "Burr",
    "BurrXII": "Burr",
    "betabinom": "BetaBinomial",
    "fatiguelife": "BirnbaumSaunders",
    "gengamma": "GeneralizedGamma",
    "genpoisson": "GeneralizedPoisson",
    "invweibull": "Frechet",
    "InverseWeibull": "Frechet",
    "skewnorm": "SkewNormal",
    "zeta": "Zipf",
    "fisk": "LogLogistic",
    "Fisk": "LogLogistic",
    "invgamma": "InverseGamma",
    "invgauss": "InverseGaussian",
    "Wald": "InverseGaussian",
    "halfnorm": "HalfNormal",
    "ParetoII": "Lomax",
    "binom": "Binomial",
    "geom": "Geometric",
    "nbinom": "NegativeBinomial",
    "NegBinomial": "NegativeBinomial",
    "logser": "LogSeries",
    "Multinoulli": "Categorical",
    "rel_entr": "kl_divergence",
    "relative_entropy": "kl_divergence",
    "kl_div": "kl_divergence",
    "KL": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "jensenshannon": "jensen_shannon",
    "js_divergence": "jensen_shannon",
    "JSD": "jensen_shannon",
    "log_loss": "evaluate",
    "mutual_info_score": "estimate_mutual_information",
    "mutual_info_classif": "estimate_mutual_information",
    "mutual_info_regression": "estimate_mutual_information",
    "differential_entropy": "estimate_entropy",
}


def unknown_name(name: str, public: Iterable[str]) -> str:
    """The message for a name that ``kullback`` does not have, with the right one where known.

    >>> unknown_name("GEV", ["GeneralizedExtremeValue"])
    "kullback has no 'GEV': use kullback.GeneralizedExtremeValue."
    >>> unknown_name("Lognormal", ["LogNormal"])
    "kullback has no 'Lognormal': use kullback.LogNormal."
    """
    ours = _OURS.get(name) or nearest(name, public)
    return f"kullback has no {name!r}" + (f": use kullback.{ours}." if ours else ".")
