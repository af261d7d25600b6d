"""The public functions that give Jacobians and second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import zyg.reading.jacobians  # noqa: F401  the kinds of derivatives below
from zyg.nested import read_grad
from zyg.reading.handlers import HANDLERS
from zyg.transformed import Transformed, options_of


def _derivative(fn: Callable[..., Any], argnums: int | tuple[int, ...], gives: str) -> Transformed:
    return Transformed(fn, options_of(fn, argnums, None, gives, False), "auto")


def jacobian(fn: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Transformed:
    """A function of `fn`'s arguments that gives its Jacobian: an array of shape `y.shape + x.shape`.

    `x`, the argument that `argnums` names, is a number or an array; a tuple of `argnums` gives a tuple.  Where `fn`
    returns a tuple, so does the Jacobian, one for each entry.  It is made by rows in reverse mode where these are
    clearly fewer than the columns, else by columns in forward mode.

    Raises ArgumentError (a TypeError) if argument or result is complex or neither number nor array.

    >>> import numpy as np
    >>> jacobian(lambda x: x[:2] * x[1])(np.array([1.0, 2.0, 3.0]))
    array([[2., 1., 0.],
           [0., 4., 0.]])
    """
    return _derivative(fn, argnums, "jacobian")


def jacfwd(fn: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Transformed:
    """`jacobian` in forward mode, several columns in one sweep.

    >>> import numpy as np
    >>> jacfwd(lambda t: np.array([t, t * t]))(3.0)
    array([1., 6.])
    """
    return _derivative(fn, argnums, "jacfwd")


def jacrev(fn: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Transformed:
    """`jacobian` in reverse mode, a row in each sweep.

    >>> import numpy as np
    >>> jacrev(lambda x: np.array([np.sum(x * x), x[0]]))(np.array([1.0, 2.0]))
    array([[2., 4.],
           [1., 0.]])
    """
    return _derivative(fn, argnums, "jacrev")


def hessian(fn: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Transformed:
    """A function of `fn`'s arguments that gives the second derivatives of scalar `fn`, of shape `x.shape + x.shape`.

    A tuple of `argnums` gives a tuple of tuples.  Forward mode over the gradient.

    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    return _derivative(fn, argnums, "hessian")


def diaghessian(fn: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Transformed:
    """A function of `fn`'s arguments that gives the diagonal of the Hessian, of the shape of `x`.

    >>> import numpy as np
    >>> diaghessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([ 6., 12.])
    """
    return _derivative(fn, argnums, "diaghessian")


def hvp(fn: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Transformed:
    """A function of `fn`'s arguments and a vector `v` of the shape of `x` that gives the Hessian times `v`.

    It costs a small multiple of a gradient: the Hessian is not formed.  For a tuple of `argnums`, `v` is a tuple.

    >>> import numpy as np
    >>> hvp(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]), np.array([1.0, 0.0]))
    array([6., 2.])
    """
    return _derivative(fn, argnums, "hvp")


GIVERS = (jacobian, jacfwd, jacrev, hessian, diaghessian, hvp)
for _giver in GIVERS:
    HANDLERS[_giver] = read_grad(_giver.__name__)
