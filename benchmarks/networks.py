"""Networks at their defaults beside scikit-learn's classifiers at theirs: held-out nats, seconds.

    python benchmarks/networks.py ../shared/data [SEED ...]

The first argument is a folder with LetterRecognition, Shuttle, DNA and Vowel as Parquet, labels in
the column `label`. Each split holds a quarter out, by class. A probability of 0 for a label that
was seen costs +inf, and is printed as such.
"""

import sys
import time
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


def tables(folder):
    for path in sorted(Path(folder).glob("*.parquet")):
        table = pq.read_table(path)
        x = np.stack([table[n].to_numpy() for n in table.column_names if n != "label"], axis=1)
        yield path.stem, x.astype(float), table["label"].to_numpy()
    yield "digits", *load_digits(return_X_y=True)
    yield "breast_cancer", *load_breast_cancer(return_X_y=True)


def main():
    seeds = [int(seed) for seed in sys.argv[2:]] or [0]
    print("| set | seed | classifier | held-out nats | seconds |\n|---|---|---|---|---|")
    for name, x, y in tables(sys.argv[1]):
        for seed in seeds:
            split = train_test_split(x, y, test_size=0.25, random_state=seed, stratify=y)
            for peer, make in PEERS.items():
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
