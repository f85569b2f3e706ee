"""AdamW beside Optax's, and a training that needs neither Optax nor Equinox."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import kullback as kl
from kullback.solvers.adamw import AdamW


@pytest.mark.parametrize("steps", [2, 3, 30, 100])
def test_the_steps_are_those_of_optax(steps):
    rng = np.random.default_rng(0)
    weights = {"matrix": jnp.asarray(rng.normal(size=(4, 3)).astype(np.float32))}
    weights["bias"] = jnp.asarray(rng.normal(size=3).astype(np.float32))
    schedule = optax.schedules.warmup_cosine_decay_schedule(
        0.0, 0.03, max(steps // 20, 1), steps, 0.0
    )
    peer = optax.adamw(
        schedule,
        b2=0.95,
        weight_decay=0.2,
        mask=lambda arrays: jax.tree.map(lambda a: a.ndim > 1, arrays),
    )
    own = AdamW(0.03, 0.2, steps)
    here, there = weights, weights
    memory, other = own.init(weights), peer.init(weights)
    for _ in range(steps):
        slope = {k: jnp.asarray(rng.normal(size=w.shape), w.dtype) for k, w in weights.items()}
        moved, memory = own.update(slope, memory, here)
        told, other = peer.update(slope, other, there)
        here = jax.tree.map(jnp.add, here, moved)
        there = jax.tree.map(jnp.add, there, told)
    for name, value in there.items():
        assert here[name].dtype == jnp.float32
        # the same formulas in another order: some rounding errors of float32 a step
        np.testing.assert_allclose(here[name], value, rtol=0.0, atol=1e-6 * steps)


def test_a_training_of_one_step_moves_the_weights():
    x = np.random.default_rng(0).normal(size=(12, 2))
    network = kl.MLP(hidden=(4,), members=1)
    fit = kl.fit(
        kl.Categorical(logits=network),
        x,
        (x[:, 0] > 0.0).astype(int),
        solver=kl.Minibatch(epochs=1, calibration=None),
    )
    assert len(fit.history) == 1
    assert np.isfinite(fit.cross_entropy)
    logits = fit.predict_params(x)["logits"]
    assert np.ptp(logits[:, 0] - logits[:, 1]) > 0.0


def test_a_perceptron_is_trained_without_optax_and_equinox():
    # they take a tenth of a second to import, of the second that such a process takes
    code = (
        "import sys, numpy as np, kullback as kl; x = np.arange(40.0)[:, None]; "
        "model = kl.Categorical(logits=kl.MLP(hidden=(4,), members=1)); y = np.repeat([0, 1], 20); "
        "kl.fit(model, x, y, solver=kl.Minibatch(epochs=1)).predict_proba(x); "
        "print([m for m in ('equinox', 'optax') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
