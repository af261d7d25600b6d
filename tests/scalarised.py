"""Any program as a real-valued function of plain numbers, and its gradient contracted again, for second order.

def flat(a0, a1, a2):
    y = fn((a0, a1), a2)
    return 0.4 * y[0] - 1.1 * y[1].real
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reference import is_complex, is_integer, is_number, is_real, weights
from sources import defined


@dataclass(frozen=True, slots=True)
class Scalarised:
    """`fn(*leaves)` is real; `active` are the positions of the leaves to differentiate."""

    fn: Callable[..., Any]
    leaves: tuple[Any, ...]
    active: tuple[int, ...]


def scalarised(
    name: str, fn: Callable[..., Any], args: Sequence[Any], argnums: Sequence[int], y: Any, cotangent: Any
) -> Scalarised:
    """`fn`, with its tuples taken apart and its result contracted with `cotangent`."""
    plain = not any(isinstance(arg, tuple) for arg in args)
    if plain and is_number(y):
        return Scalarised(fn, tuple(args), tuple(argnums))
    leaves: list[Any] = []
    active: list[int] = []
    namespace: dict[str, Any] = {"fn": fn}

    def built(tree: Any, differentiated: bool, top: bool) -> str:
        if isinstance(tree, tuple):
            members = [built(member, differentiated, False) for member in tree]
            if hasattr(tree, "_fields"):
                namespace[type(tree).__name__] = type(tree)
                return f"{type(tree).__name__}({', '.join(members)})"
            return f"({', '.join(members)},)" if members else "()"
        if differentiated and (is_real(tree) or is_complex(tree) or (top and is_integer(tree))):
            active.append(len(leaves))
        leaves.append(tree)
        return f"a{len(leaves) - 1}"

    call = ", ".join(built(arg, i in argnums, True) for i, arg in enumerate(args))
    terms = " + ".join(_terms("y", y, cotangent)) or "0.0"
    parameters = ", ".join(f"a{i}" for i in range(len(leaves)))
    source = f"def flat({parameters}):\n    y = fn({call})\n    return {terms}\n"
    flat = defined(source, f"<flat {name}>", namespace)["flat"]
    return Scalarised(flat, tuple(leaves), tuple(active))


def contracted(name: str, gradient: Callable[..., Any], program: Scalarised) -> Callable[..., Any]:
    """⟨weights, gradient⟩ as a function of the leaves."""
    pieces = _terms("g", tuple(program.leaves[i] for i in program.active), _weighted(program))
    parameters = ", ".join(f"a{i}" for i in range(len(program.leaves)))
    source = f"def contracted({parameters}):\n    g = gradient({parameters})\n    return {' + '.join(pieces)}\n"
    made: Callable[..., Any] = defined(source, f"<contracted {name}>", {"gradient": gradient})["contracted"]
    return made


def direction(program: Scalarised) -> list[float]:
    """The weights that `contracted` uses, as real numbers."""
    chosen = [program.leaves[i] for i in program.active]
    return weights(sum(2 if is_complex(leaf) else 1 for leaf in chosen), salt=2)


def _weighted(program: Scalarised) -> tuple[Any, ...]:
    feed = iter(direction(program))
    chosen = (program.leaves[i] for i in program.active)
    return tuple(complex(next(feed), next(feed)) if is_complex(leaf) else next(feed) for leaf in chosen)


def _terms(path: str, tree: Any, cotangent: Any) -> Iterator[str]:
    """The summands of ⟨cotangent, tree⟩ for a variable called `path`."""
    if isinstance(tree, tuple):
        for i, member in enumerate(tree):
            yield from _terms(f"{path}[{i}]", member, cotangent[i])
    elif is_complex(tree):
        yield f"({cotangent.real!r} * {path}.real)"
        yield f"({cotangent.imag!r} * {path}.imag)"
    elif cotangent is not None:
        yield f"({cotangent!r} * {path})"
