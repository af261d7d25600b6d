"""Automatic differentiation of Python programs as native code.

>>> import zyg
>>> f = lambda x: 5 * x + 3
>>> f(10), zyg.grad(f)(10)
(53, 5)
"""

import zyg.requirements  # noqa: F401  # isort: split
from zyg import nopython as _nopython  # noqa: F401  Numba learns of what grad gives
from zyg.api import (
    adjoint,
    dropgrad,
    grad,
    gradient,
    ignore,
    jvp,
    nograd,
    pullback,
    pushforward,
    stop_gradient,
    value_and_grad,
    vjp,
    withgradient,
)
from zyg.entry import refresh
from zyg.errors import (
    ArgumentError,
    DifferentiationError,
    DynamicModeWarning,
    UnsupportedError,
    ValueArgumentError,
    ZygError,
)
from zyg.inspection import inspect_adjoint, inspect_asm, inspect_llvm
from zyg.jacobian import diaghessian, hessian, hvp, jacfwd, jacobian, jacrev
from zyg.params import Grads, Params
from zyg.steering import checkpoint, checkpointed, checkpointed_loop, hook, isderiving, showgrad
from zyg.testing import check_grads

__all__ = [
    "ArgumentError",
    "DifferentiationError",
    "DynamicModeWarning",
    "Grads",
    "Params",
    "UnsupportedError",
    "ValueArgumentError",
    "ZygError",
    "adjoint",
    "check_grads",
    "checkpoint",
    "checkpointed",
    "checkpointed_loop",
    "diaghessian",
    "dropgrad",
    "grad",
    "gradient",
    "hessian",
    "hook",
    "hvp",
    "ignore",
    "inspect_adjoint",
    "inspect_asm",
    "inspect_llvm",
    "isderiving",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "nograd",
    "pullback",
    "pushforward",
    "refresh",
    "showgrad",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "withgradient",
]
