"""Functions that write into arrays: results of `out=`, `np.copyto`, `np.put`, `x.sort()`, …; and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zyg

X = np.random.default_rng(0).standard_normal((3, 4))

WRITES: dict[str, Callable[[Any], Any]] = {
    "sort": lambda y: y.sort(),
    "sort_columns": lambda y: y[::2].sort(axis=0),
    "sort_transposed": lambda y: y.T.sort(),
    "copyto": lambda y: np.copyto(y, np.sin(y)),
    "copyto_where": lambda y: np.copyto(y, y[0] * 2, where=y > 0.2),
    "fill_diagonal": lambda y: np.fill_diagonal(y, y[0]),
    "put": lambda y: np.put(y.T, [0, -2, 3], y[1]),
    "put_wrapped": lambda y: np.put(y, [0, 22], y[1], mode="wrap"),
    "putmask": lambda y: np.putmask(y, y > 0.1, y[0]),
    "place": lambda y: np.place(y, y > 0.1, y[0] * 2.0),
    "put_along_axis": lambda y: np.put_along_axis(y, np.argsort(y, axis=0), y**2, 0),
    "put_along_axis_stretched": lambda y: np.put_along_axis(y, np.array([[2]]), y[:, :1] * 3.0, 1),
    "subtract_at": lambda y: np.subtract.at(y, [0, 0, 2], y[:3] * 0.5),
    "nan_to_num": lambda y: np.nan_to_num(y, copy=False),
    "sum_out": lambda y: np.sum(y * y, axis=0, out=y[1]),
    "cumsum_out": lambda y: np.cumsum(y, axis=1, out=y),
    "matmul_out": lambda y: np.matmul(y[:, :3], y.copy(), out=y),
    "einsum_out": lambda y: np.einsum("ij,j->i", y, y[0], out=y[:, 2]),
    "reduce_out": lambda y: np.multiply.reduce(y, axis=0, out=y[2]),
    "where_out": lambda y: np.divide(1.0, y, out=y, where=y > 0.1),
}


NAMES = list(WRITES)


@pytest.mark.parametrize("names", [NAMES[k : k + 5] for k in range(0, len(NAMES), 5)], ids=" ".join)
def test_writes(names: list[str]) -> None:
    """The arrays afterwards, and their derivatives, against NumPy and differences; some in forward mode."""
    writes = tuple(WRITES[name] for name in names)

    def f(x: Any) -> Any:
        found = ()
        for write in writes:
            y = x * 1.5
            write(y)
            found = (*found, y)
        return np.stack(found)

    direction, weights = np.cos(np.arange(12.0)).reshape(3, 4), np.sin(np.arange(60.0)).reshape(5, 3, 4)
    h = 1e-6
    slope = (f(X + h * direction) - f(X - h * direction)) / (2 * h)
    y, back = zyg.pullback(f, X, mode="native")
    np.testing.assert_allclose(y, f(X), rtol=1e-12)
    assert np.sum(back(weights)[0] * direction) == pytest.approx(np.sum(slope * weights), rel=1e-6)
    if "put_along_axis" in names:
        np.testing.assert_allclose(zyg.jvp(f, (X,), (direction,), mode="native")[1], slope, rtol=1e-6, atol=1e-8)


def test_quotients_that_are_left_out_cost_nothing() -> None:
    """Where the mask is False nothing comes of a division by zero."""

    def f(x: Any) -> Any:
        return np.sum(np.divide(1.0, x, out=np.zeros(3), where=x > 0))

    np.testing.assert_allclose(zyg.grad(f, mode="native")(np.array([0.0, 2.0, -1.0])), [0.0, -0.25, 0.0])


def test_elements_that_are_not_there() -> None:
    """Single elements of arrays that have more or fewer; along an axis, of arrays that are stretched."""
    for f, error in (
        (lambda x: x.item(), ValueError),
        (lambda x: x.item(100), IndexError),
        (lambda x: np.sum(np.bincount([0, -1], x[0, :2])), ValueError),
    ):
        with pytest.raises(error):
            zyg.grad(f, mode="native")(X)
    np.testing.assert_array_equal(zyg.grad(lambda x: x.item(-1), mode="native")(X).nonzero(), [[2], [3]])


def test_tangents_of_parts_of_complex_arrays() -> None:
    """A view of the parts has a tangent of the same parts."""

    def f(x: Any) -> Any:
        y = np.fft.rfft(x)
        return y.imag[1:]

    x = X[0]
    slope = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
    _, dy = zyg.jvp(f, (x,), (np.ones(4),), mode="native")
    assert dy.dtype == np.float64
    np.testing.assert_allclose(dy, slope, atol=1e-8)


def test_what_is_flat() -> None:
    """Slices of `.flat` are copies; what is written into it is in the array."""

    def f(x: Any) -> Any:
        a = x.flat[::2]
        a -= np.mean(a)
        y = x * 1.0
        y.flat[1:] = y.flat[:-1]
        c = y.flat[2:]
        y.flat[3] = 5.0
        return np.sum(np.sin(c)) * np.sum(x**2) + np.sum(y * y * np.sum(a * a))

    x = X.copy()
    zyg.check_grads(f, (x,), order=1)
    np.testing.assert_array_equal(x, X)
    assert zyg.value_and_grad(f, mode="native")(x)[0] == pytest.approx(f(x))


def _by_product(x: Any) -> Any:
    y = 2.0 * x.T
    r = y.ravel()
    y += y
    return np.sum(np.sin(r) * np.arange(12.0))


def _by_take(x: Any) -> Any:
    y = np.take(x, [0, 2, 1], axis=1)
    r = y.reshape(9)
    r *= 2.0
    return np.sum(y)


def _by_index(x: Any) -> Any:
    y = x[:, [0, 2, 1]]
    r = y.reshape(-1)
    y[0] = 3.0
    return np.sum(r)


@pytest.mark.parametrize("f", [_by_product, _by_take, _by_index])
def test_orders_that_are_not_known(f: Callable[[Any], Any]) -> None:
    """Whether NumPy's reshaped array is a view is not known natively: dynamic mode takes over where that matters."""
    with pytest.raises(zyg.UnsupportedError, match="depends on its order in NumPy"):
        zyg.grad(f, mode="native")(X)
    with pytest.warns(zyg.DynamicModeWarning):
        value, _ = zyg.value_and_grad(f)(X.copy())
    assert value == pytest.approx(f(X.copy()))


def test_arguments_that_lie_otherwise() -> None:
    """A ravelled argument is a view of it where it lies in C order, else a copy."""

    def f(x: Any) -> Any:
        r = x.ravel()
        r *= 2.0
        return np.sum(x * x)

    x = X.copy()
    assert zyg.value_and_grad(f, mode="native")(x)[0] == pytest.approx(4.0 * np.sum(X * X))
    np.testing.assert_array_equal(x, 2.0 * X)
    x = np.asfortranarray(X)
    with pytest.raises(zyg.UnsupportedError, match="does not lie in C order"):
        zyg.grad(f, mode="native")(x)
    with pytest.warns(zyg.DynamicModeWarning):
        assert zyg.value_and_grad(f)(x)[0] == pytest.approx(np.sum(X * X))
    np.testing.assert_array_equal(x, X)


def test_copies_in_order() -> None:
    """`np.ascontiguousarray` copies what does not lie in C order."""

    def f(x: Any) -> Any:
        y = np.ascontiguousarray(x.T)
        y[0, 0] = 9.0
        z = np.ascontiguousarray(x)
        z[1, 1] *= 2.0
        return np.sum(y * y) + np.sum(x * x)

    a, b = X.copy(), X.copy()
    assert zyg.value_and_grad(f, mode="native")(a)[0] == pytest.approx(f(b))
    np.testing.assert_array_equal(a, b)


def test_writes_in_dynamic_mode() -> None:
    """What was computed of an array before it is written keeps its derivative."""

    def f(y: Any) -> Any:
        a = np.linalg.solve(y @ y.T + np.eye(3), y[:, :1])
        np.put_along_axis(y, np.argsort(y, axis=1)[:, :2], y[:, :2] - 0.3, axis=1)
        return np.sum(a * a) + np.sum(y**3)

    expected = zyg.grad(f, mode="native")(X.copy())
    np.testing.assert_allclose(zyg.grad(f, mode="dynamic")(X.copy()), expected, rtol=1e-9)

    def g(x: Any) -> Any:
        y = x * x
        return np.sum(np.nan_to_num(y, copy=False) * y)

    np.testing.assert_allclose(zyg.grad(g, mode="dynamic")(X), 4.0 * X**3)


def test_sums_that_are_overwritten_before_anybody_looks() -> None:
    def f(x: Any) -> Any:
        y = np.stack([x, x * x]).sum(axis=0)
        y[...] = x * 2
        return y

    x = X[0, :3]
    np.testing.assert_allclose(zyg.pullback(f, x, mode="native")[1](np.ones(3))[0], np.full(3, 2.0))
    np.testing.assert_allclose(zyg.jvp(f, (x,), (x,), mode="native")[1], 2 * x)
    zyg.check_grads(f, (x,), order=2)
