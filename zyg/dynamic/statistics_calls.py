"""Functions of Python's `statistics`, which compute in exact fractions: their values are kept, their derivatives are
those of the textbook's formulas."""

from __future__ import annotations

import functools
import math
import operator
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from zyg.dynamic.number import Number, lowest
from zyg.dynamic.resolve import CALLS
from zyg.rules import primitives as p


def _total(items: Iterable[Any]) -> Any:
    return functools.reduce(operator.add, items)


def _mean(data: Sequence[Any]) -> Any:
    return _total(data) / len(data)


def _squares(data: Sequence[Any], center: Any) -> Any:
    center = _mean(data) if center is None else center
    return _total([(item - center) ** 2 for item in data])


def _variance(data: Sequence[Any], xbar: Any = None) -> Any:
    return _squares(data, xbar) / (len(data) - 1)


def _pvariance(data: Sequence[Any], mu: Any = None) -> Any:
    return _squares(data, mu) / len(data)


def _root(variance: Callable[..., Any]) -> Callable[..., Any]:
    return lambda data, center=None: CALLS[math.sqrt](variance(data, center))


def _harmonic_mean(data: Sequence[Any], weights: Iterable[Any] | None = None) -> Any:
    weights = [1] * len(data) if weights is None else list(weights)
    return _total(weights) / _total([w / item for w, item in zip(weights, data, strict=True)])


_FORMULAS: dict[Any, Callable[..., Any]] = {
    statistics.mean: _mean,
    statistics.variance: _variance,
    statistics.pvariance: _pvariance,
    statistics.stdev: _root(_variance),
    statistics.pstdev: _root(_pvariance),
    statistics.harmonic_mean: _harmonic_mean,
}


def _plain(value: Any) -> Any:
    return [lowest(item) for item in value] if isinstance(value, list) else lowest(value)


def _call(fn: Any, formula: Callable[..., Any]) -> Callable[..., Any]:
    def call(data: Iterable[Any], *args: Any, **kws: Any) -> Any:
        data = list(data)
        given = [list(arg) if isinstance(arg, (list, tuple)) else arg for arg in (*args, *kws.values())]
        args, kws = tuple(given[: len(args)]), dict(zip(kws, given[len(args) :], strict=True))
        exact = fn(_plain(data), *map(_plain, args), **{name: _plain(arg) for name, arg in kws.items()})
        tracked = [item for arg in (data, *given) for item in (arg if isinstance(arg, list) else [arg])]
        if not any(type(item) is Number for item in tracked):
            return exact
        return p.attach(exact, formula(data, *args, **kws))

    return call


CALLS.update({fn: _call(fn, formula) for fn, formula in _FORMULAS.items()})
