"""Programs that a large module calls in several places are compiled once, and give the same numbers."""

from __future__ import annotations

import numpy as np

import zyg
from zyg.ir.program import Call, Module
from zyg.passes.staying import staying

rng = np.random.default_rng(0)
A = rng.standard_normal((3, 3)) + 3 * np.eye(3)


def twice(a):
    q, r = np.linalg.qr(a)
    s, t = np.linalg.qr(np.sin(q) @ a)
    return np.sum(r * r * r) + np.sum(s * np.cos(t))


def squared(a):
    u, s, v = np.linalg.svd(a @ a)
    return np.sum(s) + np.sum((u @ v) ** 3)


def once(a):
    return np.sum(np.linalg.cholesky(a @ a.T))


def _module(f, x) -> Module:
    gradient = zyg.grad(f, mode="native")
    gradient(x)
    (entry,) = gradient._chain.entries
    return entry.lowered.module


def test_what_is_called_in_several_places_stays():
    module = _module(twice, A)
    calls = [op.fn.callee for op in module.main.ops() if isinstance(op.fn, Call)]
    assert len(calls) > len(set(calls)) > 0
    assert all(module.programs[name].distinct for name in calls)


def test_small_modules_are_one_program():
    module = _module(once, A)
    assert len(module.programs) == 1 and not staying(module)


def test_derivatives():
    for f in (twice, squared):
        zyg.check_grads(f, (A,), order=1)


def test_failures_pass_through():
    def f(a):
        one, two, three = np.linalg.cholesky(a), np.linalg.cholesky(2 * a), np.linalg.cholesky(3 * a)
        return np.sum(one @ two @ three)

    gradient = zyg.grad(f, mode="native")
    gradient(A @ A.T)
    for _ in range(2):
        try:
            gradient(-A @ A.T)
        except np.linalg.LinAlgError:
            continue
        raise AssertionError("a matrix that is not positive definite has no factor")
