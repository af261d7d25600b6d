"""What `grad` gives, called, passed, made and differentiated inside `@njit` functions."""

import math
import re
import subprocess
import sys
import threading
from collections import namedtuple

import numpy as np
import pytest
from numba import njit, prange
from numba.core.errors import TypingError

import zyg

Point = namedtuple("Point", "x y")


def wave(x):
    return math.sin(math.cos(x))


def power(x, n):
    r = 1.0
    while n > 0:
        r *= math.sin(x)
        n -= 1
    return r


def fold(x, n):
    return x if n < 1 else x * fold(x, n - 1)


wave_grad = zyg.grad(wave)
power_grad = zyg.value_and_grad(power)
fold_grad = zyg.grad(fold)
njit_wave = njit(wave)


# --- calls of what grad gave --------------------------------------------------------------------------------


def test_global():
    @njit
    def use(x):
        return wave_grad(x) + 1

    assert use(0.5) == wave_grad(0.5) + 1


def test_captured():
    scale = 3.0
    inner = zyg.grad(lambda x: scale * x * x)

    @njit
    def use(x):
        return inner(x)

    assert use(2.0) == 12.0


def test_loop_with_a_tape_and_recursion():
    @njit
    def use(x):
        return power_grad(x, 5), fold_grad(x, 4)

    assert use(0.5) == (power_grad(0.5, 5), fold_grad(0.5, 4))


@pytest.mark.parametrize("x", [2, 2.0, 2 + 1j, np.float32(2), np.complex64(2 + 1j), True])
def test_scalar_types(x):
    def f(a, b):
        return (a * a * 3.0 * (2 if b else 1)).real

    g = zyg.value_and_grad(f, argnums=0) if x is not True else zyg.value_and_grad(lambda b, a: f(a, b), argnums=1)
    args = (x, True) if x is not True else (x, 1.5)

    @njit
    def use(a, b):
        return g(a, b)

    assert use(*args) == pytest.approx(g(*args))


def test_small_integers_are_widened():
    g = zyg.grad(lambda x, n: x**n)

    @njit
    def use(x):
        return g(x, np.int8(3)) + g(x, np.uint16(2))

    assert use(2.0) == 12.0 + 4.0


def test_tuples_and_namedtuples():
    def f(p, k):
        return p.x * p.y[0] * k + p.y[1] ** 2

    g = zyg.value_and_grad(f, argnums=(0, 1))

    @njit
    def use(a):
        return g(Point(a, (2.0, a)), 3)

    value, (gradient, dk) = use(2.0)
    assert (value, gradient, dk) == (16.0, Point(6.0, (6.0, 4.0)), 4)
    assert type(gradient).__name__ == "Point"


def test_what_carries_no_gradient_is_none():
    g = zyg.grad(lambda pair: pair[0] * pair[1])

    @njit
    def use(x):
        return g((x, 3))

    assert use(2.0) == (3.0, None)


def test_aux():
    g = zyg.grad(lambda x: (x * x, (x + 1, 7)), has_aux=True)

    @njit
    def use(x):
        return g(x)

    assert use(2.0) == (4.0, (3.0, 7))


def test_defaults_keywords_and_stars():
    g = zyg.grad(lambda x, n=3, k=2.0: x**n * k)
    stars = zyg.grad(lambda x, *rest: x * rest[0] * rest[1])
    only = zyg.grad(keyword_only)

    @njit
    def use(x, pair):
        return g(x), g(x, 2), g(x, k=3.0), g(k=4.0, x=x, n=1), stars(x, 2.0, 3), stars(x, *pair), only(x, k=2.0)

    assert use(2.0, (4.0, 5.0)) == (24.0, 8.0, 36.0, 4.0, 6.0, 20.0, 8.0)


def keyword_only(x, *, k):
    return x * x * k


def test_function_arguments():
    @njit
    def apply(g, x):
        return g(x)

    assert apply(wave_grad, 0.5) == apply(zyg.grad(wave), 0.5) == wave_grad(0.5)
    assert len(apply.signatures) == 1
    assert apply(zyg.grad(lambda x: x * x), 3.0) == 6.0


def test_a_function_passed_to_a_derivative():
    g = zyg.grad(lambda x, f: f(x) * x)

    @njit
    def use(x):
        return g(x, njit_wave), g(x, math.exp), g(x, wave_grad)

    x = 0.5
    assert use(x) == pytest.approx((g(x, wave), g(x, math.exp), g(x, wave_grad)))


def test_in_parallel():
    @njit(parallel=True)
    def sweep(n):
        out = np.zeros(n)
        for i in prange(n):
            out[i] = power_grad(0.5 + i * 1e-3, 50)[1]
        return out

    assert sweep(100) == pytest.approx([power_grad(0.5 + i * 1e-3, 50)[1] for i in range(100)])


def test_without_the_gil():
    @njit(nogil=True)
    def use(x, n):
        total = 0.0
        for i in range(n):
            total += power_grad(x + i * 1e-6, 20)[1]
        return total

    want, found = use(0.5, 2000), []
    threads = [threading.Thread(target=lambda: found.append(use(0.5, 2000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [want] * 4


def test_llvm_sees_through_the_call():
    g = zyg.grad(lambda x: 5 * x + 3)

    @njit
    def use(x):
        return g(x) + g(x)

    assert use(1) == 10
    (text,) = use.inspect_llvm().values()
    assert not re.findall(r"call .*zyg\.", text)
    assert "i64 10" in text


# --- grad called inside -------------------------------------------------------------------------------------


def test_grad_of_a_plain_function():
    @njit
    def use(x):
        return zyg.grad(wave)(x)

    assert use(0.5) == wave_grad(0.5)


def test_grad_of_an_njit_function_and_of_an_argument():
    @njit
    def use(f, x):
        return zyg.grad(njit_wave)(x), zyg.value_and_grad(f)(x)

    assert use(njit_wave, 0.5) == (wave_grad(0.5), (wave(0.5), wave_grad(0.5)))


def test_grad_of_a_lambda():
    @njit
    def use(x):
        return zyg.grad(lambda t: t * t * t)(x)

    assert use(2.0) == 12.0


def test_a_lambda_sees_the_values_that_variables_have_when_it_is_called():
    @njit
    def use(x):
        k = 1.0
        total = 0.0
        g = zyg.grad(lambda t: t * t * k)
        for i in range(3):
            k = i + 1.0
            total += g(x)
        return total

    assert use(2.0) == 4.0 * (1 + 2 + 3)


def test_a_lambda_that_captures_functions():
    def use(x):
        twice = lambda u: 2 * u * x  # noqa: E731
        return zyg.value_and_grad(lambda a, b=3.0: twice(a) * wave(a) * b)(x)

    x = 0.7
    slope = 2 * x * 3 * (wave(x) + x * wave_grad(x))
    assert njit(use)(x) == pytest.approx(((2 * x * x * wave(x) * 3), slope))
    assert use(x) == pytest.approx(njit(use)(x))


def test_argnums_argnames_and_gradient():
    @njit
    def use(x, y):
        f = lambda a, b: a * a * b  # noqa: E731
        return zyg.grad(f, argnums=(0, 1))(x, y), zyg.grad(f, argnames="b")(x, y), zyg.gradient(f, x, y)

    assert use(2.0, 3.0) == ((12.0, 4.0), 4.0, (12.0, 4.0))


def test_withgradient_of_captured():
    @njit
    def use(x):
        return zyg.withgradient(lambda a: a * a * x, x)

    assert use(2.0) == (8.0, 8.0)


def test_second_derivatives():
    @njit
    def use(x):
        return zyg.grad(zyg.grad(wave))(x), zyg.grad(zyg.grad(lambda t: t**3 * x))(x)

    assert use(0.5) == pytest.approx((zyg.grad(wave_grad)(0.5), 6 * 0.5 * 0.5))


def test_from_import():
    grad = zyg.grad

    @njit
    def use(x):
        return grad(wave)(x)

    assert use(0.5) == wave_grad(0.5)


def test_what_carries_no_gradient_runs_in_njit_code():
    cut = zyg.nograd(njit_wave)

    @njit
    def use(x):
        return x * zyg.stop_gradient(x) + x * cut(x)

    assert use(0.5) == 0.25 + 0.5 * wave(0.5)
    assert zyg.grad(use)(0.5) == 0.5 + wave(0.5)


# --- differentiating functions that differentiate -----------------------------------------------------------


def test_derivative_of_a_function_that_calls_one():
    assert zyg.grad(lambda x: wave_grad(x) * x)(0.5) == pytest.approx(wave_grad(0.5) + 0.5 * zyg.grad(wave_grad)(0.5))
    assert zyg.grad(lambda x: zyg.grad(lambda t: t * t * x)(x) * x)(2.0) == 6 * 4.0
    assert zyg.grad(lambda x, y: zyg.grad(lambda a, b: a * b * b, argnames="b")(x, y))(2.0, 3.0) == 6.0


def test_derivative_of_an_njit_function_that_calls_one():
    @njit
    def use(x):
        return wave_grad(x) * x

    @njit
    def inside(x):
        return zyg.grad(lambda t: t * t * x)(x)

    assert zyg.grad(use)(0.5) == pytest.approx(wave_grad(0.5) + 0.5 * zyg.grad(wave_grad)(0.5))
    assert zyg.grad(inside)(2.0) == 8.0


# --- what is frozen -----------------------------------------------------------------------------------------

factor = 2.0


def scaled(x):
    return factor * x * x


scaled_grad = zyg.grad(scaled)


def test_globals_are_read_again_from_python_and_frozen_in_njit_code(monkeypatch):
    @njit
    def use(x):
        return scaled_grad(x)

    njit_scaled_grad = zyg.grad(njit(scaled))
    assert use(1.0) == scaled_grad(1.0) == njit_scaled_grad(1.0) == 4.0
    monkeypatch.setitem(globals(), "factor", 5.0)
    assert (use(1.0), njit_scaled_grad(1.0), scaled_grad(1.0)) == (4.0, 4.0, 10.0)


def test_globals_behind_a_derivative_are_read_again(monkeypatch):
    outer = zyg.grad(lambda x: scaled_grad(x) * x)
    assert outer(1.0) == 8.0
    monkeypatch.setitem(globals(), "factor", 5.0)
    assert outer(1.0) == 20.0


def test_cached_on_disk(tmp_path):
    (tmp_path / "cached.py").write_text(
        "import math, zyg\nfrom numba import njit\n"
        "def f(x, n):\n    return x if n < 1 else math.erf(x) * f(x, n - 1)\n"
        "g = zyg.grad(f)\n"
        "@njit(cache=True)\ndef use(x):\n    return g(x, 4)\n"
        "assert use(0.5) == g(0.5, 4)\nprint(sum(use.stats.cache_hits.values()))\n"
    )
    runs = [
        subprocess.run([sys.executable, "cached.py"], cwd=tmp_path, capture_output=True, text=True, env=_environment())
        for _ in range(2)
    ]
    assert [run.stdout for run in runs] == ["0\n", "1\n"], runs[-1].stderr


def test_cached_code_is_made_anew_when_another_file_has_changed(tmp_path):
    (tmp_path / "cached.py").write_text(
        "import zyg\nfrom numba import njit\nfrom model import f\ng = zyg.grad(f)\n"
        "@njit(cache=True)\ndef use(x):\n    return g(x)\n"
        "@njit(cache=True)\ndef twice(x):\n    return 2 * use(x)\n"
        "print(twice(3.0), sum(twice.stats.cache_hits.values()))\n"
    )
    (tmp_path / "model.py").write_text("from part import square\ndef f(x):\n    return square(x)\n")
    (tmp_path / "part.py").write_text("def square(x):\n    return x * x\n")

    def run() -> str:
        command = [sys.executable, "cached.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=_environment()).stdout

    assert [run(), run()] == ["12.0 0\n", "12.0 1\n"]
    (tmp_path / "part.py").write_text("def square(x):\n    return 5 * x * x\n")
    assert [run(), run()] == ["60.0 0\n", "60.0 1\n"]


def test_large_code_is_linked_behind_numbas_passes(tmp_path):
    """It is what it was, in callers of callers and from the cache, too."""
    (tmp_path / "large.py").write_text(
        "import numpy as np, zyg\nfrom numba import njit\n"
        "def step(x, w):\n"
        "    for k in range(3):\n"
        "        x = np.tanh(w @ x) + np.exp(-x * x) / np.sqrt(1 + np.sum(x * x))\n"
        "        x = np.where(x > 0, np.sin(x) * x.mean(), x - x.max())\n"
        "    return x\n"
        "def loss(w, x):\n    return np.sum(step(x, w) ** 2) + np.linalg.slogdet(w @ w.T + np.eye(len(x)))[1]\n"
        "g = zyg.grad(loss)\n"
        "@njit(cache=True)\ndef use(w, x):\n    return g(w, x)\n"
        "@njit(cache=True)\ndef twice(w, x):\n    return use(w, x) + use(2 * w, x)\n"
        "w, x = np.cos(np.arange(16.0)).reshape(4, 4), np.arange(4.0)\n"
        "np.testing.assert_allclose(twice(w, x), g(w, x) + g(2 * w, x), rtol=1e-12)\n"
        "print(sum(twice.stats.cache_hits.values()))\n"
    )
    runs = [
        subprocess.run([sys.executable, "large.py"], cwd=tmp_path, capture_output=True, text=True, env=_environment())
        for _ in range(2)
    ]
    assert [run.stdout for run in runs] == ["0\n", "1\n"], runs[-1].stderr


def _environment():
    import os
    from pathlib import Path

    return {**os.environ, "PYTHONPATH": str(Path(zyg.__file__).parents[1])}


# --- exceptions ---------------------------------------------------------------------------------------------


class Sum(Exception):
    def __init__(self, a, b):
        super().__init__(f"sum {a + b}")
        self.total = a + b


def picky(x):
    if x < -10:
        raise Sum(x, 2.0)
    if x < 0:
        raise ValueError("negative", x)
    if x > 10:
        raise ValueError(f"too large: {x}")
    return 1 / x


picky_grad = zyg.grad(picky)


@njit
def use_picky(x):
    return picky_grad(x)


@pytest.mark.parametrize("x", [-11.0, -1.5, 0.0, 11.0])
def test_exceptions_are_those_of_the_function(x):
    with pytest.raises(Exception) as own:
        picky(x)
    with pytest.raises(Exception) as found:
        use_picky(x)
    assert found.type is own.type or (sys.version_info < (3, 11) and issubclass(found.type, own.type))
    assert str(found.value) == str(own.value)
    assert vars(found.value) == vars(own.value)
    assert found.traceback[-1].lineno == own.traceback[-1].lineno
    assert found.traceback[-1].name == "picky"


def test_exceptions_are_caught_in_njit_code():
    @njit
    def count(n):
        caught = 0
        for i in range(n):
            try:
                picky_grad(i % 2 - 1.0)
            except Exception:
                caught += 1
        return caught

    assert count(10) == 10


def test_too_deep_a_recursion():
    @njit
    def use(x):
        return fold_grad(x, 100_000_000)

    with pytest.raises(RecursionError):
        use(0.5)


# --- refusals -----------------------------------------------------------------------------------------------


def test_arguments_that_cannot_be_passed():
    @njit
    def use(x):
        return wave_grad(x)

    with pytest.raises(TypingError, match=r"zyg cannot take an argument of type unicode_type"):
        use("text")
    with pytest.raises(TypingError, match=r"zyg cannot take an array of datetime64\[s\]"):
        use(np.zeros(2, "M8[s]"))


def test_wrong_number_of_arguments():
    @njit
    def use(x):
        return wave_grad(x, x)

    with pytest.raises(TypingError, match="too many positional arguments"):
        use(1.0)


def test_what_cannot_be_compiled_names_its_line():
    def f(x):
        return open(x)

    g = zyg.grad(f)

    @njit
    def use(x):
        return g(x)

    with pytest.raises(zyg.UnsupportedError, match=r"return open\(x\)"):
        use(1.0)


def test_argnums_must_be_known():
    @njit
    def use(n):
        return zyg.grad(wave, argnums=n)(0.5)

    with pytest.raises(zyg.UnsupportedError, match=r"argnums must be a constant(.|\n)*argnums=n"):
        use(0)


def test_grad_of_a_number():
    @njit
    def use(x):
        return zyg.grad(x)(x)

    with pytest.raises(TypingError, match=r"zyg\.grad needs a function, not float64"):
        use(1.0)


def test_a_derivative_with_captured_variables_is_only_called():
    @njit
    def use(x):
        return zyg.grad(lambda t: t * x)

    with pytest.raises(zyg.UnsupportedError, match="can only be called"):
        use(1.0)


# --- the options of njit functions --------------------------------------------------------------------------


def quotient(x, y):
    return x / y


@pytest.mark.parametrize("f", [quotient, njit(quotient), njit(error_model="python")(quotient)])
def test_dividing_by_zero_raises(f):
    with pytest.raises(ZeroDivisionError):
        zyg.grad(f)(1.0, 0.0)


@pytest.mark.parametrize(
    "f", [lambda x, y: x / y, lambda x, y: x // y, lambda x, y: x % y, lambda x, y: (lambda t: t / y)(x)]
)
@pytest.mark.parametrize("args", [(1.0, 0.0), (-1.0, 0.0), (0.0, 0.0), (1, 0)])
def test_error_model_numpy(f, args):
    own = njit(error_model="numpy")(f)
    assert repr(zyg.value_and_grad(own)(*args)[0]) == repr(own(*args))


def test_error_models_of_one_function_in_one_derivative():
    free, strict = njit(error_model="numpy")(quotient), njit(quotient)
    assert zyg.grad(lambda x: free(x, 0.0) + x)(1.0) == math.inf
    with pytest.raises(ZeroDivisionError):
        zyg.grad(lambda x: free(x, 0.0) + strict(x, 0.0))(1.0)


def test_fastmath_holds_where_every_function_has_it():
    def cube(x):
        return x * x * x

    fast, slow = njit(fastmath=True)(cube), njit(cube)
    assert "fmul fast" in zyg.inspect_llvm(zyg.grad(fast), 2.0)
    assert "fmul contract" in zyg.inspect_llvm(zyg.grad(njit(fastmath={"contract"})(cube)), 2.0)
    assert "fast" not in zyg.inspect_llvm(zyg.grad(slow), 2.0)
    assert "fast" not in zyg.inspect_llvm(zyg.grad(lambda x: fast(x)), 2.0)
