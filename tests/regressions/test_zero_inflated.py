"""Zero-inflated and hurdle regressions against R 4.2.2's pscl and glmmTMB."""

from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "reference"
PATTERNS = (
    "reg/hurdle*.json",
    "reg/zinb*.json",
    "reg/zip*.json",
    "robust/zip*.json",
    "mix2/*.json",
    "profile/quine_zinb*.json",
    "reg2/zi*.json",
)
NAMES = sorted(
    f"{path.parent.name}/{path.stem}" for pattern in PATTERNS for path in CASES.glob(pattern)
)


def test_no_case_is_missing():
    assert len(NAMES) == 10


@pytest.mark.parametrize("name", NAMES)
def test_case(name, check_answers):
    check_answers(name)
