"""Neural networks as sources: parameters that are a network's output for the covariates.

``kl.MLP(...)`` is a multilayer perceptron with defaults for tables; ``kl.Network(module)`` takes
any Equinox module. Equinox is imported when a network is fitted, not before.
"""

from __future__ import annotations

import abc
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import index
from typing import Any, ClassVar, Literal, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import Domain, Interval
from kullback._core.errors import ModelError, did_you_mean
from kullback._core.options import translate_options
from kullback._core.validation import whole_number
from kullback.models.activations import ACTIVATIONS, OTHER_NAMES
from kullback.models.encoding import Encoder
from kullback.models.model import Model
from kullback.models.source import Source

# Two layers of this width have 17 GB of weights; so many networks are never averaged.
_WIDEST, _MOST_MEMBERS = 2**16, 10_000


class NetworkSource(Source):
    """A source that is trained by minibatches, not by Newton's method: abstract.

    Attributes:
        inputs: the columns that it reads; None for all except outcome and weights.
        categorical: numeric columns to treat as categories.
        members: the number of networks to train; None chooses by the number of rows.
        scaled: whether numbers are centred and scaled.
        embeds: whether categories with many levels are given as codes.
    """

    inputs: tuple[str, ...] | None
    categorical: tuple[str, ...]
    members: int | None
    scaled: bool
    embeds: ClassVar[bool] = False

    @abc.abstractmethod
    def build(self, encoder: Encoder, start: Vector, rng: np.random.Generator) -> Any:
        """Make the module, with random weights.

        Args:
            encoder: the encoding of the inputs.
            start: the outputs before training, shape (outputs,).
            rng: for the random weights.

        Returns:
            An Equinox module, called as ``module(x, key)`` with ``x`` of shape (rows, width) and a
            key while it is trained, None when it predicts.
        """

    def value(
        self,
        _coefficients: Sequence[Array],
        _row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """Raise an error: an untrained network cannot be evaluated.

        Raises:
            ModelError: always.
        """
        raise ModelError(f"{self!r} is not trained yet: fit the model with kl.fit.")


@final
@translate_options(
    hidden_sizes="hidden",
    hidden_layer_sizes="hidden",
    hidden_dims="hidden",
    layers="hidden",
    widths="hidden",
    dropout_rate="dropout",
    normalisation="normalization",
    ensemble_size="members",
    n_estimators="members",
    columns="inputs",
    categorical_features="categorical",
)
@dataclass(frozen=True)
class MLP(NetworkSource):
    """A multilayer perceptron: affine maps with an activation between them.

        h₀ = s ⊙ encoded covariates;  hₗ = f(Wₗ hₗ₋₁ + bₗ);  output = W h + b

    The output goes through the parameter's own link (the logarithm for positive parameters, and so
    on). Numbers are centred at their median, scaled by their quartiles and smoothly limited;
    categories become indicators, or, with more than 32 levels, eight trained numbers a level; a
    missing number sets an indicator, whose weight is the value imputed for it. Source of the
    encoding: D. Holzmüller, L. Grinsztajn, I. Steinwart (2024), Better by default: strong pre-tuned
    MLPs and boosted trees on tabular data.

    Args:
        hidden: widths of the hidden layers, or one width; () for a linear model.
        activation: relu, gelu, silu, mish, selu, elu, tanh, identity, or a function of an array.
        dropout: share of hidden units set to zero at random in training.
        normalization: None, or "layer" for layer normalisation before each activation.
        skip: whether a hidden layer adds its input to its output where the widths are equal.
        frequencies: the number of random frequencies into which each number is expanded, beside
            itself. None takes 0, and tries 8 where a classifier with 0 explains almost nothing of
            its label; they are kept where the held-out loss is clearly lower. Give 8 where the
            outcome oscillates along a few columns; elsewhere they cost (measured:
            benchmarks/NETWORKS.md). Source: Y. Gorishniy, I. Rubachev, A. Babenko (2022), On
            embeddings for numerical features in tabular deep learning.
        members: the number of networks to train on different parts of the rows and average; None
            chooses by the number of rows.
        inputs: the columns that it reads; None for all except outcome and weights.
        categorical: numeric columns to treat as categories.

    Raises:
        ModelError: for options out of range, with the permitted range.

    Example:
        >>> import kullback as kl
        >>> kl.Categorical(logits=kl.MLP(hidden=(64, 64), activation="gelu")).name
        'Categorical'
    """

    hidden: int | tuple[int, ...] = (256, 256)
    activation: Any = "silu"
    dropout: float = 0.15
    normalization: Literal["layer"] | None = None
    skip: bool = False
    frequencies: int | None = None
    members: int | None = None
    inputs: tuple[str, ...] | None = None
    categorical: tuple[str, ...] = ()
    scaled: ClassVar[bool] = True  # type: ignore[misc]  # always true
    embeds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the options."""
        # NumPy's integers, as searches over options use, become Python's
        hidden = [self.hidden] if hasattr(self.hidden, "__index__") else self.hidden
        try:
            widths = tuple(index(width) for width in hidden)
        except TypeError:
            raise ModelError(
                f"hidden must be widths, such as (64, 64), got {self.hidden!r}."
            ) from None
        object.__setattr__(self, "hidden", widths)
        if any(width < 1 for width in self.widths):
            raise ModelError(
                f"hidden must be widths of the hidden layers of at least 1, such as (64, 64), or "
                f"() for a linear model, got {self.hidden!r}."
            )
        if any(width > _WIDEST for width in self.widths):
            raise ModelError(
                f"hidden must be widths of at most {_WIDEST:,}, got {max(self.widths):,}."
            )
        if isinstance(self.activation, str) and self.activation not in ACTIVATIONS:
            here = OTHER_NAMES.get(self.activation.lower())
            hint = f': use "{here}".' if here else did_you_mean(self.activation, ACTIVATIONS) or "."
            raise ModelError(
                f"Unknown activation {self.activation!r}{hint} Use one of "
                f"{', '.join(ACTIVATIONS)}, or a function of an array."
            )
        if not 0.0 <= self.dropout < 1.0:
            raise ModelError(f"dropout must lie in [0, 1), got {self.dropout!r}.")
        if self.normalization not in (None, "layer"):
            raise ModelError(f'normalization must be None or "layer", got {self.normalization!r}.')
        for name, least, most in (("frequencies", 0, _WIDEST), ("members", 1, _MOST_MEMBERS)):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, whole_number(name, value, least, most))

    def __repr__(self) -> str:
        """Show the widths, and the options that differ from the defaults."""
        options = [f for f in fields(self) if getattr(self, f.name) != f.default]
        shown = [f"{f.name}={getattr(self, f.name)!r}" for f in options if f.name != "hidden"]
        return f"MLP({', '.join([f'hidden={self.hidden!r}', *shown])})"

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths of the hidden layers."""
        assert isinstance(self.hidden, tuple)  # since __post_init__
        return self.hidden

    @property
    def structure(self) -> Hashable:
        """All of its options, as a cache key."""
        return (MLP, self)

    def build(self, encoder: Encoder, start: Vector, rng: np.random.Generator) -> Any:
        """Make the perceptron, whose output is ``start`` for every row before training."""
        from kullback.models.modules.layers import perceptron

        return perceptron(
            (sum(encoder.widths), *self.widths, start.size),
            tables=encoder.tables,
            activation=self.activation,
            dropout=self.dropout,
            normalised=self.normalization == "layer",
            skip=self.skip,
            frequencies=self.frequencies or 0,
            start=start,
            rng=rng,
        )


@final
@translate_options(model="module", columns="inputs", categorical_features="categorical")
@dataclass(frozen=True, eq=False)
class Network(NetworkSource):
    """Any Equinox module as a source, called on the encoded covariates of one row.

    Args:
        module: an Equinox module: ``module(x)`` or ``module(x, key=key)`` with ``x`` of shape
            (inputs,), returning one number (K numbers for the logits of K classes).
        inputs: the columns that it reads, in this order; None for all except outcome and weights.
        categorical: numeric columns to treat as categories.
        scaled: whether numbers are centred and scaled as for ``kl.MLP``.

    Example:
        >>> import equinox as eqx, jax, kullback as kl
        >>> layers = eqx.nn.MLP(2, 1, width_size=8, depth=1, key=jax.random.key(0))
        >>> kl.Normal(loc=kl.Network(layers)).name
        'Normal'
    """

    module: Any = field(repr=False)
    inputs: tuple[str, ...] | None = None
    categorical: tuple[str, ...] = ()
    scaled: bool = True
    members: ClassVar[int] = 1  # type: ignore[misc]  # always one

    def __post_init__(self) -> None:
        """Check that the module can be called."""
        if not callable(self.module):
            raise ModelError(
                f"kl.Network takes an Equinox module that can be called on a row, got "
                f"{type(self.module).__name__}."
            )

    def build(self, encoder: Encoder, start: Vector, _rng: np.random.Generator) -> Any:
        """Return the user's module, vectorised over rows.

        Raises:
            ModelError: for a module with another number of inputs or outputs.
        """
        from kullback.models.modules.layers import RowModule

        module, width = RowModule(self.module), encoder.width
        try:
            shape = jax.eval_shape(
                lambda x: module(x, None), jnp.zeros((2, width), jnp.float32)
            ).shape
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(
                f"The module of kl.Network cannot be called on {width} encoded inputs: {reason}"
            ) from error
        if shape != (2, start.size):
            raise ModelError(
                f"The module of kl.Network must return shape ({start.size},) for a row, got "
                f"{shape[1:]}."
            )
        return module


@final
@dataclass(frozen=True, eq=False)
class Trained(Source):
    """A trained network, which replaces the ``NetworkSource`` in a fitted model.

    Attributes:
        form: the source that was trained.
        modules: the members, averaged on the unconstrained scale.
        encoder: the encoding of the covariates.
        domain: the parameter's domain.
        scale: the factor of the averaged outputs (calibration); one number, or one a class.
        shift: the number then added to them.
        background: probabilities of the classes, with a sum below 1, that are then mixed in; None
            for none, and always for numeric outcomes.
        categories: the levels of the categorical covariates.
        token: identifies the compiled code of this source.
    """

    form: NetworkSource
    modules: tuple[Any, ...]
    encoder: Encoder
    domain: Domain
    scale: Vector
    shift: Vector
    background: Vector | None
    categories: Mapping[str, tuple[Any, ...]]
    token: object = field(default_factory=object, compare=False)

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # known from the encoder
        """The covariates."""
        return self.encoder.names

    @property
    def structure(self) -> Hashable:
        """The source itself, as a cache key: its weights are part of the compiled code."""
        return (Trained, self.token)

    def value(
        self,
        _coefficients: Sequence[Array],
        row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """Return the parameter of every row."""
        inputs = self.encoder.encode_in_jax([row[name] for name in self.encoder.names])
        return link(self.domain, self.outputs(inputs))

    def outputs(self, inputs: Array) -> Array:
        """Return the calibrated outputs before the link, shape (rows, outputs)."""
        scale, shift = jnp.asarray(self.scale), jnp.asarray(self.shift)
        background = None if self.background is None else jnp.asarray(self.background)
        return averaged(self.modules, inputs, scale, shift, background)

    def __repr__(self) -> str:
        return f"trained {self.form!r}"


@final
@dataclass(frozen=True)
class Computed(Source):
    """A parameter that a training step has computed and stored among the row's columns."""

    field: str

    def value(
        self,
        _coefficients: Sequence[Array],
        row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """Return the column."""
        return row[self.field]


def networks_of(model: Model) -> dict[str, NetworkSource]:
    """The parameters of a model that are networks to be trained."""
    return {n: s for n, s in model.sources.items() if isinstance(s, NetworkSource)}


def averaged(
    modules: Sequence[Any], inputs: Array, scale: Array, shift: Array, background: Array | None
) -> Array:
    """Return the members' outputs, averaged in double precision and calibrated."""
    total = sum(module(inputs, None).astype(jnp.float64) for module in modules)
    out: Array = scale * total / len(modules) + shift
    if background is None:
        return out
    own = jax.nn.log_softmax(out) + jnp.log1p(-jnp.sum(background))
    mixed: Array = jnp.logaddexp(own, jnp.log(background))
    return mixed


def outputs_of(domain: Domain) -> int:
    """Return the number of outputs of a network for a parameter with that domain."""
    return 1 if isinstance(domain, Interval) else domain.size


def link(domain: Domain, outputs: Array) -> Array:
    """Return the parameter of every row for a network's outputs, shape (rows, outputs)."""
    if isinstance(domain, Interval):
        value: Array = domain.constrained(outputs[..., 0])
        return value
    return jax.nn.softmax(outputs) if domain.bounded else outputs
