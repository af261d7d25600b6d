"""`hook`, `showgrad`, `isderiving`, `checkpoint`: differentiation steered from inside the function."""

from __future__ import annotations

import subprocess
import sys
import traceback

import numpy as np
import pytest

import zyg
from zyg import Params, checkpoint, grad, gradient, hook, isderiving, jvp, nograd, pullback, showgrad, value_and_grad

x0 = np.array([0.1, 0.2])
W = np.array([[0.5, -0.3], [0.2, 0.8]])


# --- hook, showgrad, isderiving -------------------------------------------------------------------------------


def test_hooks_change_cotangents_of_numbers_and_arrays():
    assert hook(lambda d: 1 / 0, 3.0) == 3.0
    assert value_and_grad(lambda x: hook(lambda d: 10 * d, x) ** 2)(3.0) == (9.0, 60.0)
    np.testing.assert_allclose(grad(lambda x: np.sum(hook(lambda d: np.clip(d, -1, 0.3), x) ** 2))(x0), [0.2, 0.3])

    def in_a_loop(x, k):
        for _ in range(3):
            x = hook(lambda d: d * k, x) * x
        return x

    assert grad(in_a_loop)(1.0, 1.0) == 8.0
    assert grad(in_a_loop)(1.0, 0.0) == 1.0
    assert jvp(lambda x: hook(lambda d: 10 * d, x) ** 2, (3.0,), (1.0,)) == (9.0, 6.0)


def test_hooks_of_structures_and_second_order():
    f = lambda p: (lambda q: q["a"] * q["b"][0])(hook(lambda d: {"a": d["a"] * 2, "b": [d["b"][0] * 3]}, p))  # noqa: E731
    assert grad(f)({"a": 2.0, "b": [5.0]}) == {"a": 10.0, "b": [6.0]}
    assert grad(grad(lambda x: hook(lambda d: d * d, x) ** 3))(2.0) == pytest.approx(4 * 9 * 8)


def test_hooks_that_only_python_can_run():
    seen = []

    def keep(d):
        seen.append(np.array(d))
        return d * 2

    assert grad(lambda x: hook(keep, x) ** 2)(3.0) == 12.0
    np.testing.assert_allclose(grad(lambda x: np.sum(hook(keep, x) ** 2))(x0), 4 * x0)
    assert [s.tolist() for s in seen] == [6.0, [0.2, 0.4]]


def test_exceptions_in_hooks_keep_their_traceback():
    def fails(d):
        return [].pop()

    with pytest.raises(IndexError, match="pop from empty list") as caught:
        grad(lambda x: np.sum(hook(fails, x) ** 2))(x0)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "fails" in names and "<lambda>" in names


def test_hooks_of_another_shape_are_refused():
    seen = []

    def longer(d):
        seen.append(d)
        return np.ones(3)

    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        grad(lambda x: np.sum(hook(longer, x)))(x0)
    with pytest.raises(ValueError, match="the function of hook gives"):
        grad(lambda x: np.sum(hook(lambda d: d[:1], x)))(x0)


def test_showgrad_prints_the_cotangent(capsys):
    assert showgrad(3.0) == 3.0 and capsys.readouterr().out == ""
    assert grad(lambda x: showgrad(x) ** 2)(3.0) == 6.0
    assert capsys.readouterr().out == "∂ = 6.0\n"
    grad(lambda x: np.sum(showgrad(x) ** 2))(x0)
    assert capsys.readouterr().out == "∂ = array([0.2, 0.4])\n"


def test_isderiving():
    def f(x):
        return inner(x) if isderiving() else x

    def inner(x):
        return 2 * x if isderiving() else x

    assert not isderiving() and f(3.0) == 3.0
    assert grad(f)(3.0) == 2.0 and jvp(f, (3.0,), (1.0,)) == (6.0, 2.0)
    assert pullback(f, 3.0)[0] == 6.0
    assert grad(lambda x: x * grad(f)(x))(3.0) == 2.0


# --- checkpoint -----------------------------------------------------------------------------------------------


@checkpoint
def step(x):
    for _ in range(3):
        x = np.sin(x) * 1.1
    return x


def plain(x):
    for _ in range(3):
        x = np.sin(x) * 1.1
    return x


def repeated(f, n):
    def run(x):
        for _ in range(n):
            x = f(x)
        return np.sum(x)

    return run


def test_checkpoints_change_neither_values_nor_gradients():
    for n in (1, 3):
        a, b = repeated(step, n), repeated(plain, n)
        assert value_and_grad(a)(x0)[0] == pytest.approx(b(x0))
        np.testing.assert_allclose(grad(a)(x0), grad(b)(x0))
        assert grad(a)(0.3) == pytest.approx(grad(b)(0.3))
    np.testing.assert_array_equal(step(x0), plain(x0))


def test_checkpoints_of_second_order_and_forward():
    a, b = repeated(step, 2), repeated(plain, 2)
    second = [grad(lambda x, f=f: np.sum(grad(f)(x)))(x0) for f in (a, b)]
    np.testing.assert_allclose(*second)
    assert grad(grad(a))(0.3) == pytest.approx(grad(grad(b))(0.3))
    assert jvp(a, (x0,), (np.ones(2),))[1] == pytest.approx(jvp(b, (x0,), (np.ones(2),))[1])


def test_checkpoints_are_nested():
    outer = checkpoint(lambda x: step(step(x)) * x)
    reference = lambda x: np.sum(plain(plain(x)) * x)  # noqa: E731
    np.testing.assert_allclose(grad(lambda x: np.sum(outer(x)))(x0), grad(reference)(x0))


def test_checkpointed_closures_and_captured_arrays():
    def net(W, x):
        layer = checkpoint(lambda x: np.tanh(W @ x))
        return np.sum(layer(layer(x)))

    def reference(W, x):
        return np.sum(np.tanh(W @ np.tanh(W @ x)))

    for found, expected in zip(gradient(net, W, x0), gradient(reference, W, x0), strict=True):
        np.testing.assert_allclose(found, expected)

    @checkpoint
    def layer(x):
        return np.tanh(W @ x)

    found = gradient(lambda: np.sum(layer(layer(x0))), Params([W]))[W]
    np.testing.assert_allclose(found, gradient(reference, W, x0)[0])


def test_what_is_written_after_a_checkpoint_is_kept():
    square = checkpoint(lambda x: x * x)

    def f(x):
        y = square(x)
        x[0] = 100.0
        z = square(y)
        y[1] = 50.0
        return np.sum(z) + x[0]

    x = np.array([2.0, 3.0])
    np.testing.assert_allclose(grad(f)(x), [4 * 8.0, 4 * 27.0])
    assert x[0] == 100.0


def test_checkpoints_of_several_arguments_and_structures():
    f = checkpoint(lambda p, k, *, s=2.0: {"y": p["a"] * k, "z": s * k})
    g = gradient(lambda p, k: (lambda r: np.sum(r["y"]) * r["z"])(f(p, k, s=3.0)), {"a": x0}, 2.0)
    np.testing.assert_allclose(g[0]["a"], [12.0, 12.0])
    assert g[1] == pytest.approx(2 * 3 * 2.0 * 0.3)


def test_checkpointed_functions_that_write_into_arguments_are_refused():
    @checkpoint
    def f(x):
        x[0] = 1.0
        return x

    with pytest.raises(zyg.UnsupportedError, match="writes into an array that it is given"):
        grad(lambda x: np.sum(f(x)), mode="native")(x0)


def test_each_reverse_calls_once_more():
    """What Python sees of a checkpointed function: one call, and one more on the way back."""
    calls = []

    def count(d):
        calls.append(d)
        return d

    @checkpoint
    def f(x):
        return hook(count, x * x)

    assert grad(lambda x: f(f(x)))(2.0) == 32.0
    assert calls == [1.0, 8.0]


class Block:
    def __init__(self, w):
        self.w, self.calls = w, 0

    @checkpoint
    def forward(self, x, scale=1.0, *, shift=0.0):
        return {"y": np.tanh(self.w * x) * scale + shift, "n": 2, "kind": "tanh"}

    @checkpoint
    def counted(self, x):
        self.calls += 1
        return self.w * x * self.calls

    @nograd
    def share(self, x):
        return np.sum(self.w) + np.sum(x)

    def __call__(self, x):
        return self.w * np.sin(x)


def through(block, x):
    for i in range(2):
        found = block.forward(x, scale=1.0 + i, shift=x[0])
        x = found["y"] * found["n"]
    return np.sum(checkpoint(block)(x))


def made_inside(x):
    block = Block(np.array([0.5, 0.7]) * x)
    block.w = block.w * x
    return through(block, x)


@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_checkpoints_of_methods_and_instances(mode):
    block = Block(np.array([0.5, 0.7]))
    slope = [(through(block, x0 + h) - through(block, x0 - h)) / 2e-6 for h in 1e-6 * np.eye(2)]
    by_block, by_x = grad(through, (0, 1), mode=mode)(block, x0)
    np.testing.assert_allclose(by_x, slope, rtol=1e-6)
    np.testing.assert_allclose(grad(lambda x: through(block, x), mode=mode)(x0), slope, rtol=1e-6)
    for i, h in enumerate(1e-6 * np.eye(2)):
        high, low = (through(Block(block.w + sign * h), x0) for sign in (1, -1))
        assert by_block.w[i] == pytest.approx((high - low) / 2e-6, rel=1e-6)
    slope = [(made_inside(x0 + h) - made_inside(x0 - h)) / 2e-6 for h in 1e-6 * np.eye(2)]
    np.testing.assert_allclose(grad(made_inside, mode=mode)(x0), slope, rtol=1e-6)
    assert grad(lambda x: x * block.share(x0), mode=mode)(2.0) == pytest.approx(1.5)


def test_checkpoints_of_lists_and_of_what_calls_itself():
    def lists(x):
        items = [x * i for i in range(3)]
        items.append(x)
        return checkpoint(lambda items: sum([np.sum(v) for v in items]))(items) ** 2

    def recursive(x, n):
        return x if n == 0 else checkpoint(recursive)(np.sin(x), n - 1) * 1.1

    with pytest.warns(zyg.DynamicModeWarning, match="length is not known"):
        np.testing.assert_allclose(zyg.hessian(lists)(x0), np.full((2, 2), 32.0))
    with pytest.warns(zyg.DynamicModeWarning, match="inside itself"):
        assert grad(recursive)(0.5, 2) == pytest.approx(1.21 * np.cos(np.sin(0.5)) * np.cos(0.5))


def test_checkpointed_functions_that_change_something_are_refused():
    counted = lambda block, x: np.sum(block.counted(x)) + block.calls  # noqa: E731
    with pytest.raises(zyg.DifferentiationError, match="changes a Block that it is given"):
        grad(counted, (0, 1), mode="dynamic")(Block(np.ones(2)), x0)

    def draws(x):
        return x * state.pop()

    state = [3.0, 2.0]
    with pytest.raises(zyg.DifferentiationError, match="another value when it is run again"):
        grad(checkpoint(draws), mode="dynamic")(2.0)


_MEMORY = """
import re, sys, numpy as np, zyg
def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
def steps(x):
    for _ in range(100):
        x = np.sin(x) * 1.01
    return x
f = zyg.checkpoint(steps) if sys.argv[1] == "checkpoint" else steps
def run(x):
    for _ in range(20):
        x = f(x)
    return np.sum(x)
g = zyg.grad(run)
g(np.ones(2))
before = peak()
g(np.linspace(0, 1, 4_000))
print(peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of memory is read from /proc")
def test_checkpoints_need_less_memory():
    """2,000 arrays of 32 kB are kept without, some 120 with checkpoints; shadows double both."""
    used = {}
    for way in ("checkpoint", "plain"):
        command = [sys.executable, "-c", _MEMORY, way]
        used[way] = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert used["plain"] > 60_000
    assert used["checkpoint"] < used["plain"] / 4
