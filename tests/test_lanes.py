"""Several directions in one sweep, as lanes: against one direction at a time, and taken apart again."""

import math

import numpy as np
import pytest
from numba import njit

import zyg
from zyg.adjoint.tangent import fits_lanes, jvp
from zyg.codegen.compile import compile_module
from zyg.ir.interpret import interpret
from zyg.ir.lanes import LanesType, extract, splat, unit
from zyg.ir.program import Block, Const, Module, Op, Pos, Program, Return, Var
from zyg.ir.scalars import f4, f8, i8
from zyg.ir.verify import VerifyError, verify
from zyg.passes.lanes_apart import without_lanes
from zyg.rules import primitives as p

HERE = Pos("<test>", 1, "f")
rng = np.random.default_rng(7)


def loop(x):
    y = np.empty(5)
    for i in range(5):
        s = 0.0
        for k in range(i + 1):
            s += x[k] * math.sin(x[(k + 1) % len(x)])
            if s > 1.5:
                break
        y[i] = s * x[i + 2]
    return y


def overwritten(x):
    y = x.copy()
    y *= y
    y[1:] += np.sqrt(np.abs(y[:-1]))
    y[::2] = y[::2] / 3.0
    return y[::-1]


def roots(x):
    return np.array([math.sqrt(x[0] ** 2 + x[1] ** 2), np.maximum(x[2], x[3]), math.hypot(x[4], x[5])])


def products(x):
    A = x[:6].reshape(2, 3)
    return (A.T @ A)[:, ::2] @ np.ones((2, 4))


def network(x):
    return np.tanh(np.arange(12.0).reshape(3, 4) @ np.tanh(np.ones((4, len(x))) * 0.1 @ x))


def many_tapes(x):
    total = np.zeros(3)
    for v in x:
        r = v
        while abs(r) > 0.2:
            r = r * math.cos(r) * 0.7
        total[0] += r
        total[1] *= 1.0 + r
        total[2] = total[1] - r
    return total


FUNCTIONS = (loop, overwritten, roots, products, network, many_tapes)


def one_by_one(f, x):
    """The Jacobian from one sweep for each column."""
    return np.stack([zyg.jvp(f, (x,), (e.reshape(x.shape),))[1] for e in np.eye(x.size)], axis=-1)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [7, 8, 17])
def test_columns(f, n):
    x = rng.uniform(0.2, 1.7, n)
    expected = one_by_one(f, x)
    np.testing.assert_allclose(zyg.jacfwd(f)(x), expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(zyg.jacrev(f)(x), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("f", [products, many_tapes], ids=lambda f: f.__name__)
def test_second_order_and_nested(f):
    """A Jacobian that is differentiated again has no lanes, but for those of the outermost sweep."""
    x = rng.uniform(0.2, 1.7, 9)
    twice = zyg.jacfwd(zyg.jacfwd(f))(x)
    step = 1e-6
    moved = [(zyg.jacfwd(f)(x + step * e) - zyg.jacfwd(f)(x - step * e)) / (2 * step) for e in np.eye(9)]
    np.testing.assert_allclose(twice, np.stack(moved, axis=-1), rtol=1e-5, atol=1e-6)

    def penalty(x):
        return np.sum(zyg.jacfwd(f)(x) ** 2)

    expected = 2 * np.tensordot(zyg.jacfwd(f)(x), twice, zyg.jacfwd(f)(x).ndim)
    np.testing.assert_allclose(zyg.grad(penalty)(x), expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(zyg.jvp(penalty, (x,), (np.ones(9),))[1], expected.sum(), rtol=1e-10, atol=1e-12)


def test_a_program_that_is_used_with_and_without_lanes():
    def few(x):
        return np.array([math.sin(x[0]) * x[1], x[2] / x[0], x[8] * x[1]])

    def penalty(x):
        return np.sum(zyg.jacfwd(few)(x) ** 2)

    def both(x):
        return penalty(x) + np.sum(zyg.grad(penalty)(x))

    x = rng.uniform(0.2, 1.7, 9)
    np.testing.assert_allclose(both(x), penalty(x) + zyg.grad(penalty)(x).sum(), rtol=1e-12)
    step = 1e-5
    expected = [(both(x + step * e) - both(x - step * e)) / (2 * step) for e in np.eye(9)]
    np.testing.assert_allclose(zyg.grad(both)(x), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", [3, 8, 21])
def test_gradients_of_numbers_and_diagonals(n):
    def f(x):
        return np.sum(np.sin(x) * x[::-1] ** 2) + np.prod(x[:3])

    x = rng.uniform(0.2, 1.7, n)
    np.testing.assert_allclose(zyg.jacfwd(f)(x), zyg.grad(f)(x), rtol=1e-13)
    np.testing.assert_allclose(zyg.diaghessian(f)(x), np.diag(zyg.hessian(f)(x)), rtol=1e-13)


def test_float32_and_other_layouts():
    x = rng.uniform(0.2, 1.7, (3, 4)).astype(np.float32)

    def f(x):
        return (x * x).sum(axis=0)

    found = zyg.jacfwd(f)(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, one_by_one(f, x).reshape(4, 3, 4), rtol=1e-6)
    across = np.asfortranarray(x)
    np.testing.assert_array_equal(zyg.jacfwd(f)(across), found)


def test_lanes_of_numbers():
    def arm(a, b, c, d, e):
        x = math.cos(a) + math.cos(a + b) * c
        return x * math.sin(d * e), math.sqrt(x * x)

    at = (0.1, 0.2, 0.3, 0.4, 0.5)
    every = tuple(range(5))
    np.testing.assert_allclose(zyg.jacfwd(arm, every)(*at), zyg.jacrev(arm, every)(*at), rtol=1e-13)


def test_what_a_sweep_carries_is_in_vectors():
    assert "<8 x double>" in zyg.inspect_llvm(zyg.jacfwd(loop), np.ones(9))
    assert "<8 x double>" in zyg.inspect_llvm(zyg.hessian(lambda x: np.sum(loop(x) ** 2)), np.ones(9))


def test_lanes_are_divided_by_one_number_once():
    def shares(x):
        return np.array([x[0] / x[1], x[2] / x[1], x[3] / 3.0])

    x = rng.uniform(0.2, 1.7, 9)
    assert " fdiv <" not in zyg.inspect_llvm(zyg.jacfwd(shares), x)
    np.testing.assert_allclose(zyg.jacfwd(shares)(x), one_by_one(shares, x), rtol=1e-14)


def test_rows_of_a_pair_are_two_lanes():
    def pair(x):
        return np.array([np.sum(np.sin(x)), np.prod(x)])

    x = rng.uniform(0.2, 1.7, 11)
    assert "<2 x double>" in zyg.inspect_llvm(zyg.jacrev(pair), x)
    np.testing.assert_allclose(zyg.jacrev(pair)(x), one_by_one(pair, x), rtol=1e-12)


def test_inside_njit():
    jacobian = zyg.jacfwd(loop)

    @njit
    def norm(x):
        return np.sum(jacobian(x) ** 2)

    x = rng.uniform(0.2, 1.7, 9)
    np.testing.assert_allclose(norm(x), np.sum(one_by_one(loop, x) ** 2), rtol=1e-12)


def _module(kind=f8):
    """f(x, n, a) = a·x in the lane n, and x in every one: the lane n of their sum, and lane 1 of it."""
    wide = LanesType(kind, 4)
    x, n, a = Var(kind, "x"), Var(i8, "n"), Var(kind, "a")
    product, one, every, total = Var(kind), Var(wide), Var(wide), Var(wide)
    found, other = Var(kind), Var(kind)
    ops = (
        Op(p.operator.mul, (a, x), (product,), HERE),
        Op(unit, (product, n), (one,), HERE),
        Op(splat, (x,), (every,), HERE),
        Op(p.operator.add, (one, every), (total,), HERE),
        Op(extract, (total, n), (found,), HERE),
        Op(extract, (total, Const(1, i8)), (other,), HERE),
    )
    return Module({"f": Program("f", (x, n, a), (kind, kind), {0: Block((), ops, Return((found, other)))})}, "f")


@pytest.mark.parametrize("kind", [f8, f4], ids=str)
@pytest.mark.parametrize("n", range(4))
def test_ops_on_lanes(kind, n):
    module = _module(kind)
    verify(module)
    expected = 3.0 + 6.0, 3.0 + (6.0 if n == 1 else 0.0)
    assert compile_module(module).call(3.0, n, 2.0) == expected
    assert interpret(without_lanes(module), (3.0, n, 2.0)) == expected


def test_apart_there_are_no_lanes():
    apart = without_lanes(_module())
    verify(apart)
    kinds = [result.type for op in apart.main.ops() for result in op.results]
    assert not any(isinstance(kind, LanesType) for kind in kinds)
    assert without_lanes(apart) is apart


def test_lanes_and_numbers_do_not_mix():
    x, wide = Var(f8, "x"), Var(LanesType(f8, 4), "wide")
    ops = (Op(p.operator.mul, (wide, x), (Var(wide.type),), HERE),)
    program = Program("f", (x, wide), (), {0: Block((), ops, Return(()))})
    with pytest.raises(VerifyError, match="lanes and numbers together"):
        verify(Module({"f": program}, "f"))


def test_the_tangent_of_a_program_in_lanes_and_one_beside_the_other():
    x, n, a = (Var(kind, name) for kind, name in ((f8, "x"), (i8, "n"), (f8, "a")))
    square, root = Var(f8), Var(f8)
    ops = (Op(p.operator.mul, (x, a), (square,), HERE), Op(np.sin, (square,), (root,), HERE))
    module = Module({"f": Program("f", (x, n, a), (f8,), {0: Block((), ops, Return((root,)))})}, "f")
    assert fits_lanes(module)
    wide = jvp(module, (True, False, True), 2, wide=True)
    verify(wide)
    apart = without_lanes(wide)
    verify(apart)
    beside = jvp(module, (True, False, True), 2)
    # In lanes each parameter's tangents come together, else each direction's
    one = interpret(apart, (0.3, 1, 0.7, 1.0, 0.5, 0.25, 2.0))
    other = interpret(beside, (0.3, 1, 0.7, 1.0, 0.25, 0.5, 2.0))
    np.testing.assert_allclose(one, other, rtol=1e-15)


def test_lanes_are_divided_by_tiny_and_huge_numbers():
    x = np.array([1e-310, 3e-311, 1.5e307, 1e308, 0.5, 2.0])

    def quotients(x):
        return np.array([x[1] / x[0], x[0] / x[0], x[4] * 1e300 / x[2], x[2] / x[3], x[4] / x[5]])

    found = zyg.jacfwd(quotients)(x)
    rows = [zyg.jvp(quotients, (x,), (one,))[1] for one in np.eye(6)]
    np.testing.assert_allclose(found, np.stack(rows, axis=1), rtol=1e-14, atol=0)
    np.testing.assert_array_equal(zyg.jacfwd(lambda x: np.log(x))(x[:2])[[0, 1], [1, 0]], 0)
