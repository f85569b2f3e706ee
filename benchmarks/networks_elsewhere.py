"""Networks at their defaults on other data than they were chosen by, compared with three peers.

    python benchmarks/networks_elsewhere.py [SEED ...]

Small, wide, noisy, rare, heavy-tailed, badly scaled, repeated and hopeless tables, drawn by
scikit-learn and NumPy, so that no file is needed. The table also has the loss of the baseline, the
class shares of the training labels: no classifier should be much worse.
"""

import sys
import time

import numpy as np
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from kullback.sklearn import NetworkClassifier

PEERS = {
    "kullback": lambda seed: NetworkClassifier(random_state=seed),
    "LogisticRegression": lambda _: make_pipeline(StandardScaler(), LogisticRegression()),
    "MLPClassifier": lambda seed: make_pipeline(StandardScaler(), MLPClassifier(random_state=seed)),
    "HistGradientBoosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
}

FRESH = 4_000  # rows to score on


def split(x, y, rows, seed):
    """Some rows to train on, by class, and the others."""
    return train_test_split(x, y, train_size=rows, random_state=seed, stratify=y)


def made(rows, columns, fresh=FRESH, **options):
    """scikit-learn's made-up classes: clusters at the corners of a cube, turned."""

    def draw(seed):
        x, y = datasets.make_classification(rows + fresh, columns, random_state=seed, **options)
        return split(x, y, rows, seed)

    return draw


def noise(rows, columns, shares=(0.5, 0.5)):
    """Labels independent of the columns."""

    def draw(seed):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(rows + FRESH, columns))
        return split(x, rng.choice(len(shares), len(x), p=shares), rows, seed)

    return draw


def linear(rows, columns):
    """Logistic regression's own data."""

    def draw(seed):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(rows + FRESH, columns))
        slope = 2.0 * rng.normal(size=columns) / np.sqrt(columns)
        return split(x, (x @ slope + rng.logistic(size=len(x)) > 0.0).astype(int), rows, seed)

    return draw


def loaded(load, rows):
    """One of scikit-learn's real tables."""
    return lambda seed: split(*load(return_X_y=True), rows, seed)


def moons(seed):
    """Two half circles that overlap."""
    return split(*datasets.make_moons(200 + FRESH, noise=0.3, random_state=seed), 200, seed)


def checkerboard(seed):
    """Squares of half a standard deviation."""
    x = np.random.default_rng(seed).normal(size=(20_000, 2))
    return split(x, np.floor(x / 0.5).sum(axis=1).astype(int) % 2, 15_000, seed)


def cauchy(seed):
    """Columns without a mean."""
    rng = np.random.default_rng(seed)
    x = rng.standard_cauchy((2_000 + FRESH, 8))
    signal = np.arctan(x) @ rng.normal(size=8) + 0.5 * rng.normal(size=len(x))
    return split(x, (signal > 0.0).astype(int), 2_000, seed)


def scales(seed):
    """Columns from 1e-8 to 1e8."""
    x, y = datasets.make_classification(1_000 + FRESH, 10, n_informative=6, random_state=seed)
    return split(x * 10.0 ** np.linspace(-8.0, 8.0, 10), y, 1_000, seed)


def repeated(seed):
    """200 rows, each ten times."""
    x, y = datasets.make_classification(200 + FRESH, 10, n_informative=6, random_state=seed)
    a, b, c, d = split(x, y, 200, seed)
    return np.repeat(a, 10, axis=0), b, np.repeat(c, 10), d


def coded(seed):
    """Six columns of whole numbers that stand for twenty categories each."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 20, (3_000 + FRESH, 6))
    effect = rng.normal(size=(6, 20))
    signal = sum(effect[k][x[:, k]] for k in range(6)) + rng.logistic(size=len(x))
    return split(x.astype(float), (signal > 0.0).astype(int), 3_000, seed)


TABLES = {
    "56 x 2,000": made(56, 2_000, 1_000, n_informative=5, n_redundant=0),
    "noise, 100 x 20": noise(100, 20),
    "noise, 1,000 x 20": noise(1_000, 20),
    "noise, 1,000 x 20, 9 to 1": noise(1_000, 20, (0.9, 0.1)),
    "checkerboard, 20,000 x 2": checkerboard,
    "1 to 200, 10,000 x 20": made(10_000, 20, weights=[0.995], flip_y=0.0),
    "30 % wrong labels": made(2_000, 20, flip_y=0.6),
    "50 classes, 5,000 x 30": made(
        5_000, 30, n_informative=20, n_classes=50, n_clusters_per_class=1, class_sep=2.0
    ),
    "linear, 100 x 20": linear(100, 20),
    "linear, 1,000 x 20": linear(1_000, 20),
    "moons, 200": moons,
    "Cauchy columns": cauchy,
    "scales 1e-8 to 1e8": scales,
    "rows repeated ten times": repeated,
    "numbers for categories": coded,
    "iris, 20 rows": loaded(datasets.load_iris, 20),
    "wine, 30 rows": loaded(datasets.load_wine, 30),
    "breast_cancer, 60 rows": loaded(datasets.load_breast_cancer, 60),
    "digits, 100 rows": loaded(datasets.load_digits, 100),
}


def nats(log_shares, codes):
    """The mean loss of labels."""
    return -np.mean(log_shares[np.arange(len(codes)), codes])


def main():
    """Print one line for each table and seed."""
    seeds = [int(seed) for seed in sys.argv[1:]] or [0]
    print(f"| table | seed | baseline | {' | '.join(PEERS)} | seconds |")
    print("|---" * (len(PEERS) + 4) + "|")
    for name, draw in TABLES.items():
        for seed in seeds:
            x, fresh, y, labels = draw(seed)
            classes, counts = np.unique(y, return_counts=True)
            codes = np.searchsorted(classes, labels)
            losses = [nats(np.tile(np.log(counts / counts.sum()), (len(codes), 1)), codes)]
            seconds = []
            for make in PEERS.values():
                begin = time.perf_counter()
                shares = make(seed).fit(x, y).predict_proba(fresh).astype(float)
                seconds.append(f"{time.perf_counter() - begin:.1f}")
                with np.errstate(divide="ignore"):
                    losses.append(nats(np.log(shares / shares.sum(axis=1, keepdims=True)), codes))
            cells = " | ".join(f"{value:.4f}" for value in losses)
            print(f"| {name} | {seed} | {cells} | {', '.join(seconds)} |", flush=True)


if __name__ == "__main__":
    main()
