"""Draws of `np.random`'s global generator, which native code calls: seeds and sequences are NumPy's.

A draw itself has no derivative.  Where a parameter only moves or stretches a distribution, the numbers do, too: such
draws are written in terms of those of the standard distribution, from which NumPy makes them in the same way.  By other
parameters there is no derivative: it is an error to take one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zyg.rules.foreign import DRAWS, FromPython
from zyg.rules.library import library


def _number(name: str, gives: str = "f") -> FromPython:
    """One draw, given its parameters."""

    def draw(*parameters: Any) -> tuple[Any]:
        return (getattr(np.random, name)(*parameters),)

    return FromPython(draw, DRAWS + name, gives)


def _numbers(name: str) -> FromPython:
    """As many draws as an array has elements, written into it."""

    def draw(out: Any, *parameters: Any) -> tuple[()]:
        out[...] = getattr(np.random, name)(*parameters, size=out.shape)
        return ()

    return FromPython(draw, DRAWS + name)


def _standard(one: FromPython, many: FromPython) -> Callable[[Any, Any], Any]:
    """Draws of a distribution without parameters: of a size, or for each element of an array."""

    def draw(size: Any, like: Any) -> Any:
        if size is None and np.ndim(like) == 0:
            return one()
        y = np.empty(np.shape(like) if size is None else size)
        if y.size > 0:
            many(y)
        return y

    return draw


_uniform_of = _standard(_number("random_sample"), _numbers("random_sample"))
_normal_of = _standard(_number("standard_normal"), _numbers("standard_normal"))
_exponential_of = _standard(_number("standard_exponential"), _numbers("standard_exponential"))
_laplace_of = _standard(_number("laplace"), _numbers("laplace"))
_logistic_of = _standard(_number("logistic"), _numbers("logistic"))
_gumbel_of = _standard(_number("gumbel"), _numbers("gumbel"))
_rayleigh_of = _standard(_number("rayleigh"), _numbers("rayleigh"))


@library(np.random.random, np.random.random_sample, np.random.ranf, np.random.sample)
def _random(size: Any = None) -> Any:
    return _uniform_of(size, 0.0)


@library(np.random.standard_normal)
def _standard_normal(size: Any = None) -> Any:
    return _normal_of(size, 0.0)


@library(np.random.standard_exponential)
def _standard_exponential(size: Any = None) -> Any:
    return _exponential_of(size, 0.0)


@library(np.random.rand)
def _rand(*dims: int) -> Any:
    return _uniform_of(None if len(dims) == 0 else dims, 0.0)


@library(np.random.randn)
def _randn(*dims: int) -> Any:
    return _normal_of(None if len(dims) == 0 else dims, 0.0)


@library(np.random.uniform)
def _uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    return low + (high - low) * _uniform_of(size, low + high)


@library(np.random.normal)
def _normal(loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
    return loc + scale * _normal_of(size, loc + scale)


@library(np.random.lognormal)
def _lognormal(mean: Any = 0.0, sigma: Any = 1.0, size: Any = None) -> Any:
    return np.exp(_normal(mean, sigma, size))


@library(np.random.exponential)
def _exponential(scale: Any = 1.0, size: Any = None) -> Any:
    return scale * _exponential_of(size, scale)


@library(np.random.laplace)
def _laplace(loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
    return loc + scale * _laplace_of(size, loc + scale)


@library(np.random.logistic)
def _logistic(loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
    return loc + scale * _logistic_of(size, loc + scale)


@library(np.random.gumbel)
def _gumbel(loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
    return loc + scale * _gumbel_of(size, loc + scale)


@library(np.random.rayleigh)
def _rayleigh(scale: Any = 1.0, size: Any = None) -> Any:
    return scale * _rayleigh_of(size, scale)


# --- with parameters that numbers do not depend on smoothly -----------------------------------------------


def _parametrized(one: FromPython, many: FromPython, integer: bool) -> Callable[..., Any]:
    def draw(size: Any, *parameters: Any) -> Any:
        if size is None:
            return one(*parameters)
        y = np.empty(size, np.int64 if integer else np.float64)
        if y.size > 0:
            many(y, *parameters)
        return y

    return draw


_randint_of = _parametrized(_number("randint", "i"), _numbers("randint"), True)
_poisson_of = _parametrized(_number("poisson", "i"), _numbers("poisson"), True)
_binomial_of = _parametrized(_number("binomial", "i"), _numbers("binomial"), True)
_gamma_of = _parametrized(_number("standard_gamma"), _numbers("standard_gamma"), False)
_beta_of = _parametrized(_number("beta"), _numbers("beta"), False)
_chisquare_of = _parametrized(_number("chisquare"), _numbers("chisquare"), False)


@library(np.random.randint)
def _randint(low: Any, high: Any = None, size: Any = None, dtype: None = None) -> Any:
    if high is None:
        return _randint_of(size, 0, low)
    return _randint_of(size, low, high)


@library(np.random.poisson)
def _poisson(lam: Any = 1.0, size: Any = None) -> Any:
    return _poisson_of(size, lam)


@library(np.random.binomial)
def _binomial(n: Any, p: Any, size: Any = None) -> Any:
    return _binomial_of(size, n, p)


@library(np.random.standard_gamma)
def _standard_gamma(shape: Any, size: Any = None) -> Any:
    return _gamma_of(size, shape)


@library(np.random.gamma)
def _gamma(shape: Any, scale: Any = 1.0, size: Any = None) -> Any:
    return scale * _gamma_of(size, shape)


@library(np.random.beta)
def _beta(a: Any, b: Any, size: Any = None) -> Any:
    return _beta_of(size, a, b)


@library(np.random.chisquare)
def _chisquare(df: Any, size: Any = None) -> Any:
    return _chisquare_of(size, df)


# --- of elements ------------------------------------------------------------------------------------------


def _shuffled(out: Any) -> tuple[()]:
    out[...] = np.random.permutation(len(out))
    return ()


def _chosen(out: Any, n: int, replace: bool) -> tuple[()]:
    out[...] = np.random.choice(n, len(out), replace)
    return ()


def _weighted(out: Any, n: int, replace: bool, p: Any) -> tuple[()]:
    out[...] = np.random.choice(n, len(out), replace, p)
    return ()


_order = FromPython(_shuffled, DRAWS + "permutation")
_places = FromPython(_chosen, DRAWS + "choice")
_weighted_places = FromPython(_weighted, DRAWS + "choice")


@library(np.random.permutation)
def _permutation(x: Any) -> Any:
    n = x if np.ndim(x) == 0 else x.shape[0]
    order = np.empty(n, np.int64)
    if n > 0:
        _order(order)
    return order if np.ndim(x) == 0 else x[order]


@library(np.random.choice)
def _choice(a: Any, size: Any = None, replace: bool = True, p: Any = None) -> Any:
    count = np.empty(1 if size is None else size, np.int64)
    places = np.ravel(count)
    n = a if np.ndim(a) == 0 else a.shape[0]
    if p is None:
        _places(places, n, replace)
    else:
        _weighted_places(places, n, replace, p)
    drawn = places if np.ndim(a) == 0 else a[places]
    return drawn[0] if size is None else np.reshape(drawn, size)


@library(np.random.seed)
def _seed(seed: Any = None) -> None:
    _seeded(seed)


def _seeding(seed: Any) -> tuple[()]:
    np.random.seed(seed)
    return ()


_seeded = FromPython(_seeding, DRAWS + "seed")
