"""Functions of NumPy: values as NumPy gives them, gradients as difference quotients say."""

from __future__ import annotations

import os
import runpy
import types
from pathlib import Path

import numpy as np
import pytest
from forms import FORMS

import zyg

rng = np.random.default_rng(0)
SCOPE = {
    "np": np,
    "U": np.sort(rng.uniform(0.5, 1.5, 5)),
    "W": rng.uniform(0.5, 1.5, 3),
    "X": rng.uniform(0.5, 1.5, (4, 2)),
    "S": rng.uniform(0.5, 1.5, (4, 4)),
    "I": np.array([0, 2, 1]),
}
POINTS = {"V": rng.uniform(0.5, 1.5, 5), "M": rng.uniform(0.5, 1.5, (3, 4)), "C": rng.uniform(0.5, 1.5, (2, 3, 4))}
# Of each function its first form; with ZYG_ALL_FORMS in the environment all of them, in forward mode too
ALL = bool(os.environ.get("ZYG_ALL_FORMS"))
CASES = [form for forms in FORMS.values() for form in (forms if ALL else forms[:1])]
WEIGHTS = rng.uniform(0.5, 1.5, 500)


def written(form: str) -> tuple[types.FunctionType, np.ndarray]:
    """The sum of a form's elements, with weights, as a function of its array."""
    name = next(name for name in ("C", "M", "V") if name in _names(form))
    scope = {**SCOPE, **POINTS}
    value = eval(f"lambda {name}: {form}", scope)
    size = np.size(value(POINTS[name]))
    shape = np.shape(value(POINTS[name]))
    scope["w"] = WEIGHTS[:size].reshape(shape) if shape else 1.0
    total = f"np.sum(np.sin({form}) * w)" if shape else f"np.sin({form})"
    return eval(f"lambda {name}: {total}", scope), POINTS[name]


def _names(form: str) -> set[str]:
    return set(compile(form, "form", "eval").co_names)


@pytest.mark.parametrize("form", CASES)
def test_form(form):
    f, x = written(form)
    value, gradient = zyg.value_and_grad(f, mode="native")(x)
    np.testing.assert_allclose(value, f(x), rtol=1e-10)
    d = rng.standard_normal(x.shape)
    h = 1e-6
    slope = (f(x + h * d) - f(x - h * d)) / (2 * h)
    np.testing.assert_allclose(np.sum(gradient * d), slope, rtol=1e-5, atol=1e-7)
    if ALL:
        np.testing.assert_allclose(zyg.jvp(f, (x,), (d,))[1], slope, rtol=1e-5, atol=1e-7)


def test_truth_of_arrays():
    def f(x):
        return np.sum(x) if x == x else 0.0

    with pytest.raises(ValueError, match="ambiguous"):
        zyg.grad(f, mode="native")(np.array([1.0, 2.0]))
    np.testing.assert_allclose(zyg.grad(f, mode="native")(np.array([1.0])), [1.0])


def test_table_is_up_to_date():
    docs = Path(__file__).parents[1] / "docs"
    table = runpy.run_path(str(docs / "make_coverage.py"))["table"]
    assert (docs / "coverage.md").read_text() == table(FORMS), "run docs/make_coverage.py"
