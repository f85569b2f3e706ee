"""Switches the run-time type checks on, and fixes how Hypothesis draws its examples."""

import os

from hypothesis import settings
from jaxtyping import install_import_hook

# Every annotation in kullback, shapes and dtypes included, is checked at each call. The hook sees
# only modules imported after it, so nothing above this line may import kullback.
install_import_hook("kullback", "beartype.beartype")

# deadline=None: the first example pays for a JAX compilation (0.2 to 1.3 s), so a time limit on one
# example would fail at random. In CI the examples are the same on every run.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")
