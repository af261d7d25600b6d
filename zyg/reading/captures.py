"""What a function reaches outside its arguments: globals, closure cells, attributes of modules.

Floats and complex numbers are lifted to inputs that are read at each call; everything else is a constant that
the compiled code holds only as long as the recorded guards hold.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import types as pytypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types
from numba.core import ir as nir
from numba.np.numpy_support import as_dtype

from zyg.errors import ValueArgumentError, unsupported
from zyg.ir.kinds import ARRAYS, CLASSES, array_shape, fits, numba_type
from zyg.ir.memory import mem_load
from zyg.ir.program import Capture, Const, Operand, Pos, Type, Var
from zyg.ir.tree import ArrayTree, Leaf, Tree
from zyg.ir.tree import leaves as tree_leaves
from zyg.reading.heads import ClosureHead
from zyg.reading.instances import NUMBAS, is_instance
from zyg.reading.shape import of_tree
from zyg.reading.values import Identity, Node, Path, Static, Value, constant, extended, rebuild, tuple_of

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_ABSENT = object()
STABLE = frozenset(("math", "cmath", "numpy", "operator", "builtins", "functools", "numba", "zyg"))


def is_frozen(path: Path) -> bool:
    """Whether the input of this path is a copy that was made when the program was read."""
    return len(path) == 1 and path[0][0] == "object"


class Captures:
    """The captures of one module being read: what is expected at each path, and the lifted inputs.

    guards: pairs of a kind of check and what to check against (see `zyg.codegen.guards`).
    homes: for each function whose globals were looked at, the path of the first function with the same namespace.
    frozen: nothing is looked at again, as in code that Numba compiles.
    sought: arrays that are arguments.  Where one of them is captured, that is one input with the argument's path.

    Other threads may rebind names meanwhile.  An object that was seen at a path stands for what is there until all
    has been read.
    """

    def __init__(
        self, lifted_ints: frozenset[Path] = frozenset(), frozen: bool = False, sought: Sequence[Any] = ()
    ) -> None:
        self.guards: dict[Path, tuple[str, Any]] = {}
        self.inputs: dict[Path, tuple[int, Tree]] = {}
        self.count = 0
        self.homes: dict[Path, Path] = {}
        self.lifted_ints = lifted_ints
        self.reader: FunctionReader | None = None
        self._frozen = frozen
        self._copies: dict[Identity, Identity] = {}
        self._seen: dict[Path, Any] = {}
        self._first: dict[Identity, Path] = {}
        self._namespaces: dict[int, Path] = {}
        self._sought = {Identity(array): (("arg", number),) for number, array in enumerate(sought)}

    def value(self, obj: Any, path: Path | None, pos: Pos, name: str = "") -> Value:
        """The abstract value of an object reached by `path` (None: frozen, as by Numba), for the user `name`."""
        if self._frozen:
            path = None
        elif path is not None:
            obj = self._seen.setdefault(path, obj)
        if hasattr(type(obj), "__zyg_apply__"):
            raise unsupported(f"{name or 'a captured value'} is being differentiated by dynamic mode", pos)
        kind = numba_type(obj)
        if kind is not None and isinstance(obj, (bool, int, float, complex, np.generic)):
            return self._number(obj, kind, path, pos, name)
        if isinstance(obj, np.ndarray):
            shape = array_shape(obj)
            if type(obj) not in ARRAYS:
                raise unsupported(f"a captured {type(obj).__name__} is not supported", pos, "Capture a plain array.")
            if shape is None:
                raise unsupported(f"a captured array of {obj.dtype} is not supported", pos, "Pass it as an argument.")
            own = (("object", Identity(obj)),) if path is None else path
            place = self._sought_at(obj, own, pos) if self._sought else own
            if path is None and place == own:
                place = (("object", self._copy(obj, shape)),)
            return _counted(self.reader, self._lifted(place, shape, name))
        foreign = obj.__self__ if isinstance(obj, pytypes.MethodType) else obj
        if isinstance(foreign, NUMBAS):
            what = f"{name or 'what is captured'}, an instance of {type(foreign).__name__}, made by Numba,"
            raise unsupported(f"{what} can be an argument only", pos, "Pass it as an argument.")
        if isinstance(obj, tuple):
            self._guard(path, "tuple", (type(obj), len(obj)))
            cls = type(obj) if type(obj) is not tuple else None
            items = []
            for i, (item, label) in enumerate(zip(obj, getattr(cls, "_fields", range(len(obj))), strict=True)):
                items.append(self.value(item, extended(path, "item", i), pos, f"{name}_{label}"))
            return tuple_of(items, cls)
        if (
            isinstance(obj, (pytypes.FunctionType, pytypes.MethodType))
            or type(obj) in (list, dict, functools.partial)
            or hasattr(type(obj), "__zyg_read__")
            or is_instance(obj)
        ):
            return self._looked_through(obj, path)
        self._guard(path, "equal" if type(obj) in (str, bytes) else "is", obj)
        return Static(obj, path)

    def _copy(self, array: Any, shape: ArrayTree) -> Identity:
        """What a frozen array holds now, laid out as native code takes it."""
        key = Identity(array)
        if key not in self._copies:
            self._copies[key] = Identity(np.array(array, as_dtype(shape.dtype), order="C"))
        return self._copies[key]

    def _number(self, obj: Any, kind: Type, path: Path | None, pos: Pos, name: str) -> Value:
        if isinstance(obj, int) and not fits(obj):
            raise unsupported(f"the integer {obj} does not fit in 64 bits", pos)
        readable = type(obj) in CLASSES[kind]
        frozen = kind == types.boolean or (isinstance(obj, int) and path not in self.lifted_ints)
        if path is None or frozen or not readable:
            self._guard(path, "equal" if readable else "is", obj)
            return constant(obj if isinstance(obj, (bool, int, float, complex)) else obj.item())
        return self._lifted(path, Leaf(kind), name)

    def _lifted(self, path: Path, shape: Tree, name: str) -> Value:
        """A capture that is read at each call: its leaves are inputs, numbered one behind the other."""
        if path not in self.inputs:
            self.inputs[path] = (self.count, shape)
            self.count += len(list(tree_leaves(shape)))
        first, shape = self.inputs[path]
        numbers = iter(range(first, self.count))
        reader = self.reader
        assert reader is not None

        def read(leaf: Operand) -> Value:
            if isinstance(leaf, Const):
                return leaf
            return reader.emit(Capture(next(numbers), name), (), leaf.type)

        found = rebuild(of_tree(shape, (), lambda obj, _: Static(obj)), read)
        reader.spec.origins.outside((found,))
        return found

    def _sought_at(self, array: np.ndarray[Any, Any], path: Path, pos: Pos) -> Path:
        """The path by which a captured array is an input: that of the argument, if it is one that is sought."""
        found = self._sought.get(Identity(array))
        if found is None:
            for other in self._sought:
                if np.may_share_memory(array, other.obj):
                    raise ValueArgumentError(
                        "this array overlaps one of the parameters in memory, but is another object",
                        pos,
                        "Read the parameter itself here and take views of it inside the function, or read a copy.",
                    )
            self._guard(path, "other", tuple(self._sought.values()))
            return path
        if path != found:
            self._guard(path, "one", found)
        return found

    def _looked_through(self, obj: Any, path: Path | None) -> Static:
        """An object that may be replaced by another of its kind: what it holds is looked at by longer paths.

        Where it is reached in two ways, it is guarded that they lead to one object, which then has one path.
        """
        if path is None:
            return Static(obj)
        first = self._first.setdefault(Identity(obj), path)
        if first != path:
            self._guard(path, "one", first)
        elif isinstance(obj, pytypes.FunctionType):
            self._guard(path, "code", obj.__code__)
            self._namespaces.setdefault(id(obj.__globals__), path)
        elif type(obj) is list:
            self._guard(path, "list", len(self._seen.setdefault((*path, ("items", None)), tuple(obj))))
        else:
            self._guard(path, "type", type(obj))
        return Static(obj, first)

    def is_shared(self, value: Static) -> bool:
        """Has an object been reached in another way than by its path, and not by itself?"""
        path = value.path
        if path is None:
            return False
        own = len(path)
        return any(
            check == "one" and what == path and (at[:own] != path or any(step == "globals" for step, _ in at[own:]))
            for at, (check, what) in self.guards.items()
        )

    def seen_list(self, value: Static) -> tuple[Any, ...]:
        """The items of a captured list when it was first seen."""
        path = extended(value.path, "items", None)
        return tuple(value.obj) if path is None else self._seen.setdefault(path, tuple(value.obj))

    def keys(self, value: Static) -> tuple[Any, ...]:
        """The keys of a captured dict, of which all are read."""
        path = extended(value.path, "self", None)
        if path is None:
            return tuple(value.obj)
        found: tuple[Any, ...] = self._seen.setdefault(path, tuple(value.obj))
        self._guard(path, "keys", found)
        return found

    def expect(self, path: Path, check: str, what: Any) -> None:
        """Guard what was seen at a path."""
        self._guard(path, check, what)

    @property
    def frozen(self) -> bool:
        """Whether nothing is looked at again."""
        return self._frozen

    def _guard(self, path: Path | None, check: str, what: Any) -> None:
        if path is not None:
            self.guards.setdefault(path, (check, what))

    def identity(self, value: Static) -> None:
        """What is read depends on which object this is, not only on its kind."""
        if value.path is not None and self.guards.get(value.path, ("", None))[0] in ("code", "type"):
            self._guard((*value.path, ("self", "is")), "is", value.obj)

    def code(self, fn: Static) -> pytypes.CodeType:
        """The code of a Python function."""
        check, what = ("", None) if fn.path is None else self.guards.get(fn.path, ("", None))
        found: pytypes.CodeType = fn.obj.__code__ if what is None or check != "code" else what
        return found

    def defaults(self, fn: Static) -> tuple[tuple[Any, ...], Path | None]:
        """The defaults of a Python function, one of which is used."""
        path = extended(fn.path, "defaults", None)
        values = fn.obj.__defaults__ or ()
        if path is not None:
            values = self._seen.setdefault(path, values)
            self._guard(path, "tuple", (tuple, len(values)))
        return values, path

    def items(self, given: dict[str, Any], path: Path | None, pos: Pos) -> dict[str, Value]:
        """The values in a dict that has strings as keys."""
        if path is not None:
            given = self._seen.setdefault(path, dict(given))
            self._guard(path, "dict", len(given))
        return {name: self.value(obj, extended(path, "key", name), pos, name) for name, obj in given.items()}

    def name(self, scope: Static | Node, name: str, pos: Pos) -> Value:
        """A global or builtin name of the function `scope`."""
        home = scope if isinstance(scope, Static) else scope.head.scope
        namespace = home.obj.__globals__
        path = None
        if home.path is not None:
            first = self.homes.setdefault(home.path, self._namespaces.get(id(namespace), home.path))
            path = (*first, ("globals", name))
        obj = namespace.get(name, _ABSENT)
        if path is not None:
            obj = self._seen.setdefault(path, obj)
        if obj is not _ABSENT:
            return self.value(obj, path, pos, name)
        if not hasattr(builtins, name):
            raise unsupported(f"name {name!r} is not defined", pos)
        self._guard(path, "builtin", name)
        return Static(getattr(builtins, name))

    def attribute(self, module: pytypes.ModuleType, name: str, path: Path | None, pos: Pos) -> Value:
        if not hasattr(module, name):
            raise unsupported(f"module {module.__name__!r} has no attribute {name!r}", pos)
        stable = module.__name__.split(".")[0] in STABLE or name not in vars(module)
        return self.value(getattr(module, name), None if stable else extended(path, "attr", name), pos, name)

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
        index = reader.code.co_freevars.index(name)
        path = extended(fn.path, "cell", index)
        try:
            contents = fn.obj.__closure__[index].cell_contents
        except ValueError:
            raise unsupported(f"variable {name!r} of the enclosing function is not assigned", reader.pos) from None
        return self.value(contents, path, reader.pos, name)

    def as_closure(self, fn: Static, pos: Pos) -> Node:
        """A captured function as one that is made while reading: with the values that its cells and defaults hold."""
        code, held = self.code(fn), {}
        for index, (name, cell) in enumerate(zip(code.co_freevars, fn.obj.__closure__, strict=True)):
            with contextlib.suppress(ValueError):  # not assigned
                held[name] = self.value(cell.cell_contents, extended(fn.path, "cell", index), pos, name)
        values, path = self.defaults(fn) if fn.obj.__defaults__ else ((), None)
        defaults = [self.value(obj, extended(path, "item", i), pos) for i, obj in enumerate(values)]
        named = fn.obj.__kwdefaults__ or {}
        by_name = [self.value(obj, extended(fn.path, "kwdefault", name), pos) for name, obj in named.items()]
        head = ClosureHead(code, fn, tuple(held), len(defaults), tuple(named))
        return Node(head, (*held.values(), *defaults, *by_name))

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
    from zyg.reading.front import Unassigned

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


def _counted(reader: FunctionReader | None, array: Value) -> Value:
    """An array; the number in it if it has no dimensions."""
    assert reader is not None and isinstance(array, Node)
    if array.head.ndim > 0:
        return array
    buffer, first = array.items
    assert isinstance(buffer, Var) and isinstance(first, Const)
    return reader.emit(mem_load, (buffer, first), array.head.dtype)
