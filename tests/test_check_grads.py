"""`check_grads` accepts right derivatives and names the entry of wrong ones."""

import math

import numpy as np
import pytest

import zyg
from zyg.testing import check_grads

X = np.array([0.3, 1.2, -0.7])


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x, y: x * y * y, (2.0, 3.0)),
        (lambda x: np.sum(np.sin(x) * x), (X,)),
        (lambda x, k: (x * x[0], np.sum(x) ** k), (X, 2)),
        (lambda p: p[0] * np.exp(p[1][0]), ((X, (0.3, 1)),)),
        (lambda z: (z * z * z).real, (0.5 + 0.3j,)),
        (lambda z: np.exp(z) * z, (np.array([0.5 + 0.3j, 1.0]),)),
        (lambda x: np.cumsum(x) * 2, (np.linspace(0, 1, 200),)),
        (lambda x: np.sum(x * x), (X.astype(np.float32),)),
    ],
)
def test_right_ones_pass(f, args):
    check_grads(f, args)


def test_higher_orders():
    check_grads(math.sin, (0.5,), order=4)
    check_grads(lambda x: np.outer(x, x[:2]) * x[0], (X,), order=2)
    check_grads(lambda x, t: (np.sum(x**3) * t, x * t), (X, 0.7), order=2)


def test_wrong_ones_are_named():
    off = lambda x: zyg.grad(lambda y: np.sum(y**2))(x)[1] + np.sum(zyg.stop_gradient(x[2:]))  # noqa: E731
    with pytest.raises(AssertionError, match=r"reverse mode: argument 0, entry 2: derivative 0\.0, finite differences"):
        check_grads(off, (X,), modes=("rev",))
    with pytest.raises(AssertionError, match=r"forward mode: argument 0, entry 2: derivative 0\.0, finite differences"):
        check_grads(off, (X,), modes=("fwd",))
    with pytest.raises(AssertionError, match=r"entry \(0, 1\)"):
        check_grads(lambda a: a[0, 0] + zyg.stop_gradient(a[0, 1]), (np.ones((2, 2)),))
    with pytest.raises(AssertionError, match=r"argument 1\[0\]"):
        check_grads(lambda x, p: x * zyg.stop_gradient(p[0]), (1.0, (2.0, 3.0)))
    with pytest.raises(AssertionError, match="entry 150"):
        check_grads(lambda x: np.sum(x[:150] ** 2) + zyg.stop_gradient(x[150]), (np.linspace(0, 1, 200),))


def test_wrong_rules_are_named_at_the_first_and_the_second_order():
    def cube(x):
        return x**3

    @zyg.adjoint(cube)
    def _(x):
        return x**3, lambda dy: 3.5 * x * x * dy

    with pytest.raises(AssertionError, match="reverse mode: argument 0: derivative 15"):
        check_grads(cube, (2.0,), modes=("rev",))

    @zyg.adjoint(cube)
    def _(x):
        return x**3, lambda dy: 3 * x * zyg.stop_gradient(x) * dy

    check_grads(cube, (2.0,))
    with pytest.raises(AssertionError, match="reverse mode, then reverse mode: argument 0: derivative"):
        check_grads(cube, (2.0,), order=2, modes=("rev",))


def test_unknown_modes():
    with pytest.raises(ValueError, match="modes are"):
        check_grads(math.sin, (1.0,), modes=("both",))


def test_functions_that_write_into_their_arguments() -> None:
    """Each call gets copies, and the arguments stay what they are."""

    def f(x, n, parts):
        n += 1
        x[0] *= x[1] * n[0]
        x *= x
        parts["a"][1:] += x[:2]
        return np.sum(np.sin(x)) + np.sum(parts["a"] ** 2)

    x, n, parts = np.array([0.3, 0.7, -0.4]), np.array([1, 2]), {"a": np.array([0.1, 0.2, 0.3])}
    zyg.check_grads(f, (x, n, parts), order=2)
    assert x[0] == 0.3 and n[0] == 1 and parts["a"][1] == 0.2
