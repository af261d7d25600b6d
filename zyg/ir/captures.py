"""What a function reaches outside its arguments: globals, closure cells, attributes of modules.

Floats and complex numbers are lifted to inputs that are read at each call; everything else is a constant that
the compiled code holds only as long as the recorded guards hold.
"""

from __future__ import annotations

import builtins
import types as pytypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import ir as nir

from zyg.errors import unsupported
from zyg.ir.program import Pos, Type
from zyg.ir.values import ClosureHead, Node, Path, Static, Value, constant, numba_type, tuple_of

if TYPE_CHECKING:
    from zyg.ir.read import FunctionReader

STABLE = frozenset(("math", "cmath", "numpy", "operator", "builtins", "functools", "numba", "zyg"))


@dataclass(frozen=True, slots=True)
class Capture:
    """The `fn` of an op that gives the value of a lifted capture, by its number."""

    index: int
    name: str = ""

    @property
    def __name__(self) -> str:
        return f"captured{self.index}"


class Captures:
    """The captures of one module being read: `guards` by path, and the lifted `inputs`."""

    def __init__(self, lifted_ints: frozenset[Path] = frozenset()) -> None:
        self.guards: dict[Path, tuple[str, Any]] = {}
        self.inputs: dict[Path, tuple[int, Type]] = {}
        self.lifted_ints = lifted_ints
        self.reader: FunctionReader | None = None

    def value(self, obj: Any, path: Path | None, pos: Pos, name: str = "") -> Value:
        """The abstract value of an object reached by `path` (None: a constant of the code), for the user `name`."""
        kind = numba_type(obj)
        if kind is not None and isinstance(obj, (bool, int, float, complex, np.generic)):
            frozen = isinstance(obj, (bool, np.bool_)) or (isinstance(obj, int) and path not in self.lifted_ints)
            if path is None or frozen:
                if isinstance(obj, int) and not -(2**63) <= obj < 2**63:
                    raise unsupported(f"the integer {obj} does not fit in 64 bits", pos)
                self._guard(path, "equal", obj)
                return constant(obj if isinstance(obj, (bool, int, float, complex)) else obj.item())
            self.inputs.setdefault(path, (len(self.inputs), kind))
            index, kind = self.inputs[path]
            assert self.reader is not None
            return self.reader.emit(Capture(index, name), (), kind)
        if isinstance(obj, tuple):
            self._guard(path, "tuple", (type(obj), len(obj)))
            cls = type(obj) if type(obj) is not tuple else None
            labels = getattr(cls, "_fields", range(len(obj)))
            items = []
            for i, (item, label) in enumerate(zip(obj, labels, strict=True)):
                inside = None if path is None else (*path, ("item", i))
                items.append(self.value(item, inside, pos, f"{name}_{label}"))
            return tuple_of(items, cls)
        if isinstance(obj, pytypes.FunctionType):
            self._guard(path, "code", obj.__code__)
            return Static(obj, path)
        if isinstance(obj, str) or obj is None:
            self._guard(path, "equal", obj)
            return Static(obj, path)
        self._guard(path, "is", obj)
        return Static(obj, path)

    def _guard(self, path: Path | None, check: str, what: Any) -> None:
        if path is not None:
            self.guards[path] = (check, what)

    def name(self, scope: Static | Node, name: str, pos: Pos) -> Value:
        """A global or builtin name of the function `scope`."""
        home = scope if isinstance(scope, Static) else scope.head.scope
        namespace = home.obj.__globals__
        path = None if home.path is None else (*home.path, ("globals", name))
        if name in namespace:
            return self.value(namespace[name], path, pos, name)
        if not hasattr(builtins, name):
            raise unsupported(f"name {name!r} is not defined", pos)
        if path is not None:
            self._guard(path, "builtin", name)
        return Static(getattr(builtins, name))

    def attribute(self, module: pytypes.ModuleType, name: str, path: Path | None, pos: Pos) -> Value:
        if not hasattr(module, name):
            raise unsupported(f"module {module.__name__!r} has no attribute {name!r}", pos)
        stable = module.__name__.split(".")[0] in STABLE
        path = None if stable or path is None else (*path, ("attr", name))
        return self.value(getattr(module, name), path, pos, name)

    def free(self, reader: FunctionReader, name: str) -> Value:
        """A variable of an enclosing function."""
        fn = reader.scope
        if isinstance(fn, Node):
            head: ClosureHead = fn.head
            if name in head.captures:
                return fn.items[head.captures.index(name)]
            for sibling, code in head.siblings:
                if sibling == name:
                    captured = fn.items[: len(head.captures)]
                    return Node(ClosureHead(code, head.scope, head.captures, 0, (), head.siblings), captured)
            raise unsupported(f"variable {name!r} of the enclosing function is not assigned yet", reader.pos)
        index = fn.obj.__code__.co_freevars.index(name)
        path = None if fn.path is None else (*fn.path, ("cell", index))
        try:
            contents = fn.obj.__closure__[index].cell_contents
        except ValueError:
            raise unsupported(f"variable {name!r} of the enclosing function is not assigned", reader.pos) from None
        return self.value(contents, path, reader.pos, name)

    def closure(self, reader: FunctionReader, expr: Any) -> Value:
        """A nested `def` or `lambda`, with the values that its cells hold now."""
        items: dict[str, Value] = {}
        siblings: dict[str, pytypes.CodeType] = {}
        self._collect(reader, expr, items, siblings)
        defaults: tuple[Value, ...] = ()
        if expr.defaults is not None:
            if isinstance(expr.defaults, tuple):
                defaults = tuple(reader.load(var.name) for var in expr.defaults)
            else:
                value = reader.load(expr.defaults.name)
                assert isinstance(value, Node)
                defaults = value.items
        names: tuple[str, ...] = ()
        kwdefaults: tuple[Value, ...] = ()
        if expr.kwdefaults is not None:
            node = reader.load(expr.kwdefaults.name)
            assert isinstance(node, Node)
            names, kwdefaults = node.head.keys, node.items
        if siblings and (defaults or names):
            raise unsupported("a recursive nested function cannot have default arguments", reader.pos)
        home = reader.scope if isinstance(reader.scope, Static) else reader.scope.head.scope
        head = ClosureHead(expr.code, home, tuple(items), len(defaults), names, tuple(sorted(siblings.items())))
        return Node(head, (*items.values(), *defaults, *kwdefaults))

    def _collect(
        self, reader: FunctionReader, expr: Any, items: dict[str, Value], siblings: dict[str, pytypes.CodeType]
    ) -> None:
        if expr.closure is None:
            return
        for name in expr.code.co_freevars:
            if name in items or name in siblings:
                continue
            if name in reader.code.co_freevars:
                items[name] = self.free(reader, name)
                continue
            value = reader.env.get(name)
            if value is None or (isinstance(value, Static) and value.path is None and _unassigned(value)):
                other = _maker(reader.ir, name)
                if other is None:
                    raise unsupported(
                        f"{name!r} is captured before it is assigned", reader.pos, "Define it before this function."
                    )
                siblings[name] = other.code
                self._collect(reader, other, items, siblings)
            else:
                items[name] = reader.load(name)


def _unassigned(value: Static) -> bool:
    from zyg.ir.front import Unassigned

    return value.obj is Unassigned


def _maker(func_ir: Any, name: str) -> Any:
    """The only assignment to `name`, if that is the making of a function."""
    found = [value for value in _assigned(func_ir, name) if not isinstance(value, nir.Const)]
    while len(found) == 1 and isinstance(found[0], nir.Var):
        found = _assigned(func_ir, found[0].name)
    if len(found) == 1 and isinstance(found[0], nir.Expr) and found[0].op == "make_function":
        return found[0]
    return None


def _assigned(func_ir: Any, name: str) -> list[Any]:
    return [
        stmt.value
        for block in func_ir.blocks.values()
        for stmt in block.body
        if isinstance(stmt, nir.Assign) and stmt.target.name == name
    ]
