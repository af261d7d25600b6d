"""Arrays that functions capture as parameters, and the gradients by them: `Params` and `Grads`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

from zyg.errors import ArgumentError, ValueArgumentError

Array: TypeAlias = np.ndarray[Any, Any]


class Params:
    """An ordered set of arrays, told apart by identity, not by their elements.

    Raises ArgumentError (a TypeError) for what is no array of numbers with at least one dimension.

    >>> W, b = np.ones((2, 3)), np.zeros(2)
    >>> ps = Params([W, b, W])
    >>> len(ps), W in ps, np.ones((2, 3)) in ps
    (2, True, False)
    >>> len(ps - Params([b])), len(ps & Params([b])), len(ps | Params([np.ones(1)]))
    (1, 1, 3)
    """

    __slots__ = ("_arrays", "_tuple")

    def __init__(self, arrays: Iterable[Array] = ()) -> None:
        self._arrays: dict[int, Array] = {}
        self._tuple: tuple[Array, ...] | None = None
        if isinstance(arrays, np.ndarray):
            raise ArgumentError("Params takes a list of arrays, not one array")
        for array in arrays:
            self.add(array)

    def add(self, array: Array) -> None:
        """Make `array` a parameter, behind the others, if it is none yet."""
        if type(array) is not np.ndarray or array.ndim == 0 or array.dtype.kind not in "fcbiu":
            raise ArgumentError(
                f"a parameter must be an array of numbers with at least one dimension, not {_kind(array)}"
            )
        self._arrays.setdefault(id(array), array)
        self._tuple = None

    @property
    def arrays(self) -> tuple[Array, ...]:
        """The arrays, in the order in which they were added."""
        if self._tuple is None:
            self._tuple = tuple(self._arrays.values())
        return self._tuple

    def __contains__(self, array: object) -> bool:
        return id(array) in self._arrays

    def __iter__(self) -> Iterator[Array]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __or__(self, other: Params) -> Params:
        return Params((*self, *other))

    def __and__(self, other: Params) -> Params:
        return Params(array for array in self if array in other)

    def __sub__(self, other: Params) -> Params:
        return Params(array for array in self if array not in other)

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same arrays, in any order."""
        return isinstance(other, Params) and self._arrays.keys() == other._arrays.keys()

    __hash__ = None  # type: ignore[assignment]

    def copy_to(self, flat: Array) -> Array:
        """Write all parameters into the vector `flat`, one behind the other; gives `flat`.

        >>> Params([np.ones((2, 2)), np.zeros(2)]).copy_to(np.empty(6))
        array([1., 1., 1., 1., 0., 0.])
        """
        for part, param in zip(_parts(flat, self), self, strict=True):
            part[...] = np.ravel(param)
        return flat

    def copy_from(self, flat: Array) -> Params:
        """Write into the parameters what `copy_to` has written into `flat`; gives this object.

        >>> W = np.zeros((2, 2))
        >>> _ = Params([W]).copy_from(np.arange(4.0))
        >>> W
        array([[0., 1.],
               [2., 3.]])
        """
        for part, param in zip(_parts(flat, self), self, strict=True):
            param[...] = part.reshape(param.shape)
        return self

    def __repr__(self) -> str:
        return f"Params([{', '.join(f'<{array.dtype} array of shape {array.shape}>' for array in self)}])"


def _kind(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with {value.ndim} dimensions"
    return f"an instance of {type(value).__name__}"


def _parts(flat: Array, arrays: Iterable[Any]) -> list[Array]:
    """The parts of a vector that belong to each of some arrays."""
    sizes = [np.size(array) for array in arrays]
    if flat.shape != (sum(sizes),):
        raise ValueArgumentError(f"a vector of {sum(sizes)} elements is needed, not one of shape {flat.shape}")
    ends = np.cumsum(sizes)
    return [flat[end - size : end] for end, size in zip(ends, sizes, strict=True)]


class Grads:
    """The gradients by the arrays of `params`, each of its array's shape: `g[W]`.

    With numbers and with gradients by the same arrays, `+`, `-`, `*` and `/` work array by array.

    Raises KeyError where an array is no parameter, ValueArgumentError (a ValueError) where sets of parameters differ.

    >>> W, b = np.ones((2, 2)), np.zeros(2)
    >>> g = Grads(Params([W, b]), [np.full((2, 2), 3.0), np.ones(2)])
    >>> (2 * g + g)[b]
    array([3., 3.])
    >>> g.map(np.sum)[W]
    np.float64(12.0)
    """

    __slots__ = ("_of", "params")
    __array_ufunc__ = None  # an array and Grads make no array of objects

    def __init__(self, params: Params, gradients: Iterable[Any]) -> None:
        self.params = Params(params.arrays)
        self._of = dict(zip(map(id, params.arrays), gradients, strict=True))

    def __getitem__(self, param: Array) -> Any:
        try:
            return self._of[id(param)]
        except KeyError:
            raise KeyError("this array is not one of the parameters; they are told apart by identity") from None

    def __setitem__(self, param: Array, gradient: Any) -> None:
        self[param]
        self._of[id(param)] = gradient

    def __contains__(self, param: object) -> bool:
        return id(param) in self._of

    def __iter__(self) -> Iterator[Array]:
        return iter(self.params)

    def __len__(self) -> int:
        return len(self._of)

    def keys(self) -> tuple[Array, ...]:
        """The parameters."""
        return self.params.arrays

    def values(self) -> tuple[Any, ...]:
        """The gradients, in the order of the parameters."""
        return tuple(self._of.values())

    def items(self) -> tuple[tuple[Array, Any], ...]:
        """Pairs of a parameter and the gradient by it."""
        return tuple(zip(self.params.arrays, self._of.values(), strict=True))

    def map(self, fn: Callable[..., Any], *others: Grads) -> Grads:
        """`fn` of the gradient by each parameter, and of those in `others`."""
        return Grads(self.params, [fn(self[param], *(self._same(one)[param] for one in others)) for param in self])

    def _same(self, other: Grads) -> Grads:
        if self.params != other.params:
            raise ValueArgumentError("these are gradients by different sets of parameters")
        return other

    def _with(self, fn: Callable[[Any, Any], Any], other: object) -> Any:
        if isinstance(other, Grads):
            return self.map(fn, other)
        if isinstance(other, (int, float, complex, np.number)):
            return self.map(lambda gradient: fn(gradient, other))
        return NotImplemented

    def __add__(self, other: object) -> Any:
        return self._with(lambda a, b: a + b, other)

    def __radd__(self, other: object) -> Any:
        return self._with(lambda a, b: b + a, other)

    def __sub__(self, other: object) -> Any:
        return self._with(lambda a, b: a - b, other)

    def __rsub__(self, other: object) -> Any:
        return self._with(lambda a, b: b - a, other)

    def __mul__(self, other: object) -> Any:
        return self._with(lambda a, b: a * b, other)

    def __rmul__(self, other: object) -> Any:
        return self._with(lambda a, b: b * a, other)

    def __truediv__(self, other: object) -> Any:
        return self._with(lambda a, b: a / b, other)

    def __neg__(self) -> Grads:
        return self.map(lambda gradient: -gradient)

    def copy_to(self, flat: Array) -> Array:
        """Write all gradients into the vector `flat`, one behind the other; gives `flat`.

        >>> W, b = np.ones((2, 2)), np.zeros(2)
        >>> Grads(Params([W, b]), [np.full((2, 2), 3.0), np.ones(2)]).copy_to(np.empty(6))
        array([3., 3., 3., 3., 1., 1.])
        """
        for part, (_, gradient) in zip(_parts(flat, self.values()), self.items(), strict=True):
            part[...] = np.ravel(gradient)
        return flat

    def copy_from(self, flat: Array) -> Grads:
        """Take all gradients from the vector `flat`, as `copy_to` writes them; gives this object.

        >>> W, b = np.ones((2, 2)), np.zeros(2)
        >>> Grads(Params([W, b]), [np.zeros((2, 2)), np.ones(2)]).copy_from(np.arange(6.0))[W]
        array([[0., 1.],
               [2., 3.]])
        """
        for part, (param, gradient) in zip(_parts(flat, self.values()), self.items(), strict=True):
            self[param] = part.reshape(np.shape(gradient)).astype(np.asarray(gradient).dtype)
        return self

    def __repr__(self) -> str:
        parts = ", ".join(f"{array.shape}: {gradient!r}" for array, gradient in self.items())
        return f"Grads({{{parts}}})"
