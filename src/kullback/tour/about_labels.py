"""Step seven: a classifier on real data."""

from __future__ import annotations

from importlib.resources import as_file, files
from importlib.util import find_spec

import numpy as np

import kullback as kl
from kullback._core.arrays import Vector
from kullback.tour.session import Session, Step

_NO_NETWORK = ' (With Kullback\'s extra "network" installed, a neural network is trained here too.)'


def _baseline(sick: Vector) -> float:
    """The loss of the class shares, H(Y), in nats."""
    share = float(sick.mean())
    return float(kl.entropy([share, 1.0 - share]))


def classifier(do: Session) -> Step:
    """Fit a logistic regression by Newton's method, then a network, and compare their losses."""
    with as_file(files("kullback.tour") / "data" / "breast_cancer.csv") as path:
        do.namespace["path"] = path
        lines = do(f"""
table = np.loadtxt(path, delimiter=",", skiprows=1)
sick, features = table[:, 0], table[:, 1:]
z = (features - features.mean(axis=0)) / features.std(axis=0)
X = np.column_stack([np.ones(len(z)), z])
def both(share):
    return np.stack([share, 1.0 - share], axis=-1)
def loss(beta):
    share = 1 / (1 + np.exp(-X @ beta))
    return kl.cross_entropy(both(sick), both(share){do.argument}).mean()
betas = [np.zeros(X.shape[1])]
for step in range(8):  # Newton's method
    share = 1 / (1 + np.exp(-X @ betas[-1]))
    gradient = X.T @ (share - sick)
    hessian = (X.T * (share * (1 - share))) @ X
    betas.append(betas[-1] - np.linalg.solve(hessian, gradient))
losses = np.array([loss(beta) for beta in betas])
losses
kl.entropy(both(sick.mean()){do.argument})  # of the label alone
""")
    network, comparison = np.zeros(0), _NO_NETWORK
    if all(find_spec(name) for name in ("equinox", "optax", "safetensors")):
        lines += do(f"""
# a neural network instead: the same loss, on held-out rows
network = kl.Categorical(logits=kl.MLP(hidden=(16,)))
solver = kl.Minibatch(epochs=25, learning_rate=0.01)
trained = kl.fit(network, features, sick, solver=solver)
held_out = np.array([epoch.refined for epoch in trained.history]){do.divided}
held_out[::4].round(3)
trained.cross_entropy{do.divided}, trained.error{do.divided}
""")
        network, at = do["held_out"], do["trained"].cross_entropy / do.nats
        comparison = (
            f" On rows that it was not trained on, the network's loss is {at:.3f} ± "
            f"{do['trained'].error / do.nats:.3f} {do.unit}, so it explains about "
            f"{_baseline(do['sick']) / do.nats - at:.2f} {do.unit} of a new diagnosis."
        )
    losses, sick = do["losses"], do["sick"]
    baseline = _baseline(sick) / do.nats
    shares = [1.0 / (1.0 + np.exp(-do["X"] @ beta)) for beta in do["betas"]]
    edges = np.linspace(0.0, 1.0, 21)
    return Step(
        7,
        "The loss of a classifier is a cross-entropy",
        (
            "Is a breast mass malignant? The data are four measurements and the diagnosis of 569 "
            "masses. A classifier is a model of the label given the measurements. Its loss is the "
            "mean over the rows of the cross-entropy between the label and the predicted "
            "probabilities: −log q of the row’s label.",
            "The irreducible loss is H(Y | X), the entropy of the diagnosis given the "
            "measurements. It is unknown: at least 0, and at most the expected loss of any "
            "classifier. The baseline is known: the class shares have the loss H(Y).",
        ),
        lines,
        f"The loss falls from log 2, below the baseline of {baseline:.4f} {do.unit}, to "
        f"{losses[-1]:.4f}, the minimum of this model on these rows. So the measurements explain "
        f"{baseline - losses[-1]:.4f} {do.unit} of the diagnosis, on the rows that were fitted. "
        "These rows do not show how much of the rest is irreducible and how much is the model’s "
        f"excess loss.{comparison}",
        {
            "losses": losses,
            "baseline": baseline,
            "network": network,
            "malignant": [np.histogram(share[sick == 1.0], edges)[0] for share in shares],
            "benign": [np.histogram(share[sick == 0.0], edges)[0] for share in shares],
        },
    )
