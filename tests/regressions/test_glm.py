"""Generalized linear and multinomial models against R 4.2.2."""

from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "reference"
PATTERNS = (
    "reg/gamma*.json",
    "reg/gauss*.json",
    "reg/invgauss*.json",
    "reg/logit*.json",
    "reg/mn_[gmv]*.json",
    "reg/nb*.json",
    "reg/pois*.json",
    "reg/probit*.json",
    "robust/logit*.json",
    "robust/pois*.json",
    "robust/probit*.json",
    "profile/birthwt*.json",
    "profile/ships*.json",
    "profile/quine_nb*.json",
)
NAMES = sorted(
    f"{path.parent.name}/{path.stem}" for pattern in PATTERNS for path in CASES.glob(pattern)
)


def test_no_case_is_missing():
    assert len(NAMES) == 31


@pytest.mark.parametrize("name", NAMES)
def test_case(name, check_answers):
    check_answers(name)
