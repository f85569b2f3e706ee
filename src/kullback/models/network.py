"""Neural networks as sources: a parameter that is a network's function of the covariates.

``kl.MLP(...)`` is a multilayer perceptron with defaults for tables; ``kl.Network(module)`` takes
any Equinox module. Equinox is imported when one is fitted, not before.
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
from kullback.models.activations import ACTIVATIONS, OTHER_NAMES
from kullback.models.encoding import Encoder
from kullback.models.source import Source


class NetworkSource(Source):
    """A source whose numbers are found by minibatches, not by Newton's method: abstract.

    Attributes:
        inputs: the columns that it reads; None for all that are neither outcome nor weights.
        categorical: columns of numbers that are to be taken as categories.
        members: how many networks are trained; None chooses by the number of rows.
        scaled: whether numbers are centred and scaled.
        embeds: whether a category with many levels comes as its code.
    """

    inputs: tuple[str, ...] | None
    categorical: tuple[str, ...]
    members: int | None
    scaled: bool
    embeds: ClassVar[bool] = False

    @abc.abstractmethod
    def build(self, encoder: Encoder, start: Vector, rng: np.random.Generator) -> Any:
        """Make the module, with fresh weights.

        Args:
            encoder: what the inputs are.
            start: the outputs that it should start from, shape (outputs,).
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
        """None before it is trained.

        Raises:
            ModelError: always.
        """
        raise ModelError(f"{self!r} has no value before it is fitted: use kl.fit.")


@final
@dataclass(frozen=True)
class MLP(NetworkSource):
    """A multilayer perceptron: affine maps with an activation between them.

        h₀ = s ⊙ encoded covariates;  hₗ = f(Wₗ hₗ₋₁ + bₗ);  output = W h + b

    The output goes through the parameter's own link (the logarithm for positive parameters, and so
    on). Numbers are centred at their median, scaled by their quartiles and smoothly limited;
    categories become indicators, or, where they have more than 32 levels, eight numbers a level
    that are trained; a missing number gets an indicator of its own, whose weight is the
    value that stands in for it. Source of the encoding: D. Holzmüller, L. Grinsztajn, I. Steinwart
    (2024), Better by default: strong pre-tuned MLPs and boosted trees on tabular data.

    Args:
        hidden: widths of the hidden layers, or one width; () for a linear model.
        activation: relu, gelu, silu, mish, selu, elu, tanh, identity, or a function of an array.
        dropout: share of hidden units that are set to zero at random while training.
        normalization: None, or "layer" for layer normalisation before each activation.
        skip: whether a hidden layer adds its input to its output where the widths are equal.
        frequencies: how many random frequencies each number is expanded in, beside itself; 0 for
            none. None takes none, and tries 8 where a classifier without explains next to nothing
            of its label; they are kept where the held-out rows are surely better off. Give 8 where
            the outcome turns many times along a few columns; elsewhere they cost (measured:
            benchmarks/NETWORKS.md). Source: Y. Gorishniy, I. Rubachev, A. Babenko (2022), On
            embeddings for numerical features in tabular deep learning.
        members: how many networks are trained, on different parts of the rows, and averaged; None
            chooses by the number of rows.
        inputs: the columns that it reads; None for all that are neither outcome nor weights.
        categorical: columns of numbers that are to be taken as categories.

    Raises:
        ModelError: for options out of range, with what would be right.

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
    scaled: ClassVar[bool] = True  # type: ignore[misc]  # always
    embeds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the options."""
        # NumPy's integers, as a search over options draws them, become Python's
        given = [self.hidden] if hasattr(self.hidden, "__index__") else self.hidden
        try:
            widths = tuple(index(width) for width in given)
        except TypeError:
            raise ModelError(f"hidden={self.hidden!r}: give widths, such as (64, 64).") from None
        object.__setattr__(self, "hidden", widths)
        if any(width < 1 for width in self.widths):
            raise ModelError(
                f"hidden={self.hidden!r}: give the widths of the hidden layers as whole numbers of "
                "at least 1, such as (64, 64); () is a linear model."
            )
        if isinstance(self.activation, str) and self.activation not in ACTIVATIONS:
            here = OTHER_NAMES.get(self.activation.lower())
            hint = f': use "{here}".' if here else did_you_mean(self.activation, ACTIVATIONS) or "."
            raise ModelError(
                f"there is no activation {self.activation!r}{hint} Use one of "
                f"{', '.join(ACTIVATIONS)}, or a function of an array."
            )
        if not 0.0 <= self.dropout < 1.0:
            raise ModelError(f"dropout={self.dropout!r} must lie in [0, 1).")
        if self.normalization not in (None, "layer"):
            raise ModelError(f'normalization={self.normalization!r} must be None or "layer".')
        if self.frequencies is not None and self.frequencies < 0:
            raise ModelError(f"frequencies={self.frequencies!r} must be at least 0.")
        if self.members is not None and self.members < 1:
            raise ModelError(f"members={self.members!r} must be at least 1.")

    def __repr__(self) -> str:
        """Show the widths, and the options that are not the defaults."""
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
        """All of its options."""
        return (MLP, self)

    def build(self, encoder: Encoder, start: Vector, rng: np.random.Generator) -> Any:
        """Make the perceptron, its last layer at ``start`` for every row."""
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
@dataclass(frozen=True, eq=False)
class Network(NetworkSource):
    """Any Equinox module as a source, called on the encoded covariates of one row.

    Args:
        module: an Equinox module: ``module(x)`` or ``module(x, key=key)`` with ``x`` of shape
            (inputs,), giving one number a parameter (K for logits of K classes).
        inputs: the columns that it reads, in this order; None for all that are neither outcome nor
            weights.
        categorical: columns of numbers that are to be taken as categories.
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
    members: ClassVar[int] = 1  # type: ignore[misc]  # never more

    def __post_init__(self) -> None:
        """Check that it can be called."""
        if not callable(self.module):
            raise ModelError(
                f"kl.Network needs an Equinox module, which can be called on a row, not "
                f"{type(self.module).__name__}."
            )

    def build(self, encoder: Encoder, start: Vector, _rng: np.random.Generator) -> Any:
        """Give the user's module, called on many rows at once.

        Raises:
            ModelError: where it does not take that many inputs or gives another number of outputs.
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
                f"the module of kl.Network cannot be called on {width} encoded inputs: {reason}"
            ) from error
        if shape != (2, start.size):
            raise ModelError(
                f"the module of kl.Network gives an output of shape {shape[1:]} a row; "
                f"({start.size},) was expected"
            )
        return module


@final
@dataclass(frozen=True, eq=False)
class Trained(Source):
    """A network with its weights: what a fitted model has in place of a ``NetworkSource``.

    Attributes:
        form: the source that was fitted.
        modules: the members, averaged on the unconstrained scale.
        encoder: from covariates to inputs.
        domain: of the parameter.
        scale: what the averaged outputs are multiplied by (calibration); one number, or one a
            class.
        shift: what is then added to them.
        background: probabilities of the classes, less than 1 in all, that are then mixed in; None
            where nothing is, and always where outcomes are numbers.
        categories: the levels of the covariates that hold categories.
        token: what tells this source's compiled code from that of another.
    """

    form: NetworkSource
    modules: tuple[Any, ...]
    encoder: Encoder
    domain: Domain
    scale: Vector
    shift: Vector
    background: Vector | None
    categories: Mapping[str, tuple[Any, ...]]
    token: object = field(default_factory=object)

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # known from the encoder
        """The covariates."""
        return self.encoder.names

    @property
    def structure(self) -> Hashable:
        """Itself: its weights are part of the compiled code."""
        return (Trained, self.token)

    def value(
        self,
        _coefficients: Sequence[Array],
        row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """The parameter of every row."""
        inputs = self.encoder.encode_in_jax([row[name] for name in self.encoder.names])
        return link(self.domain, self.outputs(inputs))

    def outputs(self, inputs: Array) -> Array:
        """The calibrated outputs for encoded inputs, shape (rows, outputs), on the linear scale."""
        scale, shift = jnp.asarray(self.scale), jnp.asarray(self.shift)
        background = None if self.background is None else jnp.asarray(self.background)
        return averaged(self.modules, inputs, scale, shift, background)

    def __repr__(self) -> str:
        return f"trained {self.form!r}"


@final
@dataclass(frozen=True)
class Computed(Source):
    """A parameter that a training step has computed and put among the row's columns."""

    field: str

    def value(
        self,
        _coefficients: Sequence[Array],
        row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """The column."""
        return row[self.field]


def averaged(
    modules: Sequence[Any], inputs: Array, scale: Array, shift: Array, background: Array | None
) -> Array:
    """Average the outputs of members, in double precision, and calibrate them."""
    total = sum(module(inputs, None).astype(jnp.float64) for module in modules)
    out: Array = scale * total / len(modules) + shift
    if background is None:
        return out
    own = jax.nn.log_softmax(out) + jnp.log1p(-jnp.sum(background))
    mixed: Array = jnp.logaddexp(own, jnp.log(background))
    return mixed


def outputs_of(domain: Domain) -> int:
    """How many numbers a network gives for a parameter with that domain."""
    return 1 if isinstance(domain, Interval) else domain.size


def link(domain: Domain, outputs: Array) -> Array:
    """From a network's outputs, shape (rows, outputs), to the parameter of every row."""
    if isinstance(domain, Interval):
        value: Array = domain.constrained(outputs[..., 0])
        return value
    return jax.nn.softmax(outputs) if domain.bounded else outputs
