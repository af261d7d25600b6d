"""What functions print while they are differentiated is what a plain call prints."""

import math
from typing import Any

import numba
import numpy as np
import pytest

import zyg
from zyg import grad


def numbers(x: Any) -> Any:
    print("x =", x)
    print(x, x * 2, 3, True, None, sep=", ", end="!\n")
    print()
    return x * x


def strings(x: Any) -> Any:
    for i in range(3):
        print(i, f"loss {x} at {i}", str(x * i) + "?", "%g" % x)  # noqa: UP031
        x = x * 1.5
    return math.sin(x)


def formats(x: Any) -> Any:
    for i in range(3):
        print(f"{i:>3}: {x:.4f}|{x * 2:8.3e}|{'text'!r}|{i:0{2}d}")
    return math.sin(x)


def arrays(x: Any) -> Any:
    for i in range(2):
        print(i, x, x[0], x.shape[0], np.sum(x), x > 1, x.astype(np.int64))
        x = x * 2
    print(np.outer(x, x))
    return np.sum(x**2)


def work_arrays(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        w = np.zeros(2)
        for j in range(2):
            w[j] = x[i] * j
        print(w, s)
        s += np.sum(w) ** 2
    return math.sqrt(s + 1)


def recursive(x: Any, n: int = 3) -> Any:
    print("level", n, x)
    return x * x if n == 0 else recursive(x * 2, n - 1)


PROGRAMS = [(numbers, 2.0), (strings, 0.5), (arrays, np.array([1.0, 2.0])), (work_arrays, np.array([1.0, 2.0]))]
PROGRAMS += [(recursive, 1.5), (formats, 2.0)]


@pytest.mark.parametrize("mode", ["native", "dynamic"])
@pytest.mark.parametrize("n", range(len(PROGRAMS)))
def test_prints_once(n: int, mode: str, capsys: Any) -> None:
    program, x = PROGRAMS[n]
    program(x)
    expected = capsys.readouterr().out

    def slope(x: Any) -> Any:
        return np.sum(grad(program, mode=mode)(x) * 3.0)

    for call in (
        lambda: grad(program, mode=mode)(x),
        lambda: zyg.value_and_grad(program, mode=mode)(x),
        lambda: zyg.jvp(program, (x,), (x,), mode=mode),
        lambda: grad(slope, mode=mode)(x),
    ):
        call()
        assert capsys.readouterr().out == expected


def test_printing_changes_no_derivative() -> None:
    x = np.array([0.5, 1.5])
    assert np.allclose(grad(arrays, mode="native")(x), 32 * x)
    assert np.allclose(zyg.hvp(arrays)(x, x), 32 * x)


def test_until_it_raises(capsys: Any) -> None:
    def program(x: float) -> float:
        if x > 1:
            print("big", x)
            raise ValueError("no")
        return x

    with pytest.raises(ValueError, match="no"):
        grad(program, mode="native")(2.0)
    assert capsys.readouterr().out == "big 2.0\n"


def test_formats_in_errors() -> None:
    def program(x: float) -> float:
        if x > 1:
            raise ValueError(f"x = {x:.3f}, {x!r:>5}; {'a'!r}")
        return x * x

    assert grad(program, mode="native")(0.5) == 1.0
    with pytest.raises(ValueError, match=r"x = 2\.500,   2\.5; 'a'"):
        grad(program, mode="native")(2.5)


def test_starred_names() -> None:
    def program(x: Any) -> Any:
        first, *rest = (x, x * x, x**3)
        *start, last = [x * 2, x * 3]
        one, *none = (x,)
        rest.append(x)
        return first * rest[0] * len(rest) + start[0] * last + one + len(none) + sum(rest)

    assert grad(program, mode="native")(1.5) == grad(program, mode="dynamic")(1.5) == 50.0
    assert grad(grad(program, mode="native"))(1.5) == 50.0
    assert grad(lambda v: (lambda a, *b: a)(*v), mode="native")([1.0, 2.0]) == [1.0, 0.0]


def test_in_other_places(capsys: Any) -> None:
    g = grad(numbers)

    @numba.njit
    def compiled(x: float) -> float:
        return g(x)

    assert compiled(2.0) == 4.0
    assert capsys.readouterr().out == "x = 2.0\n2.0, 4.0, 3, True, None!\n\n"
    hooked = grad(lambda x: zyg.hook(lambda d: (print("d", d), d)[1], x) ** 2, mode="native")
    assert hooked(3.0) == 6.0
    assert capsys.readouterr().out == "d 6.0\n"


def test_where_it_would_print_several_times() -> None:
    with pytest.raises(zyg.UnsupportedError, match="print would print each time"):
        zyg.pullback(numbers, 2.0, mode="native")
    checkpointed = zyg.checkpoint(numbers)
    with pytest.raises(zyg.UnsupportedError, match="print would print each time"):
        grad(lambda x: checkpointed(x), mode="native")(2.0)


# --- more of what Numba's front end does not read -------------------------------------------------------------


def scaled(p: Any, q: Any = 1.0, *, r: Any = 2.0, **more: Any) -> Any:
    return p * q * r + sum(more.values())


def twice(f: Any) -> Any:
    return lambda *args, **kws: f(*args, **kws) * 2


class Holder:
    def __init__(self, **options: Any) -> None:
        self.options = options

    def call(self, x: Any, **more: Any) -> Any:
        return scaled(x, **self.options, **more)


OPTIONS, HELD, DECORATED = {"r": 3.0, "z": 2.0}, Holder(q=2.0, w=3.0), twice(twice(scaled))


def local_dict(x: Any) -> Any:
    d = {"r": x, "t": x * x}
    d["s"] = x
    return scaled(*[x], **d)


@pytest.mark.parametrize(
    "program",
    [
        local_dict,
        lambda x: scaled(x, **OPTIONS, **{"q": x * x}),
        lambda x: HELD.call(x, r=x),
        lambda x: DECORATED(x, q=x, r=x * x),
        lambda x: (lambda a, **k: scaled(a, **k, s=a * a))(x, q=x),
    ],
)
def test_keyword_arguments_in_dicts(program: Any) -> None:
    assert grad(program, mode="native")(1.5) == pytest.approx(grad(program, mode="dynamic")(1.5), rel=1e-12)
    zyg.check_grads(program, (1.5,), order=2, modes=("rev",))


def test_keyword_arguments_given_twice() -> None:
    def program(x: Any) -> Any:
        return scaled(x, **{"q": 1.0}, **{"q": x})

    with pytest.raises(zyg.UnsupportedError, match="given twice"):
        grad(program, mode="native")(1.0)
    with pytest.raises(TypeError, match="multiple values"), pytest.warns(zyg.DynamicModeWarning):
        grad(program)(1.0)


def test_comprehensions_that_share_their_names() -> None:
    def program(x: Any, items: Any, n: int) -> Any:
        v = x
        s = sum([v * x for v in items if v > 0])
        for i in range(n):
            s += sum([v * v * x * i for v in items])
            s += sum([u * w for u in items for w in items if u > w])
        if n > 5:
            w = x  # noqa: F841
        s += sum([w for w in items])  # noqa: C416
        return s + v

    for items in ([1.0, 2.0], np.array([1.0, 2.0])):
        assert grad(program, mode="native")(1.5, items, 3) == 3.0 + 15.0 + 1.0
        assert grad(program, 1, mode="dynamic")(1.5, items, 3)[0] == grad(program, 1, mode="native")(1.5, items, 3)[0]
