"""What `grad` gives, inside `@numba.njit` functions: called there like another compiled function.

Importing this tells Numba so.  The code that does it is loaded when a function first has to do with zyg.
"""

from __future__ import annotations

from typing import Any

from numba.core import ir
from numba.core.rewrites.registry import Rewrite, register_rewrite
from numba.core.typing.typeof import typeof_impl
from numba.extending import overload

from zyg import api, jacobian
from zyg.transformed import Transformed


@typeof_impl.register(Transformed)
def _type_of_derivative(value: Transformed, context: Any) -> Any:
    from zyg.nopython.callee import Derivative
    from zyg.nopython.function_type import FunctionOfZyg

    return FunctionOfZyg(Derivative(value))


@typeof_impl.register(api.nograd)
def _type_of_nograd(value: Any, context: Any) -> Any:
    return typeof_impl(value.fn, context)


@overload(api.stop_gradient)
def _stop_gradient(x: Any) -> Any:
    def same(x: Any) -> Any:
        return x

    return same


@overload(api.ignore)
def _ignore(thunk: Any) -> Any:
    def called(thunk: Any) -> Any:
        return thunk()

    return called


@register_rewrite("before-inference")
class _MakeDerivatives(Rewrite):
    """All of a function is rewritten when its first block is looked at: what one block loads another may call."""

    def __init__(self, state: Any = None) -> None:
        self._done = False

    def match(self, func_ir: Any, block: Any, typemap: Any, calltypes: Any) -> bool:
        if not self._done:
            self._done = True
            if any(_is_ours(value) for values in func_ir._definitions.values() for value in values):
                from zyg.nopython.rewriting import Rewriting

                Rewriting(func_ir).run()
        return False


def _is_ours(value: Any) -> bool:
    if not isinstance(value, (ir.Global, ir.FreeVar)):
        return False
    module = value.value.__name__ if type(value.value) is type(ir) else getattr(value.value, "__module__", None)
    return module in ("zyg", api.__name__, jacobian.__name__)
