"""The categorical family, against mpmath, SciPy and its own definition."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy import special, stats

import kullback as kl
from kullback._core.arrays import float64
from kullback._core.errors import ModelError
from kullback.data.schema import Outcome, Schema
from kullback.models.labels.categorical import Categorical, Logits
from kullback.models.source import Free

P = np.array([0.5, 0.0, 0.125, 0.375])
T = np.array([2.0, -300.0, -1.5, 40.0])


def test_density_and_tails_of_given_probabilities():
    model = Categorical(probabilities=P)
    codes = np.arange(4.0)
    assert model.density(codes).tolist() == pytest.approx(P, rel=1e-15)
    assert model.log_density(1.0) == -np.inf
    assert model.log_density([-1.0, 0.5, 4.0]).tolist() == [-np.inf] * 3
    assert np.isnan(model.log_density(np.nan))
    x = np.array([-1.0, 0.0, 0.7, 1.0, 2.0, 3.0, 9.0])
    np.testing.assert_allclose(model.cdf(x), [0.0, 0.5, 0.5, 0.5, 0.625, 1.0, 1.0], rtol=1e-15)
    np.testing.assert_allclose(model.survival(x), [1.0, 0.5, 0.5, 0.5, 0.375, 0.0, 0.0], rtol=1e-15)
    assert model.quantile([0.0, 0.5, 0.51, 0.625, 0.7, 1.0]).tolist() == [0, 0, 2, 2, 3, 3]
    # a last class that is impossible is no quantile
    assert Categorical(probabilities=[0.4, 0.6, 0.0]).quantile(1.0) == 1.0


def test_logits_keep_both_tails():
    model = Categorical(logits=T)
    with mp.workdps(200):  # exp(−340) beside 1
        weights = [mp.exp(mp.mpf(t)) for t in T]
        total = mp.fsum(weights)
        density = [float(mp.log(w / total)) for w in weights]
        # the log of nearly all is minus what is missing
        below = [float(mp.log(mp.fsum(weights[: k + 1]) / total)) for k in range(4)]
        above = [float(mp.log1p(-mp.fsum(weights[: k + 1]) / total)) for k in range(3)]
    codes = np.arange(4.0)
    np.testing.assert_allclose(model.log_density(codes[:3]), density[:3], rtol=1e-14)
    np.testing.assert_allclose(model.log_cdf(codes), below, rtol=1e-14)
    # near 0 a log-sum is good to rounding beside 1, not beside the result
    np.testing.assert_allclose(model.log_density(3.0), density[3], atol=1e-15)
    np.testing.assert_allclose(model.log_survival(codes[:3]), above, atol=1e-15)
    assert model.log_survival(3.0) == -np.inf


def test_only_differences_of_logits_matter():
    codes = np.arange(4.0)
    a, b = Categorical(logits=T).log_density(codes), Categorical(logits=T + 3.0).log_density(codes)
    np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(a, special.log_softmax(T), rtol=1e-14, atol=1e-15)


def test_entropy():
    assert Categorical(probabilities=P).entropy() == pytest.approx(stats.entropy(P), rel=1e-14)
    t = np.array([0.3, -2.0, 1.0])
    expected = stats.entropy(special.softmax(t))
    assert Categorical(logits=t).entropy() == pytest.approx(expected, rel=1e-14)
    assert Categorical(probabilities=[1.0, 0.0]).entropy() == 0.0
    with pytest.raises(ModelError, match="labels, not numbers"):
        Categorical(probabilities=P).mean()


def test_draws():
    x = Categorical(probabilities=P).sample(40_000, seed=11)
    counts = np.bincount(x.astype(int), minlength=4)
    assert counts[1] == 0
    chi = np.sum((counts - x.size * P)[[0, 2, 3]] ** 2 / (x.size * P[[0, 2, 3]]))
    # one fixed seed; a right sampler exceeds this with probability 1e-6
    assert chi < stats.chi2.isf(1e-6, 2)
    assert np.all(Categorical(probabilities=[0.0, 1.0, 0.0]).sample(100, seed=1) == 1.0)


def labelled(*levels: str) -> Schema:
    return Schema(outcome=Outcome(levels))


def test_levels_give_the_number_of_classes():
    model = Categorical().bind(labelled("a", "b", "c"))
    assert (model.levels, model.classes) == (("a", "b", "c"), 3)
    assert model.support.phrase("y") == "y = 0, ..., 2"
    assert model.outcome == "label"
    assert model.discrete
    assert model.vector.n_free == 2
    assert model.structure != Categorical().bind(labelled("a", "b")).structure
    assert model.bind(labelled("a", "b", "c")).levels == model.levels
    assert Categorical(logits=[0.0, 1.0], levels=["no", "yes"]).levels == ("no", "yes")
    with pytest.raises(ModelError, match=r"has the levels 'a', 'b', 'c'.* have .a., .b., .d."):
        model.bind(labelled("a", "b", "d"))
    with pytest.raises(ModelError, match=r"4 probabilities but 2 levels \('a', 'b'\)"):
        Categorical(probabilities=P).bind(labelled("a", "b"))
    with pytest.raises(ModelError, match="at least two levels, each once, got 'a', 'a'"):
        Categorical(levels=["a", "a"])


def test_wrong_parameters():
    with pytest.raises(ModelError, match="with sum 1"):
        Categorical(probabilities=[0.5, 0.6])
    with pytest.raises(ModelError, match="with sum 1"):
        Categorical(probabilities=[-0.5, 1.5])
    with pytest.raises(ModelError, match="not both"):
        Categorical(probabilities=[0.5, 0.5], logits=[0.0, 0.0])
    with pytest.raises(ModelError, match="a list of numbers, one for each"):
        Categorical(probabilities=0.5)
    with pytest.raises(ModelError, match=r"logits must be finite, got \[0.0, inf\]"):
        Categorical(logits=[0.0, np.inf])


def test_the_estimates_are_the_shares():
    codes, weights = np.array([0.0, 1.0, 2.0]), np.array([2.0, 5.0, 3.0])
    levels = ("a", "b", "c")
    data = {"y": np.array(levels)[codes.astype(int)], "w": weights}
    fit = kl.fit(Categorical(), data, "y", weights="w")
    assert fit.params["probabilities"].tolist() == [0.2, 0.5, 0.3]
    logits = kl.fit(Categorical(logits=Free()), data, "y", weights="w")
    np.testing.assert_allclose(logits.params["logits"], np.log([2 / 3, 5 / 3, 1]), rtol=1e-15)
    with pytest.raises(ModelError, match="by logits: the class 'b' had weight 0 in all rows"):
        kl.fit(Categorical(logits=Free()), data, "y", weights=np.array([2.0, 0.0, 3.0]))
    with pytest.raises(ModelError, match="the classes 'b', 'c' had weight 0"):
        kl.fit(Categorical(logits=Free(), levels=levels), ["a", "a"])


def test_derivatives_of_the_two_parametrisations():
    with float64():
        x = jnp.arange(3, dtype=jnp.float64)
        for model, name, vector in [
            (Categorical(probabilities=[0.2, 0.3, 0.5]), "probabilities", [0.2, 0.3, 0.5]),
            (Categorical(logits=[1.0, -2.0, 0.0]), "logits", [1.0, -800.0, 0.0]),
        ]:

            def rows(v, model=model, name=name):
                return model.row_log_density_inside(x, {name: v})

            at = jnp.array(vector)
            both = jax.jit(lambda v, f=rows: (jax.jacfwd(f)(v), jax.hessian(f)(v)))
            score, curvature = map(np.asarray, both(at))
            eye = np.eye(3)
            if name == "probabilities":
                np.testing.assert_allclose(score, eye / vector, rtol=1e-15)
                exact = -np.einsum("ij,jk->ijk", eye, np.diag(np.array(vector) ** -2.0))
            else:
                p = special.softmax(vector)
                np.testing.assert_allclose(score, eye - p, atol=1e-15)
                exact = np.broadcast_to(np.outer(p, p) - np.diag(p), (3, 3, 3))
            np.testing.assert_allclose(curvature, exact, rtol=1e-14, atol=1e-15)


def test_rows_may_have_their_own_parameters():
    with float64():
        logits = jnp.array([[0.0, 1.0], [3.0, -1.0]])
        x = jnp.array([1.0, 0.0])
        model = Categorical(logits=[0.0, 0.0])
        got = model.row_log_density(x, {"logits": logits})
        np.testing.assert_allclose(got, [-np.log1p(np.exp(-1.0)), -np.log1p(np.exp(-4.0))], 1e-14)
        u = jnp.array([0.2, 0.999])
        assert model.row_quantile(u, {"logits": logits}).tolist() == [0.0, 1.0]


def test_logits_support_has_the_last_at_zero():
    support = Logits(3)
    u = np.array([0.5, -1.0])
    assert support.constrained(u).tolist() == [0.5, -1.0, 0.0]
    assert support.unconstrained(np.array([1.5, 0.0, 1.0])).tolist() == [0.5, -1.0]
    assert support.jacobian(u).tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    assert support.curvature(u, np.ones(3)).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert support.contains(np.array([1.0, -9.0, 2.0]))
    assert not support.contains(np.array([1.0, np.inf, 2.0]))
    assert support.phrase("logits") == "logits: 3 finite numbers"


def test_one_class_is_refused():
    with pytest.raises(ModelError, match="needs at least two levels, each once, got 'only'"):
        Categorical().bind(labelled("only"))
    with pytest.raises(ModelError, match="at least two classes"):
        Categorical(probabilities=[1.0])


def test_a_fit_has_the_errors_of_a_multinomial():
    counts = np.array([7, 2, 40, 11])
    n, p = counts.sum(), counts / counts.sum()
    x = np.repeat(np.array(["a", "b", "c", "d"]), counts)
    fit = kl.fit(Categorical(), x)
    # SciPy's covariance of multinomial counts, over n²
    expected = stats.multinomial(n, p).cov() / n**2
    for kind in ("observed", "expected", "sandwich"):
        np.testing.assert_allclose(fit.covariance(kind), expected, rtol=1e-14)
    np.testing.assert_allclose(fit.stderr["probabilities"], np.sqrt(p * (1 - p) / n), rtol=1e-14)
    assert fit.log_likelihood == pytest.approx(np.sum(counts * np.log(p)), rel=1e-15)
    # logits against the last: the delta method, with the derivatives of log p_k − log p_K
    logits = kl.fit(Categorical(logits=Free()), x)
    jacobian = np.diag(1 / p) - np.outer(np.ones(4), np.eye(4)[3] / p)
    by_delta = jacobian @ expected @ jacobian.T
    np.testing.assert_allclose(logits.covariance(), by_delta, rtol=1e-13, atol=1e-16)
    # NumPy's eigenvalues of the Hessian diag(p) − p p' in these logits, scaled to a unit diagonal
    hessian = (np.diag(p) - np.outer(p, p))[:3, :3]
    scale = np.sqrt(np.diag(hessian))
    least = np.linalg.eigvalsh(hessian / np.outer(scale, scale))[0]
    assert fit.convergence.smallest_eigenvalue == pytest.approx(least, rel=1e-13)
    # Takeuchi's k: three free shares, whatever they are
    assert fit.decomposition().lines[2].value == pytest.approx(fit.cross_entropy + 3 / n, rel=1e-15)


def test_a_hundred_thousand_classes_are_fitted_without_a_dense_covariance():
    classes = 100_000
    x = np.concatenate([np.arange(classes), np.arange(0, classes, 3)])
    counts = np.bincount(x)
    p = counts / x.size
    fit = kl.fit(Categorical(), x)
    np.testing.assert_array_equal(fit.params["probabilities"], p)
    np.testing.assert_allclose(
        fit.stderr["probabilities"], np.sqrt(p * (1 - p) / x.size), rtol=1e-14
    )
    assert fit.log_likelihood == pytest.approx(np.sum(counts * np.log(p)), rel=1e-12)
    assert fit.parameter_count == classes - 1
    assert "99,995 more" in str(fit.summary())
    with pytest.raises(kl.KullbackError, match="covariance of 100,000 classes would take 80 GB"):
        fit.covariance()


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.0]], ids=["not in the data", "weight 0"])
def test_the_estimate_of_an_unseen_class_is_zero(weights, tmp_path):
    x = ["b", "c", "c"] if weights is None else ["b", "c", "a"]
    data = {"y": x} if weights is None else {"y": x, "w": weights}
    named = None if weights is None else "w"
    fit = kl.fit(Categorical(levels=["a", "b", "c"]), data, "y", weights=named)
    assert fit.convergence.converged
    assert fit.params["probabilities"].tolist() == [0.0, 1 / 3, 2 / 3]
    # √(p (1 − p)/n) = √(2/27); a bound has no error
    np.testing.assert_allclose(fit.stderr["probabilities"], [np.nan, *[(2 / 27) ** 0.5] * 2])
    assert fit.convergence.bounds == ("probabilities['a'] = 0, its lower bound",)
    assert fit.log_likelihood == pytest.approx(np.log(4 / 27), rel=1e-14)
    fit.save(tmp_path / "fit.json")
    again = kl.load(tmp_path / "fit.json")
    np.testing.assert_array_equal(again.params["probabilities"], [0.0, 1 / 3, 2 / 3])
    assert str(again.summary()) == str(fit.summary())


def test_levels_set_the_codes_of_the_data(tmp_path):
    x = ["a", "a", "b"]
    fit = kl.fit(Categorical(levels=["c", "b", "a"]), x)
    assert fit.params["probabilities"].tolist() == [0.0, 1 / 3, 2 / 3]
    numbers = kl.fit(Categorical(levels=[3, 1, 2]), [1.0, 2.0, 2.0, 3.0])
    assert numbers.params["probabilities"].tolist() == [0.25, 0.25, 0.5]
    # fixed probabilities: by hand, −(2 log 0.5 + log 0.3)/3
    fixed = Categorical(probabilities=[0.2, 0.3, 0.5], levels=["c", "b", "a"])
    expected = -(2 * np.log(0.5) + np.log(0.3)) / 3
    assert kl.fit(fixed, x).cross_entropy == pytest.approx(expected, rel=1e-15)
    assert float(kl.estimate_cross_entropy(fixed, x)) == pytest.approx(expected, rel=1e-15)
    path = tmp_path / "labels.csv"
    path.write_text("y\n" + "\n".join(x) + "\n")
    streamed = kl.fit(Categorical(levels=["c", "b", "a"]), path, engine=kl.StreamingEngine)
    assert streamed.params["probabilities"].tolist() == [0.0, 1 / 3, 2 / 3]
    network = kl.Categorical(logits=kl.MLP((4,), members=1), levels=["c", "b", "a"])
    trained = kl.fit(network, np.arange(3.0)[:, None], np.array(x), solver=kl.Minibatch(epochs=2))
    assert trained.classes_ == ("c", "b", "a")
    with pytest.raises(ModelError, match=r"has the levels 'c', 'b', 'a'.* have 'a', 'd'"):
        kl.fit(Categorical(levels=["c", "b", "a"]), ["a", "d"])
