"""The numbers of a fit: estimates and covariance, likelihood, criteria and decomposition."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback._core.validation import check_choice
from kullback.information.arrays.divergence import kl_divergence
from kullback.information.arrays.entropy import entropy
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.rescaling import units
from kullback.objective.evaluated import CovarianceKind, Evaluated
from kullback.results.by_parameter import groups_of
from kullback.results.clusters import Clusters, clusters_of
from kullback.results.convergence import Convergence
from kullback.results.covariance import covariance_in_unit, standard_errors_in_unit
from kullback.results.decomposition import Decomposition, Reference, build_decomposition
from kullback.results.entropy_estimate import (
    EntropyEstimate,
    depends_on,
    estimate_entropies,
    no_estimate,
)
from kullback.results.problem import FitProblem
from kullback.results.sample_info import FREQUENCY, SAMPLING, SampleInfo

Own = TypeVar("Own", bound="FitNumbers")

KINDS = ("observed", "expected", "sandwich", "clustered")


@dataclass(frozen=True, eq=False)
class FitNumbers:
    """What a fit is, and the numbers that follow from its evaluation without the rows.

    Attributes: see ``Fit``.
    """

    form: Model
    vector: ParameterVector
    evaluation: Evaluated
    sample_info: SampleInfo
    convergence: Convergence
    power: int = 0
    problem: FitProblem | None = field(default=None, compare=False)
    covariance_kind: CovarianceKind = "observed"
    clusters: Clusters | None = None

    # ---- estimates -------------------------------------------------------------------------

    @cached_property
    def _constrained(self) -> Vector:
        return self.evaluation.constrained(self.vector)

    @cached_property
    def model(self) -> Model:
        """The same model with every parameter fixed at its estimate."""
        return self.form.fixed_at(self.vector.split(self._in_own_unit(self._constrained)))

    @cached_property
    def _in_unit(self) -> Model:
        """The fitted model in the unit 2^power."""
        return self.form.fixed_at(self.vector.split(self._constrained))

    def _in_own_unit(self, numbers: Vector) -> Vector:
        """Convert one number a constrained coefficient from the unit 2^power to the rows' own."""
        if not self.power:
            return numbers
        with np.errstate(over="ignore", under="ignore"):  # an error may be beyond the doubles
            own: Vector = np.ldexp(numbers, units(self.form, self.vector, self.power))
        return own

    @property
    def params(self) -> dict[str, Any]:
        """Estimates by parameter: floats, or arrays where there are several numbers.

        Of a formula or a ``kl.Function`` they are the estimates of its coefficients by name.
        """
        return self._by_parameter(self._in_own_unit(self._constrained))

    @property
    def stderr(self) -> dict[str, Any]:
        """Standard errors by parameter, from the observed information, or by ``with_covariance``.

        With sampling weights from H⁻¹ (Σ w² s s') H⁻¹: see ``weight_kind`` of ``kl.fit``.
        0 for a fixed parameter; NaN for one on a bound, where the Hessian is not positive definite,
        or where the fit did not converge (see ``convergence``).
        """
        return self._by_parameter(self._in_own_unit(standard_errors_in_unit(self, None)))

    def _by_parameter(self, numbers: Vector) -> dict[str, Any]:
        """Group one number a constrained coefficient by the parameter that it belongs to."""
        groups = groups_of(self.form, self.vector)
        return {name: group.by_coefficient(self.form, numbers) for name, group in groups.items()}

    # ---- likelihood and criteria -----------------------------------------------------------

    @property
    def cross_entropy(self) -> float:
        """H(p, q): mean of −log q over the sample, in nats per unit of weight."""
        return self.evaluation.cross_entropy + self.power * math.log(2.0)

    @property
    def log_likelihood(self) -> float:
        """Σ w log q: every constant included."""
        return 0.0 - self.cross_entropy * self.sample_info.weight  # 0.0, not −0.0

    @property
    def n(self) -> float:
        """Total weight: the number of rows where no weights were given."""
        return self.sample_info.weight

    @property
    def parameter_count(self) -> int:
        """The number of estimated numbers, order statistics of the sample included."""
        return self.vector.n_free + sum(value.size for value in self.vector.on_bound.values())

    @property
    def penalty(self) -> float:
        """The penalty on the coefficients, which is not in ``cross_entropy``; 0 without one."""
        return self.evaluation.penalty

    def _refuse_criterion(self, criterion: str) -> None:
        self.sample_info.refuse_sampling(criterion)
        if self.form.penalised:
            raise KullbackError(
                f"{criterion} compares maxima of the likelihood, but the coefficients of "
                f"{' and '.join(self.form.penalised)} have a ridge penalty: compare penalised fits "
                "by their cross-entropy on new data."
            )

    @property
    def aic(self) -> float:
        """Akaike's criterion: 2k − 2 log L; refused with a penalty or sampling weights."""
        self._refuse_criterion("AIC")
        return 2.0 * self.parameter_count - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion: k log n − 2 log L; refused with a penalty or sampling weights."""
        self._refuse_criterion("BIC")
        return self.parameter_count * math.log(self.n) - 2.0 * self.log_likelihood

    # ---- uncertainty -----------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """The estimated numbers that have a covariance, in the order of its rows."""
        return self.vector.names

    def covariance(
        self,
        kind: CovarianceKind | None = None,
        *,
        clusters: Any = None,
        correction: str = "none",
    ) -> Vector:
        """Covariance matrix of the estimates, in the user's parametrisation.

        Args:
            kind: "observed" inverts the Hessian at the estimate; "expected" the Fisher information
                of the fitted model; "sandwich" holds when the model is wrong (Huber 1967; HC0);
                "clustered" where rows of a cluster depend on one another, too. By default that of
                ``with_covariance``, or "observed". With sampling weights "observed", too, is the
                sandwich, H⁻¹ (Σ w² s s') H⁻¹.
            clusters: for "clustered", the key of the clusters: see ``with_covariance``.
            correction: for "clustered", "none" or "CR1".

        Returns:
            Shape (d, d), in the order of ``names``; NaN where the information is not positive
            definite.

        Raises:
            KullbackError: for another kind, for the expected information of rows that are not
                exact or have sampling weights, and for clusters that cannot be used.
        """
        if kind is not None:
            check_choice("kind", kind, KINDS)
        if clusters is not None or correction != "none":
            of = self.with_covariance(kind or "clustered", clusters=clusters, correction=correction)
            return of.covariance()
        covariance = covariance_in_unit(self, kind)
        if not self.power:
            return covariance
        of_free = units(self.form, self.vector, self.power)[np.array(self.vector.is_free)]
        with np.errstate(over="ignore", under="ignore"):  # a variance may be beyond the doubles
            own: Vector = np.ldexp(covariance, of_free[:, None] + of_free[None, :])
        return own

    def with_covariance(
        self: Own, kind: CovarianceKind, *, clusters: Any = None, correction: str = "none"
    ) -> Own:
        """Return the same fit with standard errors from another covariance.

        ``stderr``, ``covariance()``, ``interval``, ``test``, ``derived``, ``band`` and ``summary``
        of the new fit use it, so that it is chosen in one place; estimates and likelihood stay.

        With S the sum of the weighted scores of the rows of a cluster, the clustered covariance is
        H⁻¹ (Σ S S') H⁻¹, H = Σ w ∂²ℓ. It holds where clusters are independent, whatever rows of a
        cluster have in common, and if the model is wrong. Source: K.-Y. Liang and S. L. Zeger
        (1986), Biometrika 73, 13–22.

        Args:
            kind: "observed", "expected", "sandwich" or "clustered": see ``covariance``.
            clusters: for "clustered", a column of the data, which need not be in the model, or an
                array with a value for every row; rows of a cluster need not follow one another.
            correction: "none", or "CR1" for the factor G/(G − 1) of G clusters.

        Raises:
            KullbackError: for another kind, a single cluster, and a fit without its rows.
            DataError: for a column that does not exist, and missing keys.

        Example:
            >>> import kullback as kl
            >>> rows = {"y": [1, 3, 2, 6, 7, 9, 0, 1], "herd": [1, 1, 1, 2, 2, 2, 3, 3]}
            >>> fit = kl.fit(kl.Poisson(), rows, "y")
            >>> by_herd = fit.with_covariance("clustered", clusters="herd")
            >>> round(fit.stderr["rate"], 4), round(by_herd.stderr["rate"], 4)
            (0.6731, 1.7075)
        """
        check_choice("kind", kind, KINDS)
        if kind != "clustered" and (clusters is not None or correction != "none"):
            raise KullbackError(f'clusters and correction are for "clustered", not {kind!r}.')
        found = self.clusters
        if kind == "clustered" and (clusters is not None or found is None):
            found = clusters_of(self, clusters, correction)
        fit = replace(self, covariance_kind=kind, clusters=found)
        covariance_in_unit(fit, kind)  # which raises where there is none
        return fit

    # ---- the decomposition -----------------------------------------------------------------------

    @cached_property
    def entropy_estimate(self) -> EntropyEstimate | None:
        """Estimates of the entropy of a continuous distribution and of D(it ‖ model)."""
        if self.sample_info.inexact:
            return no_estimate(self.sample_info.inexact)
        if self.form.columns:
            regression = any(source.named for source in self.form.sources.values())
            return no_estimate(depends_on(self.form.columns, regression=regression))
        if self.form.discrete or self.form.outcome != "number":
            return None
        if self.sample_info.entropy_estimate is not None:
            return self.sample_info.entropy_estimate
        if self.sample_info.weight_kind == SAMPLING:
            return no_estimate("sampling weights do not count rows")
        sample, value = self.sample_info, self.evaluation.cross_entropy
        estimate = estimate_entropies(self._in_unit, sample.values, value, sample.label)
        return replace(estimate, entropy=estimate.entropy + self.power * math.log(2.0))

    def decomposition(self, unit: str = "nats", reference: Model | None = None) -> Decomposition:
        """Split the loss: cross-entropy = entropy + relative entropy, as far as each is known.

        For discrete outcomes the entropy is the exact entropy of the empirical distribution. For
        continuous ones, whose empirical distribution lacks a density, the entropy of the
        distribution that the sample was drawn from, and its relative entropy to the model, are
        estimated from nearest-neighbour distances, with standard errors. For a ``reference`` both
        are computed.

        Args:
            unit: "nats", "bits" or "hartleys".
            reference: a fixed model that the data are known to come from.

        Raises:
            KullbackError: for another unit.
            ModelError: for a reference that is not fixed.
        """
        likelihood = not self.form.penalised and self.sample_info.weight_kind == FREQUENCY
        at, maximum = self.evaluation, self.convergence.converged and likelihood
        known = None if reference is None else self._reference(reference)
        return build_decomposition(
            cross_entropy=self.cross_entropy,
            variance=at.loss_variance(),
            weight=self.sample_info.weight,
            parameters=self.parameter_count if likelihood else None,
            optimism=at.optimism(self.vector) if maximum else math.nan,
            entropy=self.sample_info.entropy,
            estimate=self.entropy_estimate,
            reference=known,
            inexact=self.sample_info.inexact,
            unit=unit,
        )

    def _reference(self, reference: Model) -> Reference:
        return Reference(repr(reference), entropy(reference), kl_divergence(reference, self.model))
