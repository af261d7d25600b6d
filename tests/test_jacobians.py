"""Jacobians, Hessians and products with them, against finite differences and closed forms."""

import math
import warnings

import numpy as np
import pytest
from numba import njit

import zyg

X = np.array([1.0, 2.0, -0.5, 0.3, 1.5, 0.7])


def differences(f, x, size=1e-6):
    """The Jacobian by central differences, of shape y.shape + x.shape."""
    columns = []
    for k in range(x.size):
        e = np.zeros(x.size)
        e[k] = size
        e = e.reshape(x.shape)
        columns.append((np.asarray(f(x + e)) - np.asarray(f(x - e))) / (2 * size))
    return np.stack(columns, axis=-1).reshape(np.shape(f(x)) + x.shape)


def elementwise(x):
    return np.sin(x[:3]) * x[3:] ** 2


def written(x):
    y = np.zeros(4)
    for i in range(len(x)):
        y[i % 4] += x[i] * x[(i + 1) % len(x)]
    y[0] = y[1] * y[0]
    return y


def outer(x):
    return np.outer(x, x[:2])


def long(x):
    return np.tanh(np.sum(x) * np.arange(9.0)) + x[0]


@pytest.mark.parametrize("f", [elementwise, written, outer, long], ids=lambda f: f.__name__)
@pytest.mark.parametrize("make", [zyg.jacobian, zyg.jacfwd, zyg.jacrev], ids=lambda f: f.__name__)
def test_of_arrays(f, make):
    found = make(f)(X)
    assert found.shape == f(X).shape + X.shape
    np.testing.assert_allclose(found, differences(f, X), rtol=1e-6, atol=1e-7)


def pair(x):
    a, b = math.sin(x[0] * x[1]), x[2] * x[2]
    return np.array([a * b, a + b])


def test_the_forward_sweep_of_a_few_rows_runs_once():
    x = X[:3]
    np.testing.assert_allclose(zyg.jacrev(pair)(x), differences(pair, x), atol=1e-8)
    assert zyg.inspect_adjoint(zyg.jacrev(pair), x).count("= sin(") == 1


def test_rows_are_what_hooks_make_of_cotangents():
    """A hook need not be linear, so that each row is a pullback of its own."""

    def hooked(x):
        return zyg.hook(lambda d: d * d + 1.0, x[:2] * 3.0) * x[1:]

    back = zyg.pullback(hooked, X[:3])[1]
    np.testing.assert_allclose(zyg.jacrev(hooked)(X[:3]), [back(row)[0] for row in np.eye(2)])


@pytest.mark.parametrize("make", [zyg.jacobian, zyg.jacfwd, zyg.jacrev], ids=lambda f: f.__name__)
def test_of_matrices_numbers_and_nothing(make):
    x = X.reshape(2, 3)
    np.testing.assert_allclose(make(lambda x: x @ x.T)(x), differences(lambda x: x @ x.T, x), atol=1e-7)
    np.testing.assert_allclose(make(lambda x: np.sum(x**3))(x), 3 * x**2)
    np.testing.assert_allclose(make(lambda t: np.array([t, t * t]))(3.0), [1.0, 6.0])
    assert make(math.sin)(0.5) == math.cos(0.5)
    assert make(lambda x: x * 2)(np.zeros(0)).shape == (0, 0)
    assert make(lambda x: np.zeros(3))(X).tolist() == np.zeros((3, 6)).tolist()
    np.testing.assert_allclose(make(lambda x: x * 1.5)(np.array([1, 2])), 1.5 * np.eye(2))
    assert make(lambda x: x * 1.5)(np.ones(2, np.float32)).dtype == np.float32


def test_of_tuples_and_several_arguments():
    f = lambda x, y, k=2: (x * y**k, x[0])  # noqa: E731
    (first, second) = zyg.jacobian(f, (0, 1))(X, 3.0)
    np.testing.assert_allclose(first[0], 9 * np.eye(6))
    np.testing.assert_allclose(first[1], 6 * X)
    np.testing.assert_allclose(second[0], np.eye(6)[0])
    assert second[1] == 0.0
    np.testing.assert_allclose(zyg.jacobian(f, -1)(X, 3.0)[0], 6 * X)


MODES = pytest.mark.parametrize("make", [zyg.jacobian, zyg.jacfwd, zyg.jacrev], ids=lambda f: f.__name__)

LAYOUTS = [
    np.arange(1.0, 8.0),
    np.arange(14.0)[::2],
    np.arange(20.0)[3:9],
    np.arange(9.0).reshape(3, 3),
    np.arange(12.0).reshape(3, 4).T,
]


@pytest.mark.parametrize("x", LAYOUTS, ids=str)
@MODES
def test_functions_that_give_their_argument(make, x):
    unit = np.eye(x.size).reshape(x.shape + x.shape)
    for f, expected in ((lambda x: x, unit), (lambda x: x[::-1], unit[::-1]), (lambda x: 2.0 * x, 2.0 * unit)):
        np.testing.assert_array_equal(make(f)(x), expected)


@pytest.mark.parametrize("x", LAYOUTS[:3], ids=str)
@MODES
def test_functions_that_write_into_their_argument(make, x):
    def squared(x):
        x[0] = x[1] * x[1]
        return x

    expected = np.eye(x.size)
    expected[0, 0], expected[0, 1] = 0.0, 2.0 * x[1]
    np.testing.assert_array_equal(make(squared)(x.copy()), expected)
    first, second = make(lambda x, y: squared(x) * y[0], (0, 1))(x.copy(), x + 1.0)
    np.testing.assert_array_equal(first, expected * (x[0] + 1.0))
    np.testing.assert_array_equal(second[:, 1:], 0.0)


@pytest.mark.parametrize("x", LAYOUTS[:3], ids=str)
@MODES
def test_of_several_arguments_at_once(make, x):
    def few(a, b, s):
        return np.array([np.sum(a) * s, b[1] * a[0]])

    by_b, by_s, by_a = make(few, (1, 2, 0))(x, x + 1.0, 1.5)
    zero, first, second = np.zeros(x.size), np.eye(x.size)[0], np.eye(x.size)[1]
    np.testing.assert_allclose(by_a, [zero + 1.5, (x[1] + 1.0) * first])
    np.testing.assert_allclose(by_b, [zero, x[0] * second])
    np.testing.assert_allclose(by_s, [np.sum(x), 0.0])
    one, other = make(few, (0, 0))(x, x + 1.0, 1.5)
    np.testing.assert_allclose(one, by_a)
    np.testing.assert_allclose(other, by_a)
    assert not np.shares_memory(one, other)
    of_ints, of_floats = make(lambda a, b: a * b, (0, 1))(np.arange(x.size), x)
    np.testing.assert_allclose(of_ints, np.diag(x))
    np.testing.assert_allclose(of_floats, np.diag(np.arange(x.size)))
    short = make(lambda a, b: a * np.sum(b), (0, 1))(x.astype(np.float32), x.astype(np.float32))
    assert [part.dtype for part in short] == [np.float32, np.float32]


@MODES
def test_of_results_with_parts(make):
    def parts(x, t):
        return x * t, np.sum(x * x), np.outer(x[:2], x), t * t, np.zeros(2)

    found = make(parts, (0, 1))(X, 1.5)
    for number, (by_x, by_t) in enumerate(found):
        np.testing.assert_allclose(by_x, differences(lambda x, n=number: parts(x, 1.5)[n], X), atol=1e-7)
        by_differences = differences(lambda t, n=number: parts(X, t[0])[n], np.array([1.5]))
        np.testing.assert_allclose(by_t, by_differences[..., 0], atol=1e-7)
    alone = make(parts)(X, 1.5)
    for one, (by_x, _) in zip(alone, found, strict=True):
        np.testing.assert_array_equal(one, by_x)


def test_hessians_by_numbers_matrices_and_arrays_that_lie_apart():
    def energy(t, A, x):
        return t * t * np.sum(A @ x) + np.sum(A * A) * x[0] + t * np.sum(x**3)

    x = np.arange(8.0)[::2]
    A = X.reshape(3, 2) @ np.ones((2, 4)) * np.arange(1.0, 5.0)
    found = zyg.hessian(energy, (0, 1, 2))(1.5, A, x)
    for i, row in enumerate(found):
        gradient = zyg.grad(energy, i)
        np.testing.assert_allclose(row[1], differences(lambda A, g=gradient: g(1.5, A, x), A), atol=1e-5, rtol=1e-6)
        np.testing.assert_allclose(row[2], differences(lambda x, g=gradient: g(1.5, A, x), x), atol=1e-5, rtol=1e-6)
        by_t = differences(lambda t, g=gradient: g(t[0], A, x), np.array([1.5]))
        np.testing.assert_allclose(row[0], by_t[..., 0], atol=1e-5, rtol=1e-6)


def bent(x):
    total = 0.0
    for i in range(x.size - 1):
        total += np.sin(x[i]) * x[i + 1] ** 2
    return total


def in_place(x):
    x[0] = x[1] * x[2]
    return np.sum(x**3)


@pytest.mark.parametrize("f", [bent, in_place], ids=lambda f: f.__name__)
def test_products_with_vectors_that_lie_anywhere(f):
    room = np.random.default_rng(3).normal(size=20)
    for x in (room[:6], room[2:8], room[:12:2], room[:6].astype(np.float32), room[:6].copy()):
        hessian = zyg.hessian(f)(x.copy())
        for v in (
            room[6:12],
            room[:6].copy(),
            room[8:20:2],
            np.ones(6),
            np.ones(6, np.float32),
            np.arange(6),
            room[14:],
        ):
            given, before = x.copy(), v.copy()
            product = zyg.hvp(f)(given, v)
            np.testing.assert_allclose(product, hessian @ v, rtol=1e-4 if x.dtype == np.float32 else 1e-12, atol=1e-6)
            np.testing.assert_array_equal(v, before)
            assert product.dtype == x.dtype and not np.shares_memory(product, v)
    x = room[:6]
    np.testing.assert_allclose(zyg.hvp(bent)(x, x), zyg.hessian(bent)(x) @ x)
    with pytest.raises(ValueError, match="dimension 5"):
        zyg.hvp(f)(x, x[:5].copy())


def test_derivatives_of_products_with_vectors():
    x, v, w = np.random.default_rng(4).normal(size=(3, 6))

    def paired(x, v):
        return np.sum(zyg.hvp(bent)(x, v) * w)

    by_x, by_v = zyg.grad(paired, (0, 1))(x, v)
    np.testing.assert_allclose(by_v, zyg.hessian(bent)(x) @ w)
    third = zyg.jacfwd(zyg.hessian(bent))(x)
    np.testing.assert_allclose(by_x, np.einsum("ijk,i,j->k", third, w, v))
    np.testing.assert_allclose(zyg.jvp(lambda v: zyg.hvp(bent)(x, v), (v,), (w,))[1], zyg.hessian(bent)(x) @ w)
    by_both = zyg.grad(lambda x: np.sum(zyg.hvp(bent)(x, x) * w))(x)
    expected = np.einsum("ijk,i,j->k", third, w, x) + zyg.hessian(bent)(x) @ w
    np.testing.assert_allclose(by_both, expected)

    @njit
    def compiled(x, room):
        return zyg.hvp(bent)(x, room[:6]), zyg.hvp(bent)(room[3:9], x), zyg.hvp(bent)(x, room[::2])

    room = np.arange(12.0)
    for found, at, along in zip(compiled(x, room), (x, room[3:9], x), (room[:6], x, room[::2]), strict=True):
        np.testing.assert_allclose(found, zyg.hessian(bent)(at) @ along)


@MODES
def test_derivatives_of_jacobians(make):
    def few(x):
        return np.array([np.sum(x) ** 3, x[1] * x[0]])

    expected = np.full((2, 6, 6), 6.0 * np.sum(X))
    expected[1] = 0.0
    expected[1, 0, 1] = expected[1, 1, 0] = 1.0
    np.testing.assert_allclose(zyg.jacfwd(make(few))(X), expected)
    np.testing.assert_allclose(zyg.jacrev(make(few))(X), expected)


def test_what_is_refused():
    with pytest.raises(TypeError, match=r"complex.*\n.*test_jacobians.py(?s:.*)zyg.jvp"):
        zyg.jacobian(lambda x: x * 1j)(X)
    with pytest.raises(TypeError, match="argument 0 is a string"):
        zyg.jacfwd(lambda x: 1.0)("a")
    with pytest.raises(ValueError, match="argnums 2 is out of range"):
        zyg.jacobian(lambda x: x, 2)(X)


def valley(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def loops(x):
    s = 0.0
    for i in range(len(x)):
        if x[i] > 0:
            s += x[i] ** 3 * x[0]
        else:
            s *= math.exp(x[i])
    return s


@pytest.mark.parametrize("f", [valley, loops], ids=lambda f: f.__name__)
def test_hessians(f):
    hessian = zyg.hessian(f)(X)
    np.testing.assert_allclose(hessian, differences(zyg.grad(f), X), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-12)
    v = np.arange(6.0)
    np.testing.assert_allclose(zyg.hvp(f)(X, v), hessian @ v, atol=1e-10)
    np.testing.assert_allclose(zyg.diaghessian(f)(X), np.diag(hessian), atol=1e-10)


def test_hessians_of_several_arguments():
    f = lambda x, y: np.sum(x**3) * y + y**4  # noqa: E731
    (xx, xy), (yx, yy) = zyg.hessian(f, (0, 1))(X, 2.0)
    np.testing.assert_allclose(xx, np.diag(12 * X))
    np.testing.assert_allclose(xy, 3 * X**2)
    np.testing.assert_allclose(yx, 3 * X**2)
    assert yy == 48.0
    hx, hy = zyg.hvp(f, (0, 1))(X, 2.0, (X, 0.5))
    np.testing.assert_allclose(hx, 12 * X**2 + 1.5 * X**2)
    assert hy == pytest.approx(np.sum(3 * X**3) + 24.0)
    np.testing.assert_allclose(zyg.hvp(f)(X, 2.0, X), 12 * X**2)
    assert zyg.hessian(lambda t: t**3)(2.0) == 12.0
    assert zyg.hvp(lambda t, u: t**3 * u, 1)(2.0, 1.0, 1.0) == 0.0


def test_derivatives_of_hessians_and_perturbation_confusion():
    third = zyg.grad(lambda x: np.sum(zyg.hessian(lambda y: np.sum(y**4))(x)))
    np.testing.assert_allclose(third(X), 24 * X)
    assert zyg.grad(lambda x: x * zyg.jacfwd(lambda y: x + y)(1.0))(2.0) == 1.0
    assert zyg.jacfwd(lambda x: x * zyg.jacfwd(lambda y: x * y)(3.0))(2.0) == 4.0
    inner = zyg.jacfwd(lambda x: np.sum(zyg.grad(lambda y: np.sum(x * y**2))(x)))
    np.testing.assert_allclose(inner(X), 4 * X)


def test_arguments_that_are_expressions_of_arrays():
    cubes = lambda y: np.sum(y**3)  # noqa: E731
    np.testing.assert_allclose(zyg.grad(lambda x: np.sum(zyg.grad(cubes)(x * 2)))(X), 24 * X)
    along = zyg.grad(lambda x: zyg.jvp(cubes, (x * 2,), (x * 3,))[1])
    np.testing.assert_allclose(along(X), 108 * X**2)
    np.testing.assert_allclose(zyg.grad(lambda x: np.sum(x * zyg.stop_gradient(x)))(X), X)
    np.testing.assert_allclose(zyg.grad(lambda x: np.sum(x * zyg.ignore(lambda: x * 2)))(X), 2 * X)
    np.testing.assert_allclose(zyg.grad(lambda x: np.sum(x * zyg.nograd(np.cumsum)(x)))(X), np.cumsum(X))


def test_inside_njit():
    jacobian = zyg.jacobian(lambda a, b: (a * b, a + b), (0, 1))

    @njit
    def total(n):
        s = 0.0
        for i in range(n):
            (p, q), (r, t) = jacobian(float(i), 2.0)
            s += p + q + r + t
        return s

    assert total(3) == pytest.approx(sum(2.0 + i + 2 for i in range(3)))


def test_several_numbers_at_once():
    def f(a, b, c, n):
        return a * b * math.sin(c) + math.sqrt(b) * n + a**3

    a, b, c = 0.7, 1.3, 0.4
    found = zyg.hessian(f, (0, 1, 2))(a, b, c, 2)
    mixed = [
        [6 * a, b * 0 + math.sin(c), b * math.cos(c)],
        [math.sin(c), -0.25 * 2 * b**-1.5, a * math.cos(c)],
        [b * math.cos(c), a * math.cos(c), -a * b * math.sin(c)],
    ]
    np.testing.assert_allclose(found, mixed, rtol=1e-13)
    twice = zyg.hessian(f, (0, 0))(a, b, c, 2)
    np.testing.assert_allclose(twice, [[6 * a, 6 * a]] * 2)
    assert zyg.jacobian(lambda x, y: np.array([x * y, x + 2 * y, x]), (1, 0))(2.0, 3.0)[0].tolist() == [2.0, 2.0, 0.0]
    assert zyg.jacfwd(lambda x, y: (x * y, np.array([x, y * y])), (0, 1))(2.0, 3)[1][1].tolist() == [0.0, 6.0]
    assert zyg.jacfwd(lambda x, y: math.sqrt(x) * y, (0, 1))(0.0, 0.0) == (0.0, 0.0)
    assert zyg.jacfwd(lambda x, y: math.sqrt(x) + y, (0, 1))(0.0, 0.0) == (math.inf, 1.0)
    names = "abcdefghij"
    scope = {}
    exec(f"def many({', '.join(names)}): return {' * '.join(names)}", scope)
    at = [1.0 + 0.1 * k for k in range(10)]
    hessian = zyg.hessian(scope["many"], tuple(range(10)))(*at)
    whole = math.prod(at)
    expected = [[0.0 if i == j else whole / at[i] / at[j] for j in range(10)] for i in range(10)]
    np.testing.assert_allclose(hessian, expected, rtol=1e-12)


def writes(x, parts, n):
    """Of its arguments it changes every one."""
    n += 1
    parts["a"][0] *= x[0]
    x[1:] *= parts["a"][0] * n[0]
    parts["s"][1] += x[1]
    return np.array([np.sum(x**2), parts["a"][0], parts["s"][1] * x[2]])


def written():
    return np.array([0.3, 0.7, -0.4]), {"a": np.array([2.0, 1.0]), "s": np.array([0.5, 0.25])}, np.array([1, 2])


def by_entries(f, x):
    return np.stack([(f(x + 1e-6 * d) - f(x - 1e-6 * d)) / 2e-6 for d in np.eye(len(x))], -1)


@pytest.mark.parametrize("how", [zyg.jacfwd, zyg.jacrev, zyg.jacobian])
def test_functions_that_write_into_their_arguments(how):
    """Every sweep starts from what the arguments were, and they are left as by one call."""
    x, parts, n = written()
    own, others, k = written()
    found = how(writes)(x, parts, n)
    np.testing.assert_allclose(found, by_entries(lambda v: writes(v, *written()[1:]), own), atol=1e-8)
    writes(own, others, k)
    np.testing.assert_allclose(x, own)
    np.testing.assert_array_equal(n, k)
    for name in others:
        np.testing.assert_allclose(parts[name], others[name])


def test_second_derivatives_of_functions_that_write_into_their_arguments():
    def f(x):
        s = x.sum()
        y = x.T.reshape(-1)
        y[0] *= s
        x *= x
        return np.sum(x * s)

    start = np.array([0.3, 0.7, -0.4, 0.2, 1.1, -0.5])
    x = start.copy()
    expected = by_entries(lambda v: zyg.grad(f)(v), start)
    np.testing.assert_allclose(zyg.hessian(f)(x), expected, atol=1e-7)
    np.testing.assert_allclose(zyg.diaghessian(f)(start.copy()), np.diag(expected), atol=1e-7)
    assert x[1] == start[1] ** 2

    def nested(x):
        y = x * 1.0
        return np.sum(zyg.hessian(f)(y)) * np.sum(y)

    np.testing.assert_allclose(zyg.grad(nested)(start), by_entries(nested, start), rtol=1e-6)


def test_functions_that_write_into_what_they_capture_are_for_dynamic_mode():
    def outer(x):
        s = np.zeros(2)

        def inner(t):
            s[0] += t[0]
            return t * s[0]

        return np.sum(zyg.jacrev(inner)(x) ** 2)

    x = np.array([0.3, 0.7])
    with pytest.raises(zyg.UnsupportedError, match="writes into what it captures"):
        zyg.grad(outer, mode="native")(x)
    with pytest.warns(zyg.DynamicModeWarning, match="inner"):
        np.testing.assert_allclose(zyg.grad(outer, mode="dynamic")(x), by_entries(outer, x), atol=1e-7)


def test_forward_mode_of_functions_of_numpy_itself() -> None:
    x = np.array([0.5, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", zyg.DynamicModeWarning)
        np.testing.assert_allclose(zyg.jacfwd(np.sin)(x), np.diag(np.cos(x)))
        np.testing.assert_allclose(zyg.hessian(np.sum)(x), np.zeros((2, 2)))
    pushed = zyg.grad(lambda x: np.sum(zyg.jvp(np.sin, (x,), (x,))[1]), mode="native")(x)
    np.testing.assert_allclose(pushed, np.cos(x) - x * np.sin(x))
