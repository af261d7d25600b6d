"""`Params` and `Grads`: gradients by arrays that functions capture."""

from __future__ import annotations

import subprocess
import sys
import timeit
from types import SimpleNamespace

import numpy as np
import pytest

import zyg
from zyg import Grads, Params, gradient, withgradient
from zyg.pipeline import lower

W, b = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([0.5, -0.5])
unused = np.ones((2, 2))


def predict(x):
    return W @ x + b


def loss(x, y):
    return np.sum((predict(x) - y) ** 2)


x0, y0 = np.array([1.0, -1.0, 2.0]), np.array([0.0, 1.0])


def test_parameters_are_found_in_functions_that_functions_call():
    y, g = withgradient(lambda: loss(x0, y0), Params([W, b, unused]))
    r = W @ x0 + b - y0
    assert y == pytest.approx(np.sum(r**2))
    np.testing.assert_allclose(g[W], np.outer(2 * r, x0))
    np.testing.assert_allclose(g[b], 2 * r)
    np.testing.assert_array_equal(g[unused], np.zeros((2, 2)))
    assert g[W].shape == W.shape and g[W].flags.writeable


def test_readme_example_with_builtin_sum_and_a_list():
    g = gradient(lambda: sum(predict([1, 2, 3])), Params([W, b]))
    np.testing.assert_array_equal(g[W], [[1, 2, 3], [1, 2, 3]])
    np.testing.assert_array_equal(g[b], [1, 1])


def test_parameters_in_closures():
    w, v = np.array([1.0, 2.0]), np.array([3.0, 4.0])

    def model(x):
        return np.sum(w * x) + inner(x)

    def inner(x):
        return v @ x

    g = gradient(lambda: model(np.array([5.0, 6.0])), Params([v, w]))
    np.testing.assert_array_equal(g[w], [5, 6])
    np.testing.assert_array_equal(g[v], [5, 6])


def test_a_parameter_that_is_written_in_place_has_the_gradient_by_its_first_value():
    w = np.array([1.0, 2.0])

    def f():
        w[0] = w[0] * w[1]
        return np.sum(w**2)

    g = gradient(f, Params([w]))
    np.testing.assert_array_equal(w, [2.0, 2.0])
    np.testing.assert_array_equal(g[w], [8.0, 8.0])


def test_zero_length_and_other_dtypes():
    empty, single, ints = np.zeros(0), np.array([1.5, 2.5], np.float32), np.array([1, 2])
    g = gradient(lambda: np.sum(empty) + np.sum(single * ints), Params([empty, single, ints]))
    assert g[empty].shape == (0,) and g[single].dtype == np.float32 and g[ints].dtype == np.float64
    np.testing.assert_array_equal(g[ints], [1.5, 2.5])


def test_parameters_that_are_not_contiguous():
    base = np.arange(12.0).reshape(3, 4)
    w = base[:, ::2]
    g = gradient(lambda: np.sum(w * w), Params([w]))
    np.testing.assert_array_equal(g[w], 2 * w)


def test_several_paths_to_one_parameter():
    w = np.array([2.0, 3.0])
    again = w
    g = gradient(lambda: np.sum(w * again), Params([w]))
    np.testing.assert_array_equal(g[w], [4, 6])


def test_views_of_parameters_are_refused():
    w = np.ones((2, 3))
    for other in (w.T, w[0], w[:, 1:], w.reshape(3, 2)):
        with pytest.raises(ValueError, match="overlaps one of the parameters"):
            gradient(lambda other=other: np.sum(other), Params([w]))


def test_views_of_parameters_are_refused_when_the_code_is_there_already():
    w = np.ones((2, 3))

    def at(data):
        return gradient(lambda: np.sum(data) + np.sum(w), Params([w]))[w]

    np.testing.assert_array_equal(at(np.zeros((2, 3))), np.ones((2, 3)))
    for other in (w[:, :], w[::-1], w.view()):
        with pytest.raises(ValueError, match="overlaps one of the parameters"):
            at(other)
    np.testing.assert_array_equal(at(w), 2 * np.ones((2, 3)))
    w2 = np.ones((4, 3))[::2]
    w = w2
    np.testing.assert_array_equal(at(np.zeros((2, 3))), np.ones((2, 3)))
    with pytest.raises(ValueError, match="overlaps one of the parameters"):
        at(w2.base[:2])


def test_views_taken_inside_count():
    w = np.arange(6.0).reshape(2, 3)
    g = gradient(lambda: np.sum(w.T[1:] ** 2), Params([w]))
    np.testing.assert_array_equal(g[w], [[0, 2, 4], [0, 8, 10]])


def test_data_and_parameter_change_places():
    w, data = np.array([1.0, 2.0]), np.array([3.0, 4.0])

    def f():
        return np.sum(w * w * data)

    np.testing.assert_array_equal(gradient(f, Params([w]))[w], 2 * w * data)
    np.testing.assert_array_equal(gradient(f, Params([data]))[data], w * w)
    both = gradient(f, Params([data, w]))
    np.testing.assert_array_equal(both[w], 2 * w * data)
    np.testing.assert_array_equal(both[data], w * w)


def test_a_training_loop_compiles_once(monkeypatch):
    import zyg.entry

    compiled = []
    monkeypatch.setattr(zyg.entry, "lower", lambda *args, **kws: compiled.append(args) or lower(*args, **kws))
    w = np.zeros(3)
    params = Params([w])
    rng = np.random.default_rng(0)
    true = np.array([1.0, -2.0, 3.0])
    for _ in range(1000):
        x = rng.standard_normal(3)
        y = float(true @ x)
        w -= 0.1 * gradient(lambda: (w @ x - y) ** 2, params)[w]  # noqa: B023
    np.testing.assert_allclose(w, true, atol=1e-3)
    assert len(compiled) == 1


def test_a_parameter_that_is_replaced_is_seen():
    w = np.array([1.0, 2.0])

    def f():
        return np.sum(w**2)

    assert gradient(f, Params([w]))[w][1] == 4.0
    old, w = w, np.array([5.0, 6.0])
    assert gradient(f, Params([w]))[w][1] == 12.0
    assert gradient(f, Params([old]))[old][1] == 0.0
    w = np.ones((2, 2))
    assert gradient(f, Params([w]))[w].shape == (2, 2)


def test_rules_that_read_parameters_are_refused():
    w = np.array([1.0, 2.0])

    def scaled(x):
        return x * w[0]

    @zyg.adjoint(scaled)
    def _(x):
        k = w[0]
        return x * k, lambda dy: dy * k

    with pytest.raises(zyg.DifferentiationError, match=r"a rule of @zyg.adjoint reads 'w'"):
        gradient(lambda: scaled(2.0), Params([w]))


def test_recursion_and_loops_read_parameters():
    w = np.array([0.5, 2.0])

    def power(n):
        return 1.0 if n == 0 else w[1] * power(n - 1)

    def f():
        total = 0.0
        for k in range(2):
            total += w[k] * power(3)
        return total

    g = gradient(f, Params([w]))
    np.testing.assert_allclose(g[w], [8.0, 8.0 + 3 * 4.0 * 2.5])


def test_params_is_an_ordered_set_by_identity():
    a, c = np.ones(2), np.ones(2)
    ps = Params([a, c, a])
    assert len(ps) == 2 and a in ps and np.ones(2) not in ps
    assert [x is y for x, y in zip(ps, (a, c), strict=True)] == [True, True]
    assert (ps - Params([a])) == Params([c]) and (ps & Params([a])) == Params([a])
    assert (Params([a]) | Params([c])) == Params([c, a]) and Params([a]) != Params([c])
    ps.add(b)
    assert len(ps) == 3
    for wrong in (1.0, [1.0], np.float64(1), np.array(1.0), np.array(["a"])):
        with pytest.raises(TypeError, match="a parameter must be an array"):
            Params([wrong])
    with pytest.raises(TypeError, match="a list of arrays"):
        Params(np.ones(3))


def test_arithmetic_of_gradients():
    g = gradient(lambda: loss(x0, y0), Params([W, b]))
    h = (2 * g + g - g / 2) * 2.0
    np.testing.assert_allclose(h[W], 5 * g[W])
    np.testing.assert_allclose((-g)[b], -g[b])
    np.testing.assert_allclose(g.map(np.abs)[b], np.abs(g[b]))
    assert W in g and unused not in g and len(g) == 2
    assert [p is q for p, q in zip(g, (W, b), strict=True)] == [True, True]
    assert all(g[p] is v for p, v in g.items())
    flat = g.copy_to(np.empty(8))
    np.testing.assert_array_equal(flat, np.concatenate([g[W].ravel(), g[b]]))
    back = Grads(g.params, [np.zeros((2, 3)), np.zeros(2)]).copy_from(flat)
    np.testing.assert_array_equal(back[W], g[W])
    with pytest.raises(ValueError, match="a vector of 8 elements"):
        g.copy_to(np.empty(7))
    with pytest.raises(ValueError, match="different sets of parameters"):
        g + gradient(lambda: loss(x0, y0), Params([W]))
    with pytest.raises(KeyError):
        g[unused]


def test_orders_of_parameters_may_differ():
    g, h = (gradient(lambda: loss(x0, y0), Params(order)) for order in ([W, b], [b, W]))
    np.testing.assert_allclose((g + h)[W], 2 * g[W])


def test_functions_with_arguments_and_other_results_are_refused():
    with pytest.raises(TypeError, match="missing a required argument"):
        gradient(lambda x: np.sum(W * x), Params([W]))
    with pytest.raises(TypeError, match="real number"):
        gradient(lambda: W * 2, Params([W]))


def test_a_new_lambda_costs_little():
    params = Params([W, b])

    def step():
        return gradient(lambda: loss(x0, y0), params)

    step()
    each = min(timeit.repeat(step, number=200, repeat=5)) / 200
    assert each < 100e-6  # some 10 µs where the machine is quiet


def test_namespaces_are_no_parameters():
    space = SimpleNamespace()
    with pytest.raises(TypeError):
        Params([space])


PARAMETER, OTHER = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([0.3, 0.1])


def cut_off():
    return np.sum(zyg.stop_gradient(PARAMETER) @ OTHER) + np.sum(PARAMETER)


def checkpointed():
    return zyg.checkpoint(lambda v: np.sum(PARAMETER @ v))(OTHER)


def hooked():
    return np.sum(zyg.hook(lambda d: 2 * d, PARAMETER) @ OTHER)


def inner_gradient():
    return np.sum(zyg.grad(lambda t: np.sum((PARAMETER @ t) ** 2))(OTHER))


@pytest.mark.parametrize("fn", [cut_off, checkpointed, hooked, inner_gradient])
def test_steering_in_dynamic_mode_is_that_of_native_code(fn):
    wanted, found = (gradient(fn, Params([PARAMETER, OTHER]), mode=mode) for mode in ("native", "dynamic"))
    for param in (PARAMETER, OTHER):
        np.testing.assert_allclose(found[param], wanted[param], atol=1e-12)


@pytest.mark.parametrize("call", ["gradient(f, Params([W]))[W][0]", "pullback(g, 3.0)[1](1.0)[0]"])
def test_what_steers_is_known_whichever_comes_first(call):
    """In a process in which nothing else has been done."""
    program = f"""
import numpy as np
from zyg import Params, gradient, pullback, stop_gradient
W = np.array([3.0])
def g(x):
    try:
        return stop_gradient(x) * x
    finally:
        pass
def f():
    return np.sum(g(W))
import warnings; warnings.simplefilter("ignore")
print({call})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(done.stdout) == 3.0


def by_rule(v):
    return PARAMETER @ v


@zyg.adjoint(by_rule)
def _(v):
    return PARAMETER @ v, lambda dy: PARAMETER.T @ dy


def test_rules_that_read_parameters_are_refused_in_dynamic_mode():
    with pytest.raises(zyg.DifferentiationError, match="none of its arguments"):
        gradient(lambda: np.sum(by_rule(OTHER)), Params([PARAMETER, OTHER]), mode="dynamic")
    found = gradient(lambda: np.sum(by_rule(OTHER)), Params([OTHER]), mode="dynamic")
    np.testing.assert_allclose(found[OTHER], PARAMETER.sum(0))
