"""What is particular to lifetimes: a share of the units that never fails."""

import math

import numpy as np
import pytest

from kullback.models.positive.gompertz import Gompertz


def test_quantiles_of_a_defective_gompertz():
    """With shape −0.5 and rate 0.2, exp(−0.4) never fail."""
    model = Gompertz(shape=-0.5, rate=0.2)
    reached = -math.expm1(-0.4)
    assert np.isinf(model.quantile([reached + 1e-9, 0.9, 1.0])).all()
    assert model.cdf(model.quantile(reached - 1e-9)) == pytest.approx(reached - 1e-9, rel=1e-12)
    assert model.log_survival(1e300) == pytest.approx(-0.4, rel=1e-15)
    assert model.mean() == math.inf
    assert math.isnan(model.variance())
    assert math.isnan(model.entropy())
    share = np.mean(np.isinf(model.sample(40_000, seed=7)))
    assert share == pytest.approx(math.exp(-0.4), abs=5 * 0.5 / 200)  # 5 standard errors


def test_caution_for_a_defective_gompertz():
    caution = Gompertz().caution({"shape": np.array([-0.5]), "rate": np.array([0.2])})
    assert caution is not None
    assert "0.67 never fails" in caution.text  # exp(−0.4) = 0.6703
    assert not caution.no_maximum
    assert Gompertz().caution({"shape": np.array([0.5]), "rate": np.array([0.2])}) is None
