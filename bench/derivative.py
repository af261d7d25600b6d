"""What a row asks zyg and JAX for: a gradient, a Jacobian, a Hessian, its product with a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import zyg

Function = Callable[..., Any]
Argnums = int | tuple[int, ...]


def contracted(found: Any, directions: Sequence[Any]) -> Any:
    """The derivative along `directions`, one for each argument, of what has a gradient or Jacobian by each."""
    parts = found if isinstance(found, tuple) else (found,)
    products = (np.tensordot(part, d, np.ndim(d)) for part, d in zip(parts, directions, strict=True))
    return np.asarray(sum(products, np.zeros(())))


def _rows_contracted(found: Any, directions: Sequence[Any]) -> Any:
    return (
        tuple(contracted(row, directions) for row in found)
        if isinstance(found, tuple)
        else contracted(found, directions)
    )


@dataclass(frozen=True, slots=True)
class Derivative:
    """zyg, jax: from a function and argnums to its derivative; JAX's is compiled by who calls it.

    along: what the derivative says of a change of the arguments along some directions, which is what differences of
    the function say; of its gradient, where `second`.
    vector: the last of its arguments is the vector, or tuple of vectors, that the derivative is taken along.
    """

    zyg: Callable[[Function, Argnums], Function]
    jax: Callable[[Function, Argnums], Function]
    along: Callable[[Any, Sequence[Any]], Any] = contracted
    second: bool = False
    vector: bool = False

    def own(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments of the function itself."""
        return args[:-1] if self.vector else args

    def primal(self, fn: Function) -> Function:
        """`fn`, called with the derivative's arguments."""
        return (lambda *args: fn(*args[:-1])) if self.vector else fn


def _jax(name: str) -> Callable[[Function, Argnums], Function]:
    def of(form: Function, argnums: Argnums) -> Function:
        import jax

        found: Function = getattr(jax, name)(form, argnums)
        return found

    return of


def _jax_hvp(form: Function, argnums: Argnums) -> Function:
    import jax

    places = (argnums,) if isinstance(argnums, int) else argnums

    def product(*args: Any) -> Any:
        *own, v = args

        def gradient(*chosen: Any) -> Any:
            for place, value in zip(places, chosen, strict=True):
                own[place] = value
            return jax.grad(form, argnums)(*own)

        chosen = tuple(own[place] for place in places)
        return jax.jvp(gradient, chosen, (v,) if isinstance(argnums, int) else v)[1]

    return product


GRADIENT = Derivative(zyg.grad, _jax("grad"))
COLUMNS = Derivative(zyg.jacfwd, _jax("jacfwd"))
HESSIAN = Derivative(zyg.hessian, _jax("hessian"), _rows_contracted, second=True)
PRODUCT = Derivative(zyg.hvp, _jax_hvp, lambda found, _: found, second=True, vector=True)
