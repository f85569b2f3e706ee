"""The result of training networks: the model with its weights, its loss and its predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Vector, float64
from kullback._core.display import MEANINGS, Display, Displayed, Entries, Listed, Table
from kullback._core.equality import Comparable
from kullback._core.errors import ModelError
from kullback._core.units import nats_per
from kullback.models.model import Model
from kullback.models.network import MLP, Trained
from kullback.pictures.training_figure import training_figure
from kullback.results.convergence import Convergence, status
from kullback.results.decomposition import Decomposition, Line, decomposition_in
from kullback.results.network_parameters import parameters_of_rows
from kullback.results.save_trained import write_trained
from kullback.results.summary import wrapped

# How many standard errors below the baseline a network's cross-entropy counts as better.
_SURELY = 1.96
# What a training tries by itself where its network explains next to nothing, as its reason says.
TRIED = "frequencies=8"
# What the reason of a training mentions where classes had unequal weights.
CLASS_WEIGHTS = "class weights"


@final
@dataclass(frozen=True, eq=False, repr=False)
class Epoch(Listed, Comparable):
    """One epoch of a training, in nats.

    Attributes:
        number: counted from one.
        training: mean of the loss that was minimised, over the epoch.
        held_out: cross-entropy on the held-out rows.
        refined: the same after calibration, or put back to the shares of the rows where classes had
            weights; early stopping uses it.
    """

    number: int
    training: float
    held_out: float
    refined: float

    def _cells(self) -> dict[str, str]:
        losses = {
            name: f"{getattr(self, name):.6g}" for name in ("training", "held_out", "refined")
        }
        return {"number": str(self.number), **losses}


@final
@dataclass(frozen=True, eq=False, repr=False)
class TrainedFit(Displayed, Comparable):
    """A model with networks, trained: immutable. Fits are equal where all but their times are.

    Attributes:
        form: the model as it was given.
        model: the same model with its weights.
        label: name of the outcome in messages.
        source: where the rows came from.
        rows: number of rows, the held-out ones included.
        held_out_rows: number of rows held out of each member's training.
        baseline: cross-entropy of the best constant prediction on the held-out rows, in nats: H(Y)
            for labels. NaN for outcomes that are numbers.
        cross_entropy: on the held-out rows, after calibration, in nats: of one member, each on the
            rows held out from it. Early stopping and calibration chose by it, so it is slightly
            too small.
        error: its standard error, from the spread of −log q over these rows.
        history: the losses of each epoch.
        best: the number of the epoch whose weights are used.
        converged: whether training ended regularly.
        reason: how it ended, with what to try.
        weights: number of trained weights.
        compile_seconds: time spent tracing and compiling.
        seconds: the rest of the time.
        levels: levels of the categorical covariates.
    """

    form: Model
    model: Model
    label: str
    source: str
    rows: int
    held_out_rows: int
    baseline: float
    cross_entropy: float
    error: float
    history: tuple[Epoch, ...]
    best: int
    converged: bool
    reason: str
    weights: int
    compile_seconds: float = field(compare=False)
    seconds: float = field(compare=False)
    levels: Mapping[str, tuple[Any, ...]]

    def __post_init__(self) -> None:
        """Let the history show itself as a table."""
        object.__setattr__(self, "history", Entries(self.history))

    @property
    def convergence(self) -> Convergence:
        """How training ended; gradient and Hessian are not computed (NaN)."""
        return Convergence(
            converged=self.converged,
            reason=self.reason,
            advice=(*self._kept, *self._nothing_explained),
            gradient_norm=math.nan,
            smallest_eigenvalue=math.nan,
            bounds=(),
            solver="Minibatch",
            steps=len(self.history),
            starts=1,
            agreed=1,
            passes=len(self.history),
            compile_seconds=self.compile_seconds,
            run_seconds=self.seconds,
        )

    @property
    def _kept(self) -> tuple[str, ...]:
        return () if self.converged else ("The weights of the best epoch were kept.",)

    @property
    def _nothing_explained(self) -> tuple[str, ...]:
        """A warning, where the network is not significantly better than the baseline."""
        gained = self.baseline - self.cross_entropy
        if not (self.baseline > 0.0 and gained <= _SURELY * self.error):  # also where one is NaN
            return ()
        plain = any(isinstance(s, MLP) and not s.frequencies for s in self.form.sources.values())
        more = (
            f" If it oscillates along a column, try kl.MLP({TRIED})."
            if plain and TRIED not in self.reason
            else ""
        )
        if f"{CLASS_WEIGHTS} (" in self.reason and "are those of rows weighted" in self.reason:
            return (
                "Not better than the baseline on rows as they are: without a calibration the "
                f"probabilities are those of rows with {CLASS_WEIGHTS}.",
            )
        return (
            "Not significantly better than the baseline: the covariates may carry no information "
            f"about the label, or none that this network can learn from so many rows.{more}",
        )

    def decomposition(self, unit: str = "nats") -> Decomposition:
        """Split the loss on the held-out rows; ``kl.evaluate`` does so on rows never used.

        Args:
            unit: "nats", "bits" or "hartleys".

        Raises:
            KullbackError: for another unit.
        """
        lines = [
            Line(
                "cross-entropy",
                self.cross_entropy,
                self.error,
                "of the held-out rows, after calibration; they selected the epoch",
            )
        ]
        if self.best:
            epoch = self.history[self.best - 1]
            lines.append(
                Line(
                    "cross-entropy, training",
                    epoch.training,
                    math.nan,
                    f"minimised in epoch {epoch.number}, dropout and weights included",
                )
            )
        if math.isfinite(self.baseline):
            note = "the loss of the baseline (class shares)"
            lines += [
                Line("entropy of the label", self.baseline, 0.0, note),
                Line(
                    "explained",
                    self.baseline - self.cross_entropy,
                    self.error,
                    "entropy of the label − cross-entropy",
                ),
            ]
        lines.append(
            Line(
                "entropy",
                math.nan,
                math.nan,
                "of the outcome given the covariates: kl.evaluate can estimate it",
            )
        )
        return decomposition_in(unit, lines)

    @property
    def classes_(self) -> tuple[Any, ...]:
        """The class labels, in the order of the probabilities' columns.

        Raises:
            ModelError: for a model whose outcomes are numbers.
        """
        levels: tuple[Any, ...] | None = getattr(self.model, "levels", None)
        if levels is None:
            raise ModelError(f"{self.form.name} does not have classes: its outcomes are numbers.")
        return levels

    def predict_params(self, data: Any) -> dict[str, Vector]:
        """Return the model's parameters for every row.

        Args:
            data: covariates: a table, a two-dimensional array, or files, as for ``kl.fit``.

        Returns:
            By parameter, shape (rows,) or (rows, K); of no rows too.

        Raises:
            DataError: a column is missing or holds other values than in the fit, or an array has
                another number of columns.
        """
        return parameters_of_rows(self.model, self.levels, data)

    def predict_proba(self, data: Any) -> Vector:
        """Return the probabilities of the classes for every row, shape (rows, K).

        Args:
            data: covariates, as for ``kl.fit``.
        """
        _ = self.classes_
        (name, value), *_rest = self.predict_params(data).items()
        if name == "probabilities":
            return value
        shifted = np.exp(value - value.max(axis=1, keepdims=True))
        out: Vector = shifted / shifted.sum(axis=1, keepdims=True)
        return out

    def predict(self, data: Any) -> Any:
        """Return the most probable class of every row, or the mean where outcomes are numbers.

        Args:
            data: covariates, as for ``kl.fit``.
        """
        if self.form.outcome == "label":
            classes = np.asarray(self.classes_)
            return classes[np.argmax(self.predict_proba(data), axis=1)]
        parameters = self.predict_params(data)
        with float64():
            values = {name: jnp.asarray(value) for name, value in parameters.items()}
            return np.asarray(self.model.moment("mean", values))

    def summary(self, unit: str = "nats") -> str:
        """Return the main results as text.

        Args:
            unit: nats, bits or hartleys.
        """
        size = nats_per(unit)
        lines = [
            *self._heading,
            "",
            f"cross-entropy (held out)   {self.cross_entropy / size:.6f} {unit}"
            f" ± {self.error / size:.6f}",
        ]
        if math.isfinite(self.baseline):
            gained = self.baseline - self.cross_entropy
            share = f" ({100.0 * gained / self.baseline:.1f} %)" if self.baseline > 0.0 else ""
            lines += [
                f"baseline (class shares)    {self.baseline / size:.6f} {unit}",
                f"explained of the label     {gained / size:.6f} {unit}{share}",
            ]
        lines += [
            "",
            f"{status(self.converged)} – {self.reason}",
            *(line for note in self.convergence.advice for line in wrapped(note)),
            f"  weights  {self._kept_weights}",
            f"  time     {self.compile_seconds:.1f} s compiling, {self.seconds:.1f} s running",
            "",
            MEANINGS,
        ]
        return "\n".join(lines)

    def plot(self, unit: str = "nats", *, ax: Any = None) -> Any:
        """Draw the loss of every epoch of the training, and of the baseline; needs matplotlib.

        Args:
            unit: "nats", "bits" or "hartleys".
            ax: matplotlib axes to draw on.

        Returns:
            The matplotlib figure.

        Raises:
            KullbackError: for another unit, or without matplotlib.
        """
        return training_figure(self, unit, ax)

    def save(self, path: str | Path) -> None:
        """Write the fit as a folder of JSON and safetensors, for ``kl.load``: data, no code.

        Args:
            path: a new or empty folder, or one with an older model, which is replaced; other files
                in it are kept.

        Raises:
            ModelError: for a network that is the user's own code.
            KullbackError: the folder holds something else, or cannot be written.
        """
        write_trained(self, path)

    @property
    def _heading(self) -> tuple[str, str]:
        """The model and the rows."""
        members = max(
            (len(s.modules) for s in self.model.sources.values() if isinstance(s, Trained)),
            default=1,
        )
        every = members > 1 and self.held_out_rows == self.rows
        held = f"each held out from one of {members} networks" if every else "held out"
        count = "" if every else f"{self.held_out_rows:,} "
        return f"{self.form!r}", f"{self.label} of {self.source}: {self.rows:,} rows, {count}{held}"

    @property
    def _kept_weights(self) -> str:
        return f"{self.weights:,}, of epoch {self.best} of {len(self.history)}"

    def _display(self) -> Display:
        model, rows = self._heading
        facts = (
            ("weights", self._kept_weights),
            ("time", f"{self.compile_seconds:.1f} s compiling, {self.seconds:.1f} s running"),
        )
        notes = (f"{status(self.converged)} – {self.reason}", *self.convergence.advice, MEANINGS)
        return Display(f"{model}, {rows}", [self.decomposition().table, Table(facts)], notes)

    def __repr__(self) -> str:
        state = "" if self.converged else ", NOT CONVERGED"
        return f"TrainedFit({self.form!r}, cross_entropy={self.cross_entropy:.6g}{state})"
