"""Step seven: a classifier on real data."""

from __future__ import annotations

from importlib.resources import as_file, files
from importlib.util import find_spec

import numpy as np

import kullback as kl
from kullback._core.arrays import Vector
from kullback.tour.session import Session, Step

_NO_NETWORK = (
    ' (With Kullback\'s extra "network" installed, a neural network is trained here beside it.)'
)


def _guessing(sick: Vector) -> float:
    """H(Y), in nats."""
    share = float(sick.mean())
    return float(kl.entropy([share, 1.0 - share]))


def classifier(do: Session) -> Step:
    """Fit a logistic regression by Newton's method, then a network, and watch their losses."""
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
kl.entropy(both(sick.mean()){do.argument})  # of the label, by itself
""")
    network, told = np.zeros(0), _NO_NETWORK
    if all(find_spec(name) for name in ("equinox", "optax", "safetensors")):
        lines += do(f"""
# a neural network instead: the same loss, on rows held out from it
network = kl.Categorical(logits=kl.MLP(hidden=(16,)))
how = kl.Minibatch(epochs=25, learning_rate=0.01)
trained = kl.fit(network, features, sick, solver=how)
held_out = np.array([epoch.refined for epoch in trained.history]){do.divided}
held_out[::4].round(3)
trained.cross_entropy{do.divided}, trained.error{do.divided}
""")
        network, at = do["held_out"], do["trained"].cross_entropy / do.nats
        told = (
            f" On rows that it was not trained on, the network's loss is {at:.3f} ± "
            f"{do['trained'].error / do.nats:.3f} {do.unit}, so that it explains about "
            f"{_guessing(do['sick']) / do.nats - at:.2f} {do.unit} of a new diagnosis."
        )
    losses, sick = do["losses"], do["sick"]
    ceiling = _guessing(sick) / do.nats
    shares = [1.0 / (1.0 + np.exp(-do["X"] @ beta)) for beta in do["betas"]]
    edges = np.linspace(0.0, 1.0, 21)
    return Step(
        7,
        "The same for a classifier",
        (
            "Is a breast mass malignant? For each of 569, four measurements and the diagnosis. "
            "A classifier is a model of the label for each row, and its loss is the mean, over the "
            "rows, of the cross-entropy between the label and what was predicted.",
            "Its floor is H(Y | X), the entropy that the diagnosis has left once the measurements "
            "are known. Nobody knows it: it is at least 0, and at most the loss to be expected of "
            "any classifier. What is known is where guessing stands, H(Y).",
        ),
        lines,
        f"The loss falls from log 2 past the {ceiling:.4f} {do.unit} of guessing to "
        f"{losses[-1]:.4f}, the least that this model can reach on these rows. So the measurements "
        f"tell {ceiling - losses[-1]:.4f} {do.unit} of the diagnosis, as counted on the rows "
        "that were fitted. How much of the rest is entropy, and how much the model’s own waste, "
        f"these rows cannot say.{told}",
        {
            "losses": losses,
            "guessing": ceiling,
            "network": network,
            "malignant": [np.histogram(share[sick == 1.0], edges)[0] for share in shares],
            "benign": [np.histogram(share[sick == 0.0], edges)[0] for share in shares],
        },
    )
