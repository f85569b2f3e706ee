"""Step eight: a network is trained by the cross-entropy of its labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback.tour.formulas import Formula
from kullback.tour.session import Session, Step

# Python of each activation of the array s, and of its slope as a function of its value a.
_ACTIVATIONS = {
    "tanh": ("np.tanh(s)", "1.0 - a**2"),
    "relu": ("np.maximum(s, 0.0)", "1.0 * (a > 0.0)"),
    "logistic": ("1.0 / (1.0 + np.exp(-s))", "a * (1.0 - a)"),
}

# Steps of gradient descent: the default network is then within 0.001 nats of the entropy.
STEPS = 1_000


def classifier(do: Session) -> Step:
    """Train a network by gradient descent, until its loss is near the entropy of the labels."""
    chosen = do.network
    activation, slope = _ACTIVATIONS[chosen.activation]
    lines = do(f"""
# one row: the last layer's numbers, softmax, and the loss of the label 0
z = np.array([2.0, 0.5, -1.0])
softmax = np.exp(z) / np.exp(z).sum()
-np.log(softmax[0]){do.divided}
kl.cross_entropy([1.0, 0.0, 0.0], softmax{do.argument})
# the Titanic: 14 groups by class (1st, 2nd, 3rd, crew), woman, child
group = np.array([(0, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1),
                  (1, 0, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1),
                  (2, 0, 0), (2, 1, 0), (2, 0, 1), (2, 1, 1),
                  (3, 0, 0), (3, 1, 0)])
died = np.array([118, 4, 0, 0, 154, 13, 0, 0, 387, 89, 35, 17, 670, 3])
survived = np.array([57, 140, 5, 1, 14, 80, 11, 13, 75, 76, 13, 14, 192, 20])
rows = np.stack([died, survived], axis=1)
weight = rows.sum(axis=1) / rows.sum()  # the share of each group
p = rows / rows.sum(axis=1, keepdims=True)  # its labels
features = np.column_stack([np.eye(4)[group[:, 0]], group[:, 1:]])
baseline = kl.entropy(rows.sum(axis=0) / rows.sum(){do.argument})
irreducible = weight @ kl.entropy(p{do.argument})
baseline, irreducible  # H(Y) and H(Y | X)
def weights(depth):  # of layers of 8, drawn at random; biases 0
    random, sizes = np.random.default_rng(1), [6] + [8] * depth + [2]
    pairs = list(zip(sizes, sizes[1:]))
    drawn = [random.uniform(-1, 1, (m, n)) for m, n in pairs]
    scaled = [W * np.sqrt(6 / sum(W.shape)) for W in drawn]
    return [(W, np.zeros(W.shape[1])) for W in scaled]
def forward(network):  # the values of every layer, and log q
    layers = [features]
    for W, b in network[:-1]:
        s = layers[-1] @ W + b
        layers.append({activation})
    W, b = network[-1]
    z = layers[-1] @ W + b
    z = z - z.max(axis=1, keepdims=True)
    return layers, z - np.log(np.exp(z).sum(axis=1, keepdims=True))
def descend(network, rate):  # one step against the gradient
    layers, log_q = forward(network)
    signal = weight[:, None] * (np.exp(log_q) - p)  # of the loss, by z
    new = []
    for (W, b), a in zip(network[::-1], layers[::-1]):
        new.append((W - rate * a.T @ signal, b - rate * signal.sum(axis=0)))
        signal = (signal @ W.T) * ({slope})
    return new[::-1]
def train(depth, rate, steps={STEPS}):
    network, losses = weights(depth), []
    for step in range(steps + 1):
        log_q = forward(network)[1]
        losses.append(-(weight @ np.sum(p * log_q, axis=1)){do.divided})
        network = descend(network, rate)
    return np.array(losses), np.exp(log_q)
losses, q = train(depth={chosen.depth}, rate={chosen.learning_rate!r})
losses[[0, 10, 100, {STEPS}]]
losses[-1], weight @ kl.cross_entropy(p, q{do.argument})
losses[-1] - irreducible, weight @ kl.kl_divergence(p, q{do.argument})
train(depth=0, rate=1.0)[0][-1] - irreducible  # a logistic regression
""")
    losses, entropy = do["losses"], float(do["irreducible"])
    excess = float(losses[-1]) - entropy
    return Step(
        8,
        "The loss of a classifier is a cross-entropy",
        (
            "A classifier is a model q(y | x) of the label y given the features x, and its loss is "
            "the cross-entropy of the labels. The distribution of one row’s label is one-hot: p is "
            "1 at the label and 0 elsewhere. So of the sum one term is left:",
            Formula('H(p, q) = −Σ_k p(k) log q(k)\n        = −log q("label")'),
            "A network’s last layer gives one number for each class, and softmax turns these "
            "numbers z into probabilities:",
            Formula("q(k) = {e^{z_k} / Σ_j e^{z_j}}"),
            "The mean of −log q(label) over the rows, with q from softmax, is what frameworks call "
            "cross-entropy loss. To minimise it is maximum likelihood, and it brings q near to the "
            "data: hence cross-entropy is a sensible loss for training.",
            "Who survived the Titanic? The features are class, sex and age (adult or child) of "
            "2,201 people, and they form 14 groups. So the entropy of the label given the "
            "features, H(Y | X), is known for these rows: no network can have a smaller loss on "
            "them. The network here has "
            f"{_layers(chosen.depth, chosen.activation)}, and is trained by gradient descent with "
            f"a learning rate of {chosen.learning_rate:g}.",
        ),
        lines,
        _finding(do, losses, entropy, excess),
        {
            "losses": losses,
            "baseline": float(do["baseline"]),
            "entropy": entropy,
            "features": do["features"],
            "rows": do["rows"],
            "q": do["q"],
            "weights": {depth: do["weights"](depth) for depth in range(4)},
        },
    )


def _finding(do: Session, losses: Any, entropy: float, excess: float) -> str:
    baseline = float(do["baseline"])
    if not losses[-1] < baseline:  # also where it is not a number
        end = f"{losses[-1]:.4f} {do.unit}" if np.isfinite(losses[-1]) else "no longer finite"
        return (
            f"{_with(do)}, the training failed: after {STEPS:,} steps the loss is {end}, not below "
            f"the baseline (class shares) of H(Y) = {baseline:.4f} {do.unit}. A smaller learning "
            "rate or more steps are needed."
        )
    return (
        f"{_with(do)}, the loss falls in {STEPS:,} steps from {losses[0]:.4f} {do.unit} to "
        f"{losses[-1]:.4f}, and so towards the entropy H(Y | X) = {entropy:.4f}; the baseline "
        f"(class shares) is H(Y) = {baseline:.4f}. The rest, {excess:.4f} {do.unit}, is the "
        "relative entropy of the network. On rows that it was not trained on its loss would be "
        "larger: kullback train measures it on held-out rows."
    )


def _with(do: Session) -> str:
    chosen = do.network
    return (
        f"With a depth of {chosen.depth}, {chosen.activation} and a learning rate of "
        f"{chosen.learning_rate:g}"
    )


def _layers(depth: int, activation: str) -> str:
    if depth == 0:
        return "a depth of 0, no hidden layer: it is a logistic regression"
    layers = "1 hidden layer" if depth == 1 else f"{depth} hidden layers"
    return f"a depth of {depth}, that is, {layers} of 8 units with the activation {activation}"
