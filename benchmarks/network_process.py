"""A small network as a whole new process, compared with scikit-learn's: 100 epochs of the digits.

    python benchmarks/network_process.py [REPEATS]

Each program is started anew: it imports what it needs, reads arrays from a file, trains 100 hidden
units for 100 epochs, and prints the nats of the rows held out. By turns, after a first call of each
that writes Python's byte-code and fills JAX's compilation cache.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import alternate, show_seconds
from processes import _run, _with_cache
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

_READ = """
import sys
import numpy as np
x, y, x_new, y_new = (np.load(sys.argv[1])[name] for name in ("x", "y", "x_new", "y_new"))
"""
_SAY = """
print(-np.log(p[np.arange(len(p)), y_new]).mean())
"""
_KULLBACK = f"""{_READ}
import kullback as kl
network = kl.Categorical(logits=kl.MLP(hidden=(100,), members=1))
fit = kl.fit(network, x, y, solver=kl.Minibatch(epochs=100, patience=100))
p = fit.predict_proba(x_new)
{_SAY}"""
_SCIKIT_LEARN = f"""{_READ}
import warnings
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
warnings.simplefilter("ignore")  # 100 epochs are not enough for it
fit = make_pipeline(StandardScaler(), MLPClassifier((100,), max_iter=100, random_state=0)).fit(x, y)
p = fit.predict_proba(x_new)
{_SAY}"""


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    x, x_new, y, y_new = train_test_split(*load_digits(return_X_y=True), random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "digits.npz")
        np.savez(path, x=x, y=y, x_new=x_new, y_new=y_new)
        plain = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        cached = {**plain, **_with_cache(f"{folder}/cache")}
        cached.pop("PYTHONDONTWRITEBYTECODE", None)
        found = alternate(
            [
                lambda: _run([sys.executable, "-c", _SCIKIT_LEARN, str(path)], plain),
                lambda: _run([sys.executable, "-c", _KULLBACK, str(path)], cached),
            ],
            repeats,
        )
    theirs, ours = found
    print(f"scikit-learn {show_seconds(theirs.median)}, {theirs.result:.4f} nats held out")
    print(f"kullback     {show_seconds(ours.median)}, {ours.result:.4f} nats held out; ", end="")
    print(f"{ours.median / theirs.median:.2f} of the time; first call {show_seconds(ours.first)}")


if __name__ == "__main__":
    main()
