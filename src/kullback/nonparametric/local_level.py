"""The level of each point of a band that holds all points together with probability 95%."""

from __future__ import annotations

import numpy as np

# The probability with which the band holds all points.
LEVEL = 0.95

# By number of rows, the probability that one ordered uniform draw lies outside bounds with equal
# tails, where all lie inside with probability 0.95: exact, from the crossing probability of a
# Poisson process (A. Moscovich & B. Nadler 2017), which tests/pictures/test_local_level.py computes
# again.
_LEVELS = {
    1: 0.05,
    2: 0.026533,
    3: 0.018633,
    4: 0.014666,
    6: 0.010664,
    10: 0.0073850,
    20: 0.0047707,
    40: 0.0032915,
    100: 0.0021953,
    300: 0.0014930,
    1_000: 0.0010711,
    3_000: 0.00083847,
    10_000: 0.00067074,
    30_000: 0.00056398,
}


def local_level(n: float) -> float:
    """Return the level of each of ``n`` ordered draws; for more than 30,000 that of so many."""
    logs = np.log(np.array(list(_LEVELS)))
    return float(np.exp(np.interp(np.log(max(n, 1.0)), logs, np.log(list(_LEVELS.values())))))
