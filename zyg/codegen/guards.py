"""Guards: what must hold of the arguments and of what a function captures for compiled code to be right.

A guard tree starts at the function and at each argument and follows access paths: a global's name, a cell's
number, an attribute of a module.  Each node says what is expected of the object there; some of them are
numbers that the program takes as inputs.  So taking the arguments apart, checking the captures and reading
the lifted ones is one walk.  It exists twice: here, over Python objects, to find the right specialisation;
and as generated code (`caller_unbox`), at each call.

Paths are tuples of steps:

    ("globals", name)     of a function: what the name means there
    ("cell", i)           of a function: what cell i of its closure holds
    ("defaults",)         of a function: its defaults, a tuple or None; likewise ("kwdefaults",), a dict or None
    ("default", i)        of a function: item i of its defaults; likewise ("kwdefault", name)
    ("item", i)           of a tuple
    ("attr", name)        of a module, a `functools.partial` or a bound method

The empty path is the function; a path that begins with ("arg", i) starts at that argument.
"""

from __future__ import annotations

import builtins
import types as pytypes
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
from numba import types

from zyg.codegen.caller_layout import ATTRIBUTES
from zyg.ir.program import Type
from zyg.ir.tree import Leaf, Tree, TupleTree, leaves

Step: TypeAlias = tuple[Any, ...]
Path: TypeAlias = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Same:
    """The very object."""

    obj: object


@dataclass(frozen=True, slots=True)
class Equal:
    """An object of the same class and value, which is a constant of the program."""

    value: object


class Home(Enum):
    """How a function takes part in looking at each global once, however many functions refer to it."""

    APART = 0
    OWNER = 1  # its namespace is home
    SHARED = 2  # its namespace must be home: its globals are looked at there


@dataclass(frozen=True, slots=True)
class HasCode:
    """A Python function with this code; what it captures has guards of its own."""

    code: pytypes.CodeType
    home: Home = Home.APART


@dataclass(frozen=True, slots=True)
class Exactly:
    """An instance of the class, not of a subclass."""

    cls: type


@dataclass(frozen=True, slots=True)
class TupleOf:
    """A tuple, or an instance of the namedtuple class, of this length."""

    cls: type
    size: int


@dataclass(frozen=True, slots=True)
class Builtin:
    """A name that is not a global and still means this builtin."""

    obj: object


@dataclass(frozen=True, slots=True)
class Number:
    """A number of this machine type: an input of the program, or several."""

    type: Type
    slots: tuple[int, ...]


Check: TypeAlias = Same | Equal | HasCode | Exactly | TupleOf | Builtin | Number


@dataclass(frozen=True, slots=True)
class Node:
    check: Check
    children: tuple[tuple[Step, Node], ...] = ()

    def __iter__(self) -> Iterator[Node]:
        yield self
        for _, child in self.children:
            yield from child


@dataclass(frozen=True, slots=True)
class Guards:
    """Everything that is checked before compiled code runs, and where its inputs come from.

    inputs: the machine types of the program's inputs: those of the arguments, then the lifted captures.
    """

    function: Node
    arguments: tuple[Node, ...]
    inputs: tuple[Type, ...]

    def read(self, function: object, args: tuple[object, ...]) -> tuple[object, ...] | None:
        """The inputs, as Python numbers, or None where a guard does not hold."""
        reading = _Reading([None] * len(self.inputs))
        if len(args) != len(self.arguments):
            return None
        pairs = zip((*self.arguments, self.function), (*args, function), strict=True)
        return tuple(reading.found) if all(reading.holds(node, obj) for node, obj in pairs) else None


ABSENT = object()


class _Reading:
    """One walk over Python objects: the inputs found, and the namespace that is home."""

    def __init__(self, found: list[object]) -> None:
        self.found = found
        self.home: object = None

    def holds(self, node: Node, obj: Any) -> bool:
        check = node.check
        if not HOLDS[type(check)](check, obj):
            return False
        if isinstance(check, Number):
            for slot in check.slots:
                self.found[slot] = obj
        elif isinstance(check, HasCode) and check.home is Home.OWNER:
            self.home = obj.__globals__
        elif isinstance(check, HasCode) and check.home is Home.SHARED and obj.__globals__ is not self.home:
            return False
        return all(self.holds(child, follow(obj, step, child.check)) for step, child in node.children)


def follow(obj: Any, step: Step, check: Check | None = None) -> object:
    """The object one step on; `ABSENT` where there is none."""
    kind, *rest = step
    if kind == "globals":
        if isinstance(check, Builtin):
            return ABSENT if rest[0] in obj.__globals__ else obj.__builtins__.get(rest[0], ABSENT)
        return obj.__globals__.get(rest[0], ABSENT)
    if kind == "cell":
        try:
            return obj.__closure__[rest[0]].cell_contents
        except ValueError:
            return ABSENT
    if kind in ("defaults", "kwdefaults"):
        return getattr(obj, f"__{kind}__")
    if kind == "default":
        values = obj.__defaults__ or ()
        return values[rest[0]] if rest[0] < len(values) else ABSENT
    if kind == "kwdefault":
        return (obj.__kwdefaults__ or {}).get(rest[0], ABSENT)
    if kind == "item":
        return obj[rest[0]]
    if isinstance(obj, pytypes.ModuleType):
        return obj.__dict__.get(rest[0], ABSENT)
    return getattr(obj, rest[0], ABSENT)


HOLDS: dict[type, Callable[[Any, Any], bool]] = {
    Same: lambda check, obj: obj is check.obj,
    Builtin: lambda check, obj: obj is check.obj,
    Equal: lambda check, obj: type(obj) is type(check.value) and bool(obj == check.value),
    HasCode: lambda check, obj: type(obj) is pytypes.FunctionType and obj.__code__ is check.code,
    Exactly: lambda check, obj: type(obj) is check.cls,
    TupleOf: lambda check, obj: type(obj) is check.cls and len(obj) == check.size,
    Number: lambda check, obj: type(obj) in CLASSES[check.type] and (type(obj) is not int or fits(obj)),
}

# The classes whose instances may stand for a number of each machine type; `numpy` ones hold a C value.
CLASSES: dict[Type, tuple[type, ...]] = {
    types.boolean: (bool, np.bool_),
    types.int64: (int, np.int64, np.int32, np.int16, np.int8, np.uint32, np.uint16, np.uint8),
    types.float64: (float, np.float64),
    types.float32: (np.float32,),
    types.complex128: (complex, np.complex128),
    types.complex64: (np.complex64,),
}


def fits(value: int) -> bool:
    """Is this a 64-bit integer?"""
    return -(2**63) <= value < 2**63


# What is compared by value rather than by identity: no comparison of these runs anybody's code.
VALUES = (bool, int, str, bytes, type(None), np.bool_, np.integer)


# --- making them ------------------------------------------------------------------------------------------


def guards_of(
    function: object,
    arguments: Iterable[Tree],
    checks: Mapping[Path, tuple[str, Any]],
    lifted: Mapping[Path, tuple[int, Type]],
) -> Guards:
    """The guards of `function` called with arguments of these shapes, and of what it was seen to capture.

    checks: what is expected at each path: ("is", object), ("equal", value), ("code", code object),
        ("type", class), ("tuple", (class, length)) or ("builtin", name).
    lifted: the number, counted from 0, and the type of each captured number.
    """
    trees = tuple(arguments)
    own = [kind for tree in trees for kind in leaves(tree)]
    namespaces = _Namespaces(function)
    expected = _Expected()
    slots = iter(range(len(own)))
    for number, tree in enumerate(trees):
        expected.add_tree((("arg", number),), tree, slots)
    for path, (kind, what) in checks.items():
        expected.add(namespaces.short(path), _MAKERS[kind](what))
    captured: dict[int, Type] = {}
    for path, (index, type) in lifted.items():
        expected.add(namespaces.short(path), Number(type, (len(own) + index,)))
        captured[index] = type
    if not expected.at(()):
        expected.add((), _identity_of(function))
    for path, home in namespaces.homes.items():
        expected.set_home(path, home)
    if sorted(captured) != list(range(len(captured))):
        raise ValueError("the lifted captures are not numbered from 0")
    roots = expected.trees([(), *((("arg", i),) for i in range(len(trees)))])
    return Guards(roots[0], tuple(roots[1:]), (*own, *(captured[index] for index in sorted(captured))))


class _Expected:
    """The checks at each path, while they are collected."""

    def __init__(self) -> None:
        self._checks: dict[Path, list[Check]] = {}

    def at(self, path: Path) -> list[Check]:
        return self._checks.get(path, [])

    def add(self, path: Path, check: Check) -> None:
        checks = self._checks.setdefault(path, [])
        for number, other in enumerate(checks):
            if isinstance(check, Number) and isinstance(other, Number) and other.type == check.type:
                checks[number] = Number(check.type, (*other.slots, *check.slots))
                return
        if check not in checks:
            checks.append(check)

    def add_tree(self, path: Path, tree: Tree, slots: Iterator[int]) -> None:
        """The checks of an argument of this shape, and the numbers of its leaves."""
        if isinstance(tree, Leaf):
            self.add(path, Number(tree.type, (next(slots),)))
        elif isinstance(tree, TupleTree):
            self.add(path, TupleOf(tree.cls or tuple, len(tree.items)))
            for number, item in enumerate(tree.items):
                self.add_tree((*path, ("item", number)), item, slots)
        else:
            value = tree.value
            self.add(path, Equal(value) if isinstance(value, VALUES) else _identity_of(value))

    def set_home(self, path: Path, home: Home) -> None:
        self._checks[path] = [replace(c, home=home) if isinstance(c, HasCode) else c for c in self._checks[path]]

    def trees(self, starts: Iterable[Path]) -> list[Node]:
        """The nodes at these paths, which begin all others."""
        inner: dict[Path, list[Path]] = {}
        for path in self._checks:
            if path and path[-1][0] != "arg":
                inner.setdefault(path[:-1], []).append(path)
        reached: set[Path] = set()

        def nodes(path: Path) -> Iterator[Node]:
            first, *others = self._checks[path]
            reached.add(path)
            children = tuple((longer[-1], node) for longer in inner.get(path, ()) for node in nodes(longer))
            for step, _ in children:
                if not _can_follow(first, step):
                    raise ValueError(f"guard path {path}: cannot follow {step} from what is only known as {first}")
            yield Node(first, children)
            yield from (Node(other) for other in others)

        found = [node for path in starts for node in nodes(path)]
        if len(reached) != len(self._checks):
            raise ValueError(f"guard paths that begin nowhere: {sorted(map(str, set(self._checks) - reached))}")
        return found


class _Namespaces:
    """Paths made shorter where functions share the namespace of the function that everything starts from."""

    def __init__(self, function: object) -> None:
        self._function = function
        self._owner: Path = ()
        while type(function) in ATTRIBUTES:
            step = ("attr", "func" if hasattr(function, "func") else "__func__")
            self._owner, function = (*self._owner, step), follow(function, step)
        self._home = function.__globals__ if isinstance(function, pytypes.FunctionType) else None
        self.homes: dict[Path, Home] = {}

    def short(self, path: Path) -> Path:
        """The shortest path to the object at `path`; `homes` says what must hold of the functions passed by."""
        if path[:1] and path[0][0] == "arg":
            return path
        found: Path = ()
        obj: Any = self._function
        for step in path:
            if step[0] == "globals" and obj.__globals__ is self._home and found != self._owner:
                self.homes[found] = Home.SHARED
                self.homes[self._owner] = Home.OWNER
                found = self._owner
            found = (*found, step)
            obj = follow(obj, step)
        return found


_MAKERS: dict[str, Callable[[Any], Check]] = {
    "is": Same,
    "equal": lambda value: Equal(value) if isinstance(value, VALUES) else Same(value),
    "code": HasCode,
    "type": Exactly,
    "tuple": lambda what: TupleOf(*what),
    "builtin": lambda name: Builtin(getattr(builtins, name)),
}


def _identity_of(obj: object) -> Check:
    """What tells that two objects are the same to a program that guards what they hold."""
    if isinstance(obj, pytypes.FunctionType):
        return HasCode(obj.__code__)
    if type(obj) in ATTRIBUTES:
        return Exactly(type(obj))
    return Same(obj)


def _can_follow(check: Check, step: Step) -> bool:
    """Does the check make sure that the step is possible?"""
    if step[0] == "item":
        return isinstance(check, TupleOf) and step[1] < check.size
    if step[0] == "attr":
        if isinstance(check, Same) and isinstance(check.obj, pytypes.ModuleType):
            return True
        known = check.cls if isinstance(check, Exactly) else type(check.obj) if isinstance(check, Same) else object
        return step[1] in ATTRIBUTES.get(known, ())
    if step[0] == "cell":
        return isinstance(check, HasCode) and step[1] < len(check.code.co_freevars)
    return isinstance(check, HasCode)
