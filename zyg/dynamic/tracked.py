"""What tracked numbers and tracked arrays have in common: to whoever reads them they are what they stand for."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from zyg.dynamic.places import refusal


class Tracked:
    """A number or an array on a tape."""

    __slots__ = ()
    _is = "a value"

    @property
    def __zyg_root__(self) -> Any:
        """The plain number or array."""
        raise NotImplementedError

    @property
    def __zyg_active__(self) -> bool:
        """Whether it is being differentiated."""
        raise NotImplementedError

    # Text, decisions and places carry no gradient.
    def __bool__(self) -> bool:
        return bool(self.__zyg_root__)

    def __int__(self) -> int:
        return int(self.__zyg_root__)

    def __index__(self) -> int:
        return operator.index(self.__zyg_root__)

    def __str__(self) -> str:
        return str(self.__zyg_root__)

    def __repr__(self) -> str:
        return repr(self.__zyg_root__)

    def __format__(self, spec: str) -> str:
        return format(self.__zyg_root__, spec)

    # What would lose the derivative: allowed once the derivative has been taken.
    def __float__(self) -> float:
        return float(self._released("float"))

    def __complex__(self) -> complex:
        return complex(self._released("complex"))

    def __array__(self, *args: Any, **kws: Any) -> Any:
        return np.asarray(self._released("a function that takes arrays"), *args, **kws)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._released("pickle").__reduce_ex__(protocol)

    def _released(self, by: str) -> Any:
        if self.__zyg_active__:
            raise refusal(
                f"{by} is about to read {self._is} that is being differentiated, and the derivative would be lost"
            )
        return self.__zyg_root__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kws: Any) -> Any:
        from zyg.dynamic.ufuncs import call_ufunc

        return call_ufunc(ufunc, method, inputs, kws)

    def __array_function__(self, fn: Any, types: Any, args: Any, kws: Any) -> Any:
        from zyg.dynamic.numpy_calls import call_numpy

        return call_numpy(fn, args, kws)
