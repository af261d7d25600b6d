"""SciPy's special functions: values, first and second derivatives, forward mode; of numbers and of arrays."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import special

import zyg
from zyg.reading.special import SAME
from zyg.rules.special_written import WRITTEN

# Each is an expression of x in (0, 1)
FORMS = {
    **{name: f"special.{name}(x)" for name, fn in SAME.items() if getattr(special, name).nin == 1},
    **{name: f"special.{name}(2.0, 3 * x)" for name in ("jv", "jn", "yv", "iv", "kv", "ive", "kve", "stdtr")},
    **{name: f"special.{name}(2, 3 * x)" for name in ("kn", "yn")},
    **{name: f"special.{name}(1.5, 2 * x)" for name in ("gammainc", "gammaincc", "huber", "pseudo_huber")},
    **{name: f"special.{name}(x, 1 + x * x)" for name in ("xlogy", "xlog1py", "beta", "betaln", "rel_entr", "kl_div")},
    "betainc": "special.betainc(2.0, 1.5, x)",
    "digamma": "special.digamma(x)",
    "psi": "special.psi(x)",
    "polygamma": "special.polygamma(2, x)",
    "multigammaln": "special.multigammaln(x + 1, 3)",
    "softplus": "special.softplus(x)",
    "exp10": "special.exp10(x)",
}
OF_ARRAYS = {
    "logsumexp": ("logsumexp(x)", "logsumexp(x, 0, np.array([1.0, 0.5, 2.0, 0.3]), True)"),
    "softmax": ("softmax(x, axis=0)",),
    "log_softmax": ("log_softmax(x, axis=-1)",),
}


def derivatives(f, x, d):
    """Value, derivative along d in both modes, and second derivative along d in both ways."""
    g = zyg.grad(f, mode="native")
    value, slope = zyg.jvp(f, (x,), (d,))
    gradient = g(x)
    seconds = zyg.jvp(g, (x,), (d,))[1], zyg.grad(lambda v: np.sum(g(v) * d), mode="native")(x)
    return value, (np.sum(gradient * d), slope), tuple(np.sum(second * d) for second in seconds)


def quotients(f, x, d):
    """First and second central difference quotients, with Richardson's correction."""

    def first(h):
        return (f(x + h * d) - f(x - h * d)) / (2 * h)

    def second(h):
        return (f(x + h * d) - 2 * f(x) + f(x - h * d)) / (h * h)

    return [(4 * q(1e-3) - q(2e-3)) / 3 for q in (first, second)]


def agree(f, x, d):
    value, firsts, seconds = derivatives(f, x, d)
    slope, curve = quotients(f, x, d)
    np.testing.assert_allclose(value, f(x), rtol=1e-12)
    np.testing.assert_allclose(firsts, slope, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(seconds, curve, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FORMS)
def test_of_numbers(name):
    agree(eval(f"lambda x: {FORMS[name]}", {"special": special}), 0.37, 1.0)


@pytest.mark.parametrize("form", [form for forms in OF_ARRAYS.values() for form in forms])
def test_of_arrays(form):
    scope = {"special": special, "np": np, "w": 1.0}
    f = eval(f"lambda x: np.sum(w * special.{form})", scope)
    x = np.random.default_rng(1).uniform(-1, 2, (3, 4))
    y = eval(f"special.{form}", scope | {"x": x})
    scope["w"] = np.cos(np.arange(float(y.size))).reshape(y.shape) if y.shape else 1.5
    agree(f, x, np.sin(np.arange(12.0)).reshape(3, 4))


def test_all_of_them_at_once_on_arrays():
    """Of a strided array, broadcast against a column."""
    terms = " + ".join(form for name, form in FORMS.items() if name != "multigammaln")
    f = eval("lambda v: np.sum(g(v[::2] * c))", {"np": np, "c": np.array([[1.0], [0.7]])})
    f.__globals__["g"] = eval(f"lambda x: {terms}", {"special": special})
    x, d = np.linspace(0.2, 0.6, 6), np.cos(np.arange(6.0))
    value, gradient = zyg.value_and_grad(f, mode="native")(x)
    np.testing.assert_allclose(value, f(x), rtol=1e-12)
    np.testing.assert_allclose(np.sum(gradient * d), quotients(f, x, d)[0], rtol=1e-7)


def test_every_function_has_a_case():
    assert {*SAME, *WRITTEN} <= {*FORMS, *OF_ARRAYS}


@pytest.mark.parametrize("mode", ["native", "dynamic"])
def test_no_derivative_by_orders_and_parameters(mode):
    for f in (lambda x: special.jv(x, 2.0), lambda x: special.gammainc(x, 2.0), lambda x: special.stdtr(x, 2.0)):
        with pytest.raises(zyg.DifferentiationError, match=r"by the .* is known"):
            zyg.grad(f, mode=mode)(1.5)
    with pytest.raises(zyg.DifferentiationError, match="by the order is known"):
        zyg.jvp(lambda x: special.jv(x, 2.0), (1.5,), (1.0,))


def test_at_poles_kinks_and_far_out():
    assert zyg.grad(lambda a, b: special.xlogy(a, b), 1)(0.0, 0.0) == 0.0
    assert zyg.grad(lambda a: special.entr(a) * a)(0.0) == 0.0
    assert zyg.grad(zyg.grad(lambda a: special.i1(a)))(0.0) == 0.0
    assert zyg.grad(zyg.grad(zyg.grad(lambda a: special.i1(a))))(0.0) == pytest.approx(3 / 8)
    assert zyg.grad(lambda a: special.gammainc(1.0, a))(0.0) == 1.0
    hazard, curve = (zyg.grad(lambda a: special.log_ndtr(a)), zyg.grad(zyg.grad(lambda a: special.log_ndtr(a))))
    for a in (-1e3, -40.0, -1.0, 0.0, 1.0, 10.0, 40.0, 1e3):
        r = hazard(a)
        assert r == pytest.approx(np.exp(-a * a / 2 - special.log_ndtr(a)) / np.sqrt(2 * np.pi), rel=1e-9)
        assert curve(a) == pytest.approx(-r * (a + r), rel=1e-8)
    masked = zyg.grad(lambda x: special.logsumexp(np.append(x, -np.inf)))
    np.testing.assert_allclose(masked(np.array([1.0, 2.0])), special.softmax([1.0, 2.0]))
    np.testing.assert_allclose(zyg.grad(lambda x: special.logsumexp(x))(np.array([1e4, 1e4])), [0.5, 0.5])


def test_single_precision_and_ints():
    x = np.array([0.25, 0.5], np.float32)
    assert zyg.grad(lambda x: np.sum(special.erfinv(x)))(x).dtype == np.float32
    assert zyg.grad(lambda n: special.gammaln(n))(3) == pytest.approx(special.psi(3))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(special.logsumexp(x, axis=0)),
        lambda x: np.sum(special.softmax(x, axis=1) * x),
        lambda x: np.sum(special.polygamma(2, x) + special.digamma(x)),
        lambda x: np.sum(special.huber(0.5, x) + special.erfinv(x) + special.xlogy(x, x) + special.jv(2, x)),
        lambda x: special.logsumexp([x[0, 0], 2 * x[1, 1]]),
    ],
)
def test_dynamic_mode_gives_the_same(f):
    x = np.random.default_rng(1).uniform(0.1, 0.9, (2, 3))
    d = np.ones((2, 3))
    native, dynamic = (zyg.grad(f, mode=mode) for mode in ("native", "dynamic"))
    np.testing.assert_allclose(dynamic(x), native(x), rtol=1e-12)
    again = zyg.grad(lambda x: np.sum(dynamic(x) * d), mode="dynamic")
    np.testing.assert_allclose(again(x), zyg.jvp(native, (x,), (d,))[1], rtol=1e-10, atol=1e-14)


def test_in_compiled_code():
    import numba

    g = zyg.grad(lambda x: special.digamma(x) * x)
    assert numba.njit(lambda x: g(x))(2.0) == g(2.0)


def test_the_module_is_not_imported_for_nothing():
    code = "import sys, zyg; zyg.grad(lambda x: x * x)(1.0); assert 'scipy.special' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
