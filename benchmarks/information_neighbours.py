"""Speed of the nearest-neighbour estimators, compared with SciPy's and scikit-learn's trees.

Run it as ``python benchmarks/information_neighbours.py``; scikit-learn and infomeasure rows are
left out where these are not installed. Every row is the least of several runs, interleaved in one
process after a warm-up, on all cores.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma, gammaln

from kullback.information.neighbours.divergence import nearest_neighbour_kl
from kullback.information.neighbours.entropy import nearest_neighbour_entropy
from kullback.information.neighbours.mutual_information import (
    mutual_information_continuous,
    mutual_information_with_label,
)

REPEATS = 7


def optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def scipy_entropy(x: np.ndarray, k: int) -> float:
    """The usual few lines: a tree, the k-th distance, the published formula."""
    n, d = x.shape
    distance = cKDTree(x).query(x, k=k + 1, workers=-1)[0][:, k]
    ball = 0.5 * d * np.log(np.pi) - gammaln(0.5 * d + 1.0)
    return float(digamma(n) - digamma(k) + ball + d * np.log(distance).mean())


def sklearn_entropy(sklearn: Any, x: np.ndarray, k: int) -> float:
    n, d = x.shape
    found = sklearn.NearestNeighbors(n_neighbors=k, n_jobs=-1).fit(x).kneighbors()[0][:, -1]
    ball = 0.5 * d * np.log(np.pi) - gammaln(0.5 * d + 1.0)
    return float(digamma(n) - digamma(k) + ball + d * np.log(found).mean())


def scipy_kl(x: np.ndarray, y: np.ndarray, k: int) -> float:
    n, d = x.shape
    own = cKDTree(x).query(x, k=k + 1, workers=-1)[0][:, k]
    other = cKDTree(y).query(x, k=k, workers=-1)[0][:, k - 1]
    return float(d * np.log(other / own).mean() + np.log(len(y) / (n - 1)))


def scipy_ksg(x: np.ndarray, y: np.ndarray, k: int) -> float:
    n = len(x)
    joint = np.column_stack([x, y])
    radius = np.nextafter(cKDTree(joint).query(joint, k=k + 1, p=np.inf, workers=-1)[0][:, k], 0)
    counts = [
        cKDTree(side[:, None]).query_ball_point(
            side[:, None], radius, p=np.inf, return_length=True, workers=-1
        )
        for side in (x, y)
    ]
    return float(digamma(n) + digamma(k) - np.mean(digamma(counts[0]) + digamma(counts[1])))


def measure(title: str, calls: dict[str, Callable[[], Any]]) -> None:
    """Time the calls in turns, and print the least of each and its ratio to the first."""
    least = dict.fromkeys(calls, np.inf)
    for call in calls.values():
        call()
    for _ in range(REPEATS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            least[name] = min(least[name], time.perf_counter() - start)
    ours = next(iter(least.values()))
    print(title)
    for name, seconds in least.items():
        print(f"  {name:<58s} {1e3 * seconds:9.2f} ms  {seconds / ours:6.2f} ×")


def main() -> None:
    rng = np.random.default_rng(1)
    neighbors, selection = optional("sklearn.neighbors"), optional("sklearn.feature_selection")
    infomeasure = optional("infomeasure")
    x = rng.normal(size=(100_000, 3))
    y = rng.normal(0.2, 1.1, size=(100_000, 3))

    calls: dict[str, Callable[[], Any]] = {
        "kullback (8 neighbours, extrapolated, with its error)": lambda: nearest_neighbour_entropy(
            x
        ),
        "kullback (3 neighbours, plain, with its error)": lambda: nearest_neighbour_entropy(
            x, k=3, extrapolate=False
        ),
        "scipy.spatial.cKDTree (8 neighbours)": lambda: scipy_entropy(x, 8),
        "scipy.spatial.cKDTree (3 neighbours)": lambda: scipy_entropy(x, 3),
    }
    if neighbors is not None:
        calls["sklearn NearestNeighbors (8)"] = lambda: sklearn_entropy(neighbors, x, 8)
        calls["sklearn NearestNeighbors (3)"] = lambda: sklearn_entropy(neighbors, x, 3)
    if infomeasure is not None:
        calls["infomeasure (4, its default)"] = lambda: infomeasure.entropy(x, approach="metric")
    measure("Entropy of 100,000 × 3", calls)

    line = np.ascontiguousarray(x[:, 0])
    measure(
        "Entropy of 100,000 numbers",
        {
            "kullback (12 neighbours, extrapolated, with its error)": lambda: (
                nearest_neighbour_entropy(line)
            ),
            "scipy.spatial.cKDTree (12 neighbours)": lambda: scipy_entropy(line[:, None], 12),
            "scipy.spatial.cKDTree (3 neighbours)": lambda: scipy_entropy(line[:, None], 3),
        },
    )
    measure(
        "Relative entropy of 100,000 × 3 to 100,000 × 3",
        {
            "kullback (20 neighbours, extrapolated, with its error)": lambda: nearest_neighbour_kl(
                x, y
            ),
            "scipy.spatial.cKDTree (20 neighbours)": lambda: scipy_kl(x, y, 20),
            "scipy.spatial.cKDTree (5 neighbours)": lambda: scipy_kl(x, y, 5),
        },
    )
    for n in (5_000, 100_000):
        a = rng.normal(size=n)
        b = 0.6 * a + 0.8 * rng.normal(size=n)
        pair = (a, b)
        calls = {
            "kullback (with its error)": lambda pair=pair: mutual_information_continuous(*pair),
            "scipy.spatial.cKDTree": lambda pair=pair: scipy_ksg(*pair, 3),
        }
        if selection is not None:
            calls["sklearn mutual_info_regression"] = lambda pair=pair: (
                selection.mutual_info_regression(pair[0][:, None], pair[1])
            )
        measure(f"Mutual information of {n:,} pairs, 3 neighbours", calls)
        label = b > 1.0
        calls = {
            "kullback (with its error)": lambda a=a, label=label: mutual_information_with_label(
                a, label
            )
        }
        if selection is not None:
            calls["sklearn mutual_info_classif"] = lambda a=a, label=label: (
                selection.mutual_info_classif(a[:, None], label)
            )
        measure(f"Mutual information of {n:,} numbers with a label, 3 neighbours", calls)


if __name__ == "__main__":
    main()
