"""Functions that steer differentiation from inside the function: `hook`, `showgrad`, `isderiving`, `checkpoint`.

Called outside of any derivative they do what is written here.  What they mean where a derivative is taken is in
`zyg.reading.steering`, for native code.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from zyg.errors import check_callable
from zyg.reading.steering import checkpoint_call
from zyg.reading.values import Path, Value, extended


def hook(fn: Callable[[Any], Any], x: Any) -> Any:
    """`x`; where a derivative is taken, `fn` is applied to its cotangent on the way back.

    x is a number, an array or a container; an array that comes out is a copy.  `fn` must give a cotangent of the
    structure and shape of x, or the derivative raises ValueArgumentError.

    >>> from zyg import grad
    >>> grad(lambda x: hook(lambda dy: 10 * dy, x) ** 2)(3.0)
    60.0
    """
    check_callable(fn, "a hook")
    return x


def showgrad(x: Any) -> Any:
    """`x`; where a derivative is taken, the cotangent of `x` is printed on the way back.

    >>> from zyg import grad
    >>> grad(lambda x: showgrad(x) ** 2)(3.0)
    ∂ = 6.0
    6.0
    """
    return x


def isderiving() -> bool:
    """Whether a derivative is being taken.

    >>> from zyg import grad
    >>> f = lambda x: 2 * x if isderiving() else x
    >>> f(1.0), grad(f)(1.0)
    (1.0, 2.0)
    """
    return False


class checkpoint:
    """`fn`, with the same values and gradients, whose intermediate values are computed again instead of kept.

    Where a derivative is taken, the arguments are kept and `fn` is called once more on the way back.  Also a decorator.
    Raises UnsupportedError where `fn` writes into arrays that it is given.

    >>> from zyg import grad
    >>> @checkpoint
    ... def f(x):
    ...     for _ in range(3):
    ...         x = x * x
    ...     return x
    >>> grad(lambda x: f(f(x)))(1.0)
    64.0
    """

    __slots__ = ("__dict__", "__weakref__", "fn")

    def __init__(self, fn: Callable[..., Any]) -> None:
        check_callable(fn, "what is checkpointed")
        self.fn = fn
        functools.update_wrapper(self, fn)

    def __call__(self, *args: Any, **kws: Any) -> Any:
        return self.fn(*args, **kws)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Stored in a class, it is a method, as a function is."""
        return self if instance is None else functools.partial(self, instance)

    def __zyg_read__(self, reader: Any, path: Path | None, args: list[Value], kws: dict[str, Value]) -> Value:
        fn = reader.spec.captures.value(self.fn, extended(path, "attr", "fn"), reader.pos)
        return checkpoint_call(reader, fn, args, kws)


checkpointed = checkpoint


def checkpointed_loop(step: Callable[[Any, int], Any], state: Any, count: int) -> Any:
    """The state after `count` steps: `for i in range(count): state = step(state, i)`.

    Where a derivative is taken, the memory that it needs grows with the square root of `count`: about that many states
    are kept, and the steps between two of them are done again on the way back, so that each is done twice.  state: a
    number, an array or a tuple of them; `step` returns new arrays.

    The scheme has two levels of Griewank and Walther, Evaluating Derivatives (2008), chapter 12.

    >>> from zyg import grad
    >>> grad(lambda x: checkpointed_loop(lambda s, i: s * x, 1.0, 5))(2.0)
    80.0
    """
    rows = max(1, math.isqrt(count))
    for start in range(0, count, rows):
        state = checkpoint(_steps)(step, state, start, min(start + rows, count))
    return state


def _steps(step: Callable[[Any, int], Any], state: Any, start: int, stop: int) -> Any:
    for i in range(start, stop):
        state = step(state, i)
    return state
