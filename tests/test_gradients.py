"""First programs of a user: values, gradients, and that errors name the line."""

import doctest
import importlib
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zyg
from zyg import adjoint, check_grads, grad, jvp, pullback, value_and_grad

weight = 2.0


def loop(x):
    s = 1.0
    for i in range(10):
        s = s * math.sin(x * (i + 1)) + i
        if s > 9:
            break
    return s


def product(x, n):
    r = 1.0
    while n > 0:
        r *= math.sin(x)
        n -= 1
    return r


def fact(x, n):
    return x if n < 1 else n * x * fact(x, n - 1)


def nested(x, y):
    t = 0.0
    for i in range(3):
        z = x
        while z < 4:
            z = z * 1.5 + y
            if z > 3.5:
                t += z * z
                continue
            for j in range(i):
                t += z * x * j
        t *= y
    return t


def early(x):
    for i in range(5):
        if x * i > 3:
            return x * x * i
    else:
        x = x * 2
    return x


def swap(a, b):
    for _ in range(4):
        a, b = b, a * b
    return a * b


def even(n, x):
    return x if n == 0 else odd(n - 1, x * x)


def odd(n, x):
    return 1.0 if n == 0 else even(n - 1, x * 2)


PROGRAMS = [
    (loop, (0.3,)),
    (product, (0.5, 5)),
    (fact, (1.3, 4)),
    (nested, (0.7, 0.3)),
    (early, (1.1,)),
    (early, (0.1,)),
    (swap, (1.1, 0.9)),
    (even, (4, 1.1)),
    (lambda x: x**3 + math.sin(x) * x, (1.2,)),
]


@pytest.mark.parametrize(("fn", "args"), PROGRAMS)
def test_first_order(fn, args):
    check_grads(fn, args)


@pytest.mark.parametrize(("fn", "args"), [(fn, args) for fn, args in PROGRAMS if isinstance(args[0], float)])
def test_second_order(fn, args):
    h = 1e-4
    rest = args[1:]
    slope = (grad(fn)(args[0] + h, *rest) - grad(fn)(args[0] - h, *rest)) / (2 * h)
    assert grad(grad(fn))(*args) == pytest.approx(slope, rel=1e-5, abs=1e-5)


def test_constant_derivative_is_a_constant():
    f = lambda x: 5 * x + 3  # noqa: E731
    assert (f(10), grad(f)(10)) == (53, 5)
    assert type(grad(f)(10)) is int
    text = zyg.inspect_llvm(grad(f), 10)
    body = text[text.index("{") : text.rindex("}")].split("\n")
    assert [line.strip() for line in body if line.strip() and not line.endswith(":")] == ["{", "ret i64 5"]


def test_results_have_the_structure_of_the_argument():
    assert value_and_grad(lambda p: p[0] * p[1][0])((2.0, (3.0, 4))) == (6.0, (3.0, (2.0, None)))


def test_complex():
    assert pullback(lambda z: z * z, 1 + 2j)[1](1) == (2 - 4j,)
    assert grad(lambda z: abs(z) ** 2)(1 + 2j) == pytest.approx(2 + 4j)


def test_captured_numbers_are_read_at_each_call():
    global weight
    f = lambda x: weight * x  # noqa: E731
    weight = 2.0
    assert grad(f)(1.0) == 2.0
    weight = 3.0
    assert grad(f)(1.0) == 3.0


def test_inner_derivatives_do_not_confuse_outer_ones():
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(2.0) == 1.0


def test_custom_rule():
    def cube(x):
        return x * x * x

    @adjoint(cube)
    def rule(x):
        return x**3, lambda dy: 30 * x * x * dy

    assert grad(lambda x: cube(x) * 2)(2.0) == 240.0
    assert jvp(cube, (2.0,), (1.0,)) == (8.0, 120.0)


def test_errors_name_the_line():
    def asks(x):
        return x * len(input())  # the offending line

    with pytest.raises(zyg.UnsupportedError, match="# the offending line"):
        grad(asks, mode="native")(1.0)
    with pytest.raises(TypeError, match="real number"):
        grad(lambda x: (x, x))(1.0)
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: 1 / x)(0.0)
    with pytest.raises(ValueError, match="out of range"):
        grad(lambda x: x, argnums=3)(1.0)


def _squares(x, n):
    for _ in range(n):
        x = x * x * 1.1
    return x


def test_inner_gradients_of_loops_inside_loops():
    """Each round of the outer loop has a tape of its own, of another length."""

    def same(x):
        s = 0.0
        for _ in range(2):
            s += grad(lambda z: _squares(z, 2))(x)
        return s

    def shrinking(x):
        s = 0.0
        for k in range(4):
            s += grad(lambda z, k=k: _squares(z, 3 - k))(x)
        return s

    def growing(x):
        s = 0.0
        k = 0
        while k < 3:
            k += 1
            s += grad(lambda z, k: _squares(z, k))(x, k) * x
        return s

    for g in (same, shrinking, growing, grad(same)):
        assert grad(g)(0.7) == pytest.approx((g(0.7 + 1e-5) - g(0.7 - 1e-5)) / 2e-5, rel=1e-7)


def test_derivatives_of_loops_of_any_order():
    """x -> c x**8: what is added up in one derivative is read, and overwritten, in the next."""
    c = _squares(1.0, 3)
    f, expected = lambda x: _squares(x, 3), c
    for order in range(1, 4):
        f, expected = grad(f), expected * (9 - order)
        assert f(0.7) == pytest.approx(expected * 0.7 ** (8 - order))


_HERE = Path(zyg.__file__).parent
_WITH_EXAMPLES = sorted(
    ".".join(("zyg", *path.relative_to(_HERE).with_suffix("").parts)).removesuffix(".__init__")
    for path in _HERE.rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.parametrize("module", _WITH_EXAMPLES)
def test_docstrings(module):
    failures, _ = doctest.testmod(importlib.import_module(module))
    assert failures == 0


def test_the_first_function_compiled_may_call_the_c_library():
    script = "import math, zyg; print(zyg.grad(math.tanh)(0.0))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "1.0\n"


RATE = 0.5


def test_captures_in_loops_are_inputs() -> None:
    def f(x: float, n: int) -> float:
        while n > 0:
            x = math.sin(x) ** 2 * RATE
            n -= 1
        return x * RATE

    assert math.isclose(grad(f)(1.0, 1), math.sin(1.0) * math.cos(1.0) * 0.5)
    zyg.check_grads(f, (0.7, 3), order=2)


def looping(x: float, n: int) -> float:
    """Its tapes travel over the stack of the recursion."""
    if n <= 0:
        return x
    for _ in range(3):
        x = math.sin(x) * x
    return looping(x, n - 1)


def doubling(x: float, n: int) -> float:
    if n <= 0:
        return x
    while x < 3:
        x = math.exp(math.sin(x)) * x
    return doubling(x / 2, n - 1)


@pytest.mark.parametrize("f", [looping, doubling])
def test_second_derivatives_of_loops_in_recursive_functions(f) -> None:
    zyg.check_grads(f, (0.9, 2), order=2)


def powers(x: np.ndarray, n: int) -> float:
    """Its buffers and their shadows travel over the stack of the recursion."""
    if n <= 0:
        return np.sum(x * x * x)
    y = x.copy()
    for i in range(len(y)):
        y[i] = y[i] * y[i] + math.sin(y[i])
    return powers(y, n - 1)


def test_forward_over_reverse_of_recursive_functions_of_arrays() -> None:
    x, v, step = np.array([0.3, 0.5]), np.array([1.0, -2.0]), 1e-6
    gradient = grad(lambda x: powers(x, 2))
    expected = (gradient(x + step * v) - gradient(x - step * v)) / (2 * step)
    assert zyg.hvp(lambda x: powers(x, 2))(x, v) == pytest.approx(expected, rel=1e-7)
    slope = zyg.jvp(lambda x: np.sum(gradient(x)), (x,), (v,))[1]
    assert slope == pytest.approx(np.sum(expected), rel=1e-7)
