"""A fit's problem: fitting again gives the same bits, points of a profile, and no hidden data.

Expected values are those of ``kl.fit`` itself to the last bit, and of SciPy's minimisers over an
independent likelihood for points of a profile.
"""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import kullback as kl
from kullback._core.domains import Reals
from kullback._core.errors import DataError, KullbackError, ModelError
from kullback._core.held import Held
from kullback.models.linear import Linear
from kullback.results.by_parameter import flat
from kullback.results.problem import FitProblem, problem_of

RANDOM = np.random.default_rng(17)
X = RANDOM.gamma(2.5, 3.0, 400)
AGE = RANDOM.normal(size=400)
COUNTS = RANDOM.negative_binomial(3, 0.3, 400).astype(float)
MANY = RANDOM.weibull(1.7, 70_000)
WEIGHTS = RANDOM.poisson(1.0, 400).astype(float)


def parquet(folder, **columns):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "rows.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=150)
    return str(path)


# one for each way to a fit: a closed form, moments, a table, passes with a subsample, order
# statistics, a bound, labels, weights, linear sources, a unit 2^k
CASES = {
    "closed form": lambda: (kl.Exponential(), X),
    "moments": lambda: (kl.Gamma(), X),
    "table": lambda: (kl.NegativeBinomial(), COUNTS),
    "passes": lambda: (kl.StudentT(), X),
    "subsample": lambda: (kl.Weibull(), MANY),
    "minimum": lambda: (kl.Pareto(), X),
    "median": lambda: (kl.Laplace(), X),
    "on a bound": lambda: (kl.Weibull(shape=kl.Param(upper=1.0)), X),
    "labels": lambda: (kl.Categorical(), list("abca")),
    "weights": lambda: (kl.Weibull(), {"x": X, "w": WEIGHTS}, "x", "w"),
    "linear": lambda: (kl.Weibull(scale=Linear(("age",))), {"x": X, "age": AGE}, "x"),
    "small": lambda: (kl.StudentT(), (X - 7.0) * 1e-250),
    "large": lambda: (kl.Gamma(), X * 1e200),
    "all fixed": lambda: (kl.Gamma(shape=2.5, rate=0.3), X),
    "no maximum": lambda: (kl.NegativeBinomial(), [2.0, 3.0, 2.0, 3.0]),
}


def fit_case(case, **options):
    model, data, *rest = CASES[case]()
    y, weights = [*rest, None, None][:2]
    return kl.fit(model, data, y, weights=weights, **options)


@pytest.mark.parametrize("engine", [kl.LocalEngine, kl.StreamingEngine])
@pytest.mark.parametrize("case", CASES)
def test_fitting_again_gives_the_same_bits(case, engine):
    fit = fit_case(case, engine=engine)
    assert isinstance(fit.problem, FitProblem)
    again = fit.problem.refit()
    assert again == fit  # every number that save writes
    assert again.problem.refit() == fit


def test_fitting_a_file_again_gives_the_same_bits(tmp_path):
    path = parquet(tmp_path, x=X, w=WEIGHTS)
    for engine in (None, kl.StreamingEngine):
        fit = kl.fit(kl.Gamma(), path, "x", weights="w", engine=engine)
        assert fit.problem.refit() == fit
        plain = kl.fit(kl.Gamma(), path, "x", engine=engine)
        assert plain.problem.refit(weights=WEIGHTS) == fit
        assert plain.problem.rows == fit.problem.rows == 400


@pytest.mark.parametrize(
    "case", [c for c in CASES if c not in ("labels", "subsample", "no maximum")]
)
def test_other_weights_give_the_bits_of_a_fit_with_them(case):
    model, data, *rest = CASES[case]()
    y = rest[0] if rest else None
    fit = kl.fit(model, data, y).problem.refit(weights=WEIGHTS)
    assert fit == kl.fit(model, data, y, weights=WEIGHTS)
    plain = kl.fit(model, data, y)
    assert fit.problem.refit(weights=np.ones(400)).cross_entropy == plain.cross_entropy


def test_weights_go_by_the_rows_of_the_data_where_some_were_dropped():
    x = np.where(np.arange(400) % 7 == 3, np.nan, X)
    fit = kl.fit(kl.Weibull(), x, missing="drop")
    assert fit.problem.rows == 400
    again = fit.problem.refit(weights=WEIGHTS)
    assert again == kl.fit(kl.Weibull(), x, weights=WEIGHTS, missing="drop")


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(399), "has 399 numbers and the data have at least 400 rows: give a weight for"),
        (np.ones(401), "has 401 numbers and the data have 400 rows: give a weight for every row"),
        (-np.ones(400), "400 negative values in the weight array"),
        (np.zeros(400), "all values in the weight array are zero"),
        (np.full(400, np.nan), "400 missing values in the weight array"),
        (["one"] * 400, "the weight array"),
    ],
)
def test_wrong_weights_are_refused(weights, message):
    fit = kl.fit(kl.Gamma(), X)
    with pytest.raises(DataError, match=message):
        fit.problem.refit(weights=weights)


# ---- points of a profile -----------------------------------------------------------------------


def test_a_profile_of_a_gamma_shape_is_that_of_scipy():
    fit = kl.fit(kl.Gamma(), X)
    shapes = fit.params["shape"] * np.linspace(0.7, 1.4, 9)
    roots = []
    for shape in shapes:
        point = fit.problem.refit(fixed={"shape": shape})

        def loss(log_scale, shape=shape):
            return -np.mean(scipy.stats.gamma(shape, scale=np.exp(log_scale)).logpdf(X))

        least = scipy.optimize.minimize_scalar(loss, bracket=(0.5, 2.0), tol=1e-10)
        assert point.params["shape"] == shape
        assert point.convergence.converged
        assert point.cross_entropy == pytest.approx(least.fun, rel=1e-13)
        # a minimiser of values finds the place to the square root of their precision
        assert np.log(point.params["rate"]) == pytest.approx(-least.x, abs=1e-7)
        rise = 2.0 * fit.n * (point.cross_entropy - fit.cross_entropy)
        assert rise == pytest.approx(2.0 * 400 * (least.fun - fit.cross_entropy), abs=1e-9)
        roots.append(np.sign(shape - fit.params["shape"]) * np.sqrt(max(rise, 0.0)))
    # the signed root is nearly linear: it is that of the asymptotic distribution, a normal one
    assert np.all(np.diff(roots) > 0.0)
    slope = np.gradient(roots, np.log(shapes))[4] * fit.stderr["shape"] / fit.params["shape"]
    assert slope == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize(
    ("case", "fixed", "model"),
    [
        ("passes", {"df": 7.0}, kl.StudentT(df=7.0)),
        ("passes", {"df": 7.0, "scale": 4.0}, kl.StudentT(df=7.0, scale=4.0)),
        ("table", {"size": 2.0}, kl.NegativeBinomial(size=2.0)),
        ("subsample", {"shape": 1.6}, kl.Weibull(shape=1.6)),
        ("minimum", {"shape": 0.5}, kl.Pareto(shape=0.5)),
        ("median", {"scale": 4.0}, kl.Laplace(scale=4.0)),
        ("small", {"scale": 3e-250}, kl.StudentT(scale=3e-250)),
        ("large", {"rate": 0.3e-200}, kl.Gamma(rate=0.3e-200)),
        ("linear", {"shape": 1.5}, kl.Weibull(shape=1.5, scale=Linear(("age",)))),
    ],
)
def test_a_fit_with_fixed_numbers_is_that_of_the_model_with_them(case, fixed, model):
    fit = fit_case(case)
    point = fit.problem.refit(fixed=fixed)
    expected = kl.fit(model, *CASES[case]()[1:])
    assert point.convergence.converged
    # the searches begin at different points and end within the rounding of the sums
    assert point.cross_entropy == pytest.approx(expected.cross_entropy, rel=1e-12)
    for name, value in expected.params.items():
        assert point.params[name] == pytest.approx(value, rel=1e-7)
        assert point.stderr[name] == pytest.approx(expected.stderr[name], rel=1e-5, nan_ok=True)
    assert point.names == expected.names
    assert repr(point.form) == repr(expected.form) or fit.power


def test_one_coefficient_of_several_is_held(tmp_path):
    columns = {"x": np.log(X), "age": AGE, "size": np.sin(np.arange(400.0))}
    fit = kl.fit(kl.Normal(loc=Linear(("age", "size"))), columns, "x")
    point = fit.problem.refit(fixed={"loc[age]": 0.1, "scale": 0.7})
    # least squares of what is left, in NumPy
    design = np.stack([np.ones(400), columns["size"]], axis=1)
    rest = np.linalg.lstsq(design, columns["x"] - 0.1 * AGE, rcond=None)[0]
    assert flat(point.params["loc"]) == pytest.approx([rest[0], 0.1, rest[1]], rel=1e-10)
    assert point.params["scale"] == 0.7
    errors = 0.7 * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    assert flat(point.stderr["loc"]) == pytest.approx([errors[0], 0.0, errors[1]], rel=1e-9)
    assert point.parameter_count == 2
    both = point.problem.refit(fixed={"loc[size]": -0.05})
    assert flat(both.params["loc"])[1:].tolist() == [0.1, -0.05]
    with pytest.raises(ModelError, match="coefficients of loc held fixed cannot be saved"):
        both.save(tmp_path / "fit.json")
    every = dict(zip(fit.names, [0.3, 0.1, -0.05, 0.7], strict=True))
    fixed = fit.problem.refit(fixed=every)
    assert fixed.parameter_count == 0
    residuals = columns["x"] - 0.3 - 0.1 * AGE + 0.05 * columns["size"]
    expected = -scipy.stats.norm(0.0, 0.7).logpdf(residuals).mean()
    assert fixed.cross_entropy == pytest.approx(expected, rel=1e-13)
    assert fit.problem.cross_entropy(every) == pytest.approx(expected, rel=1e-13)


def test_the_cross_entropy_anywhere():
    fit = kl.fit(kl.StudentT(), X)
    at = {"df": 3.0, "loc": 6.0}
    expected = -scipy.stats.t(3.0, 6.0, fit.params["scale"]).logpdf(X).mean()
    assert fit.problem.cross_entropy(at) == pytest.approx(expected, rel=1e-13)
    assert fit.problem.cross_entropy() == pytest.approx(fit.cross_entropy, rel=1e-13)
    tail = kl.fit(kl.GeneralizedPareto(), X)
    assert tail.problem.cross_entropy({"shape": -2.0, "scale": 1.0}) == np.inf  # X < 1/2


def test_a_start_of_the_users():
    fit = kl.fit(kl.Weibull(), X)
    again = fit.problem.refit(start={"shape": 3.0})
    assert again.params["shape"] == pytest.approx(fit.params["shape"], rel=1e-12)


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"shap": 2.0}, "no free number 'shap'; did you mean \"shape\".* It has shape, rate"),
        ({"shape": -2.0}, "shape = -2.0 lies outside its domain: needs shape > 0"),
        ({"rate": np.nan}, "rate = nan lies outside its domain"),
    ],
)
def test_wrong_numbers_are_refused(fixed, message):
    problem = kl.fit(kl.Gamma(), X).problem
    with pytest.raises(ModelError, match=message):
        problem.refit(fixed=fixed)
    with pytest.raises(ModelError, match=message):
        problem.cross_entropy(fixed)


def test_the_shares_of_classes_are_not_held_one_by_one():
    fit = kl.fit(kl.Categorical(), list("abca"))
    with pytest.raises(ModelError, match=r"one of the 3 numbers of probabilities"):
        fit.problem.refit(fixed={"probabilities[0]": 0.5})


def test_rows_that_changed_since_the_fit_are_refused():
    for model in (kl.Gamma(), kl.StudentT()):
        x = X.copy()
        fit = kl.fit(model, x)
        x[0] += 1.0
        with pytest.raises(DataError, match="y has changed since the fit"):
            fit.problem.refit(fixed={fit.names[0]: 2.0})


def test_held_numbers_have_the_derivatives_of_the_others():
    domain = Held(Reals(3), (None, 2.0, None))
    u = np.array([5.0, 7.0])
    assert domain.constrained(u).tolist() == [5.0, 2.0, 7.0]
    assert domain.unconstrained(np.array([5.0, 2.0, 7.0])).tolist() == [5.0, 7.0]
    assert domain.jacobian(u).tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]
    assert domain.curvature(u, np.ones(3)).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert (domain.size, domain.n_free, domain.bounded) == (3, 2, False)


# ---- the data are held by the problem alone ----------------------------------------------------


def freed(case, release):
    """Whether an array of a fit's rows can be freed once its user drops it."""
    model, data, *rest = CASES[case]()
    if isinstance(data, dict):
        data = {name: column.copy() for name, column in data.items()}
        held = data[rest[0]]
    else:
        data = held = np.array(data)
    y, weights = [*rest, None, None][:2]
    fit = release(kl.fit, model, data, y, weights)
    reference = weakref.ref(held)
    del data, held
    gc.collect()
    return fit, reference() is None


@pytest.mark.parametrize(
    "case", ["moments", "passes", "subsample", "weights", "linear", "small", "on a bound"]
)
def test_without_data_the_rows_are_freed(case):
    def forgetful(fit, model, data, y, weights):
        return fit(model, data, y, weights=weights, keep_data=False)

    def with_data(fit, model, data, y, weights):
        return fit(model, data, y, weights=weights)

    def copied(fit, model, data, y, weights):
        return copy.copy(with_data(fit, model, data, y, weights))

    fit, free = freed(case, with_data)
    assert not free
    for release in (forgetful, copied):
        other, free = freed(case, release)
        assert free
        assert other.problem is None
        assert other == fit
        assert other.covariance("sandwich").tolist() == fit.covariance("sandwich").tolist()
        assert other.decomposition() == fit.decomposition()


def test_a_fit_of_lazy_sums_without_data_frees_the_rows():
    # of more than a million rows the second moments wait until they are needed
    x = np.random.default_rng(0).gamma(2.0, 1.0, 1_100_000)
    fit = kl.fit(kl.Gamma(), x, keep_data=False)
    reference = weakref.ref(x)
    del x
    gc.collect()
    assert reference() is None
    assert np.isfinite(fit.covariance("sandwich")).all()


def test_a_loaded_or_copied_fit_has_no_rows(tmp_path):
    fit = kl.fit(kl.Gamma(), MANY)
    fit.save(tmp_path / "fit.json")
    pickled = pickle.dumps(fit)
    assert len(pickled) < 10_000  # 70,000 rows take 560,000
    copies = [kl.load(tmp_path / "fit.json"), pickle.loads(pickled), copy.copy(fit),
              copy.deepcopy(fit), fit.without_data()]  # fmt: skip
    for other in copies:
        assert other.problem is None
        assert other == fit
        with pytest.raises(KullbackError, match=r"needs the rows.*Fit the model again") as caught:
            problem_of(other, "a profile")
        assert caught.value.reason == "no data"
    assert fit.problem is not None


def test_a_problem_refers_to_the_users_array():
    fit = kl.fit(kl.Weibull(), MANY)
    (chunk,) = fit.problem.sample.chunks()
    assert np.shares_memory(chunk.fields["y"], MANY)
