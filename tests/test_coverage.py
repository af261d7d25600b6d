"""Functions of NumPy: values as NumPy gives them, first and second derivatives as difference quotients say."""

from __future__ import annotations

import cmath
import math
import os
import re
import runpy
import types
from pathlib import Path

import numpy as np
import pytest
from forms import ELEMENTWISE, EVERY, FORMS, INACTIVE
from function_names import NAMES

import zyg

TESTS = Path(__file__).parent
rng = np.random.default_rng(0)
SCOPE = {
    "np": np,
    "math": math,
    "cmath": cmath,
    "U": np.sort(rng.uniform(0.5, 1.5, 5)),
    "W": rng.uniform(0.5, 1.5, 3),
    "X": rng.uniform(0.5, 1.5, (4, 2)),
    "S": rng.uniform(0.5, 1.5, (4, 4)),
    "I": np.array([0, 2, 1]),
    "K": np.array([1, 2, 0, -1, 3]),
}
POINTS = {"V": rng.uniform(0.5, 1.5, 5), "M": rng.uniform(0.5, 1.5, (3, 4)), "C": rng.uniform(0.5, 1.5, (2, 3, 4))}
# Of each function its first form; with ZYG_ALL_FORMS in the environment all of them
ALL = bool(os.environ.get("ZYG_ALL_FORMS"))
CASES = [form for forms in FORMS.values() for form in (forms if ALL else forms[:1])]
SMALL = [*ELEMENTWISE.values(), *INACTIVE.values()]
GROUPS = [SMALL[k : k + 8] for k in range(0, len(SMALL), 8)]
WEIGHTS = rng.uniform(0.5, 1.5, 500)


def written(*forms: str) -> tuple[types.FunctionType, np.ndarray]:
    """The sum of the elements of forms, with weights, as a function of their array."""
    name = next(name for name in ("C", "M", "V") if name in _names(forms[0]))
    scope = {**SCOPE, **POINTS}
    terms = []
    for k, form in enumerate(forms):
        value = eval(f"lambda {name}: {form}", scope)(POINTS[name])
        shape = np.shape(value)
        scope[f"w{k}"] = WEIGHTS[: np.size(value)].reshape(shape) if shape else 1.0
        seen = f"np.abs({form} - 0.1j) ** 2 + np.imag({form})" if np.iscomplexobj(value) else f"np.sin({form})"
        terms.append(f"np.sum(({seen}) * w{k})" if shape else f"({seen})")
    return eval(f"lambda {name}: {' + '.join(terms)}", scope), POINTS[name]


def _names(form: str) -> set[str]:
    return set(compile(form, "form", "eval").co_names)


def agree(f: types.FunctionType, x: np.ndarray) -> None:
    """Value and tangent; gradient, and the tangent of the gradient."""
    d, h = rng.standard_normal(x.shape), 1e-6
    value, tangent = zyg.jvp(f, (x,), (d,))
    np.testing.assert_allclose(value, f(x), rtol=1e-10)
    slope = (f(x + h * d) - f(x - h * d)) / (2 * h)
    np.testing.assert_allclose(tangent, slope, rtol=1e-5, atol=1e-7)
    g = zyg.grad(f, mode="native")
    gradient, curve = zyg.jvp(g, (x,), (d,))
    np.testing.assert_allclose(np.sum(gradient * d), slope, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(curve, (g(x + h * d) - g(x - h * d)) / (2 * h), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("form", CASES)
def test_form(form):
    agree(*written(form))


@pytest.mark.parametrize("forms", GROUPS)
def test_elementwise(forms):
    agree(*written(*forms))


# Names that tests elsewhere are about, by how they start
ELSEWHERE = {
    "test_linalg.py": ("np.linalg.", "np.roots"),
    "test_arrays.py": ("a[", "iteration over an array"),
    "test_random_draws.py": ("np.random",),
}


@pytest.mark.skipif(not hasattr(math, "exp2"), reason="an older Python has not all names")
def test_every_name_is_tested_or_a_limitation():
    limits = (TESTS.parent / "docs" / "limitations.md").read_text()
    forms = " ".join(form for given in EVERY.values() for form in given)
    known = {*EVERY, *re.findall(r"\b(?:np|math|cmath)(?:\.\w+)+", forms)}
    known |= {f"ndarray.{name}" for name in re.findall(r"[VMC\])]\.(\w+)", forms)}
    starts = tuple(start for given in ELSEWHERE.values() for start in given)
    names = [word.replace("~", " ") for word in NAMES.split()]
    assert [name for name in names if not (name in known or name.startswith(starts) or f"`{name}`" in limits)] == []
    assert all((TESTS / file).exists() for file in ELSEWHERE)


def test_keywords_are_never_ignored():
    for f in (
        lambda x: np.sum(np.array(x, ndmin=2)),
        lambda x: np.sum(np.stack((x, x), dtype=np.float32)),
        lambda x: np.sum(np.nansum(x, dtype=np.float32)),
        lambda x: np.var(x, 0, None, None, 1),
        lambda x: np.average(x, 0, x, True)[0],
    ):
        with pytest.raises(zyg.UnsupportedError, match=r"= is not compiled|by keyword"):
            zyg.grad(f, mode="native")(np.ones(3))


def test_truth_of_arrays():
    def f(x):
        return np.sum(x) if x == x else 0.0

    with pytest.raises(ValueError, match="ambiguous"):
        zyg.grad(f, mode="native")(np.array([1.0, 2.0]))
    np.testing.assert_allclose(zyg.grad(f, mode="native")(np.array([1.0])), [1.0])


@pytest.mark.skipif(not hasattr(math, "exp2"), reason="an older Python has not all names")
def test_table_is_up_to_date():
    docs = Path(__file__).parents[1] / "docs"
    table = runpy.run_path(str(docs / "make_coverage.py"))["table"]
    assert (docs / "coverage.md").read_text() == table(EVERY), "run docs/make_coverage.py"
