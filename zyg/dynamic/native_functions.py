"""How native code runs a Python function as CPython would, where it can tell that it does."""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zyg.array_back import ArrayBack
from zyg.back import Back
from zyg.dynamic.array import fresh, recorded, top_tape
from zyg.dynamic.array_steps import Result
from zyg.dynamic.buffers import owner_of
from zyg.dynamic.native import by_native_code
from zyg.dynamic.opened import Opened, Opening, give, references, tracked_values
from zyg.dynamic.places import is_own
from zyg.dynamic.state import STATE, attempt
from zyg.dynamic.tape import Sweep, Tape
from zyg.entry import Caller
from zyg.errors import UnsupportedError
from zyg.ir.program import Module
from zyg.ir.scalars import f8, i8
from zyg.ir.tree import ArrayTree, ConstTree, Leaf, Tree, TupleTree
from zyg.ir.tree import leaves as types_of
from zyg.looking import look, plan_of
from zyg.passes.exact import LARGEST, GivenUp, exact
from zyg.passes.python_classes import Origin, origins_of_results
from zyg.reading.front import ORIGINALS
from zyg.reading.instances import is_instance
from zyg.shapes import assemble, items_of
from zyg.transformed import Called, code_key

Kinds = tuple[Any, ...]  # of arguments
_SUSPICIOUS = 8  # runs that were given up, after which native code is no longer tried
_REFUSALS = 3  # the same for attempts to make it
_SEEN_BY_CLASS = frozenset(
    ("isinstance", "issubclass", "type", "id", "repr", "str", "format", "hash", "__class__", "getattr", "dtype")
)
_CONVERSIONS = frozenset(("float", "int", "bool", "round", "item", "tolist", "complex", "divmod", "floor", "ceil"))
_LAYOUTS = frozenset(("T", "transpose", "swapaxes", "moveaxis", "rollaxis", "order", "broadcast_to", "view", "flags"))
_LISTS = frozenset(("list", "sorted", "tolist", "append", "map", "filter"))


class _Exact(Called):
    """A function read so that it gives up where CPython would do otherwise."""

    __slots__ = ("how",)

    def __init__(self, fn: Any, kinds: Kinds, how: _Written) -> None:
        self.kind, self.count, self.how = "primal", 0, how
        key, kept = code_key(fn)
        Caller.__init__(self, fn, (key, "exact", kinds), (kept, *how.codes))

    def lowering(self) -> dict[str, Any]:
        return {"adjust": self._adjusted}

    def _adjusted(self, module: Module) -> tuple[Module, Any]:
        module = exact(module)
        main, how = module.main, self.how
        if not how.arrays:
            return module, [Origin.PYTHON for _ in main.results]
        params = dict(zip(main.params, how.origins, strict=True))
        found = origins_of_results(main, params, how.elementary, how.lists)
        return module, found


@dataclass(slots=True)
class _Written:
    """What the text of a function, and of those that it calls, tells.

    arrays: arrays, or NumPy, may be met.  origins: of the numbers among the parameters.
    """

    codes: list[types.CodeType]
    names: frozenset[str]
    arrays: bool
    elementary: Origin
    lists: bool
    origins: list[Origin]


def _applied(fn: Any, *args: Any) -> Any:
    """What is differentiated where that is done by what a function captures, too."""
    return fn(*args)


@dataclass(slots=True)
class Given:
    """A call: the function, what it is given, and the same taken apart.  top: the innermost tape that knows some of it.

    A function that captures something tracked is an argument itself, of `_applied`.
    """

    fn: Any
    values: Sequence[Any]
    opened: list[Opened]
    kinds: Kinds
    plains: list[Any]
    top: Tape | None
    flat: bool

    @classmethod
    def of(cls, fn: Any, values: Sequence[Any]) -> Given:
        """Raises `NotOpen` where native code does not take it."""
        opening = Opening()
        opened = [opening.of(value) for value in values]
        if fn.__closure__:
            own = opening.of(fn)
            if own.tracked is not None:
                fn, values, opened = _applied, [fn, *values], [own, *opened]
        return cls(
            *(fn, values, opened, tuple([one.kind for one in opened]), [one.plain for one in opened]),
            top_tape(value for one in opened for value in tracked_values(one.tracked)),
            all(one.flat for one in opened),
        )


def tried(given: Given) -> NativeFunction | None:
    """How native code runs a function; None if it cannot."""
    try:
        how = _written(given.fn, given.plains)
        native = NativeFunction(given.kinds, how)
        native.find(given.fn, given.plains)
    except Exception:  # the user's function has not been run; whatever is wrong with it, CPython will say
        return None
    return native


def _written(fn: Any, given: Sequence[Any]) -> _Written:
    text = _Text()
    numbers = [number for value in given for number in text.numbers(value)]
    text.functions.append(fn)
    arrays = any(type(number) in (np.ndarray, np.float64) for number in numbers)
    text.read()
    codes, modules = text.codes, text.modules
    every = frozenset(name for code in codes for name in (*code.co_names, *code.co_freevars))
    if every & _SEEN_BY_CLASS:
        raise UnsupportedError("it looks at the classes of values")
    if modules - {"math", "numpy", "operator", "builtins"}:
        arrays = True
    arrays = arrays or "numpy" in modules
    lists = bool(every & _LISTS) or any(
        instruction.opname.startswith(("BUILD_LIST", "LIST_"))
        for code in codes
        for instruction in dis.get_instructions(code)
    )
    elementary = Origin.PYTHON if "numpy" not in modules else Origin.UNKNOWN if "math" in modules else Origin.NUMPY
    if modules - {"math", "numpy", "operator", "builtins"} or every & _CONVERSIONS:
        elementary = Origin.UNKNOWN
    origins: list[Origin] = []
    for number in numbers:
        if isinstance(number, np.ndarray):
            origins += [Origin.PYTHON] * (1 + sum(n != 1 for n in number.shape))
        else:
            origins.append(Origin.NUMPY if type(number) is np.float64 else Origin.PYTHON)
    return _Written(codes, every, arrays, elementary, lists, origins)


class _Text:
    """The functions that may be called, as far as their text tells: those that others name, and methods of instances.

    modules: those whose functions and objects they name.
    """

    def __init__(self) -> None:
        self.codes: list[types.CodeType] = []
        self.modules: set[str] = set()
        self.functions: list[Any] = []
        self.classes: list[type] = []

    def numbers(self, value: Any) -> Iterator[Any]:
        """The numbers and arrays that are parameters of native code where this is an argument."""
        if type(value) is types.FunctionType:
            self.functions.append(value)
        inside = items_of(value)
        if inside is not None:
            if is_instance(value):
                self.classes += [cls for cls in type(value).__mro__ if cls is not object]
            for item in inside:
                if type(item) is not bool:
                    yield from self.numbers(item)
        elif isinstance(value, (int, float, np.ndarray)):
            yield value

    def read(self) -> None:
        seen: set[int] = set()
        names: set[str] = set()
        while self.functions:
            one = self.functions.pop()
            if id(one) not in seen:
                seen.add(id(one))
                code = ORIGINALS.get(id(one.__code__), one.__code__)
                own = list(codes_of(code))
                self.codes += own if code is one.__code__ else [*own, one.__code__]
                own_names = {name for code in own for name in code.co_names}
                cells = [cell.cell_contents for cell in one.__closure__ or ()]
                for value in (*cells, *(one.__globals__[name] for name in own_names if name in one.__globals__)):
                    self._named(value)
                names |= own_names
            if not self.functions:
                self.functions += [fn for cls in self.classes for fn in _methods(cls, names) if id(fn) not in seen]

    def _named(self, value: Any) -> None:
        if type(value) is types.FunctionType:
            self.functions.append(value)
        elif type(value) is types.ModuleType:
            self.modules.add(value.__name__.partition(".")[0])
        elif not isinstance(value, (int, float, str, bytes, type(None), type)) or type(value) is np.float64:
            self.modules.add((getattr(value, "__module__", None) or "numpy").partition(".")[0])


def _methods(cls: type, names: set[str]) -> Iterator[Any]:
    """The functions of a class that are called by one of these names, or by an operator."""
    for name, member in vars(cls).items():
        if name in names or name in _OPERATORS:
            fn = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if type(fn) is types.FunctionType and not is_own(fn.__code__):
                yield fn


_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
_OPERATORS = frozenset(
    (
        *(f"__{before}{name}__" for name in _ARITHMETIC for before in ("", "r", "i")),
        *(
            "__call__",
            "__getitem__",
            "__len__",
            "__iter__",
            "__contains__",
            "__neg__",
            "__pos__",
            "__abs__",
            "__bool__",
        ),
    )
)


def codes_of(code: types.CodeType) -> Iterator[types.CodeType]:
    """It, and those of the functions defined in it."""
    yield code
    for const in code.co_consts:
        if type(const) is types.CodeType:
            yield from codes_of(const)


# --- running -----------------------------------------------------------------------------------------------


class NativeFunction:
    """How native code runs a function for arguments of some kinds.

    runs, given_up: how often it did, and how often CPython had to do it after all.  refused: how often native code
    could not be made, for what the function captured then.
    """

    __slots__ = ("given_up", "how", "kinds", "plans", "refused", "runs")

    def __init__(self, kinds: Kinds, how: _Written) -> None:
        self.kinds, self.how = kinds, how
        self.runs = self.given_up = self.refused = 0
        self.plans: dict[int, Any] = {}

    def find(self, fn: Any, given: Sequence[Any]) -> tuple[Any, Any]:
        """The specialisation and its inputs; raises UnsupportedError where its results are not for Python."""
        found, inputs = _Exact(fn, self.kinds, self.how).find(given)
        if id(found) not in self.plans:
            looked = found.lowered.looked
            if any(check == "code" and what not in self.how.codes for check, what in looked.checks.values()):
                raise UnsupportedError("it calls what its text does not tell")
            if found.lowered.written or not _is_flat(found.lowered.result):
                raise UnsupportedError("it writes into arrays, or gives something else than numbers and arrays")
            if _has_arrays(found.lowered.result) and self.how.names & _LAYOUTS:
                raise UnsupportedError("the layout of its results is not known")
            if not self._known(found.lowered):
                raise UnsupportedError("the classes of its results are not known")
            wanted = list(looked.inputs)
            places: dict[Any, int] = {}
            plan = plan_of(looked.checks, wanted, places)
            self.plans[id(found)] = found, plan, [places[path] for path in wanted]
        return found, inputs

    def _known(self, lowered: Any) -> bool:
        """Is it known which of the numbers that it gives are Python's, which NumPy's?"""
        origins = iter(lowered.note)
        for item in _items(lowered.result):
            own = [next(origins) for _ in types_of(item)]
            if isinstance(item, Leaf):
                if own[0] is Origin.UNKNOWN:
                    return False
                if self.how.arrays and item.type != f8 and not (item.type == i8 and own[0] is Origin.PYTHON):
                    return False
                if self.how.names & _CONVERSIONS and own[0] is not Origin.PYTHON:
                    return False
        return True

    def run(self, given: Given) -> tuple[Any] | None:
        """The value of a call, recorded; None if CPython must run it."""
        if self.refused >= _REFUSALS or (self.given_up > _SUSPICIOUS and 2 * self.given_up > self.runs):
            return None
        fn, top = given.fn, given.top
        assert top is not None
        if not given.flat and not (top.outer is None and top.natively):
            return None
        try:
            found, inputs = self.find(fn, given.plains)
        except Exception:  # what it captures is of another kind than before
            self.refused += 1
            return None
        try:
            if not self._is_plain(found, fn, given.plains):
                return None
            self.runs += 1
            values = found.run(inputs)
            plain = assemble(found.lowered.result, iter(values))
            y = self._classed(found.lowered, plain)
        except Exception:  # it has changed nothing: CPython does what it does, or raises
            y = None
        if y is None:
            self.given_up += 1
            return None
        try:
            if top.outer is None and top.natively:
                back = _pullback(found, fn, given.plains, plain)
                return (self._recorded(y, back, [references(one.tracked, top) for one in given.opened], top),)
            with attempt():
                return self._differentiable(fn, given.values, y, top)
        except Exception:
            self.refused += 1
            return None

    def _differentiable(self, fn: Any, values: Sequence[Any], y: Any, top: Tape) -> tuple[Any] | None:
        """The value, recorded with a pullback that is differentiated in turn: in derivatives of derivatives, and where
        cotangents are, as in forward mode."""
        if fn.__closure__ or not all(isinstance(item, (float, np.ndarray)) for item in (y if _is_tuple(y) else (y,))):
            return None

        def below(*lower: Any) -> Any:
            given = Given.of(fn, lower)
            found = (y,) if given.top is None else self.run(given)
            if found is None:
                raise GivenUp
            return found[0]

        return (by_native_code(fn, values, {}, below),)

    def _is_plain(self, found: Any, fn: Any, lows: Sequence[Any]) -> bool:
        """Is what the function captures the same to CPython, and not differentiated?"""
        _, plan, places = self.plans[id(found)]
        seen = (look(plan, fn, lows) or ()) if places else ()
        if places and not seen:
            return False
        for place in places:
            value: Any = seen[place]
            kind = type(value)
            if kind is np.ndarray:
                owner, tape = owner_of(value), STATE.tape
                while tape is not None:
                    buffer = tape.buffers.get(id(owner))
                    if buffer is not None and (buffer.active or buffer.shared):
                        return False
                    if any(np.may_share_memory(other.root, owner) for other in tape.arguments):
                        return False
                    tape = tape.outer
            elif not (kind is float or (kind is int and -LARGEST <= value <= LARGEST) or kind is bool):
                return False
        return True

    def _classed(self, lowered: Any, y: Any) -> Any:
        """The value, its numbers of the classes that CPython would give; None where that is not sure."""
        origins = iter(lowered.note)
        items = []
        for tree, item in zip(
            _items(lowered.result), y if isinstance(lowered.result, TupleTree) else (y,), strict=True
        ):
            own = [next(origins) for _ in types_of(tree)]
            if isinstance(tree, ArrayTree):
                if not item.size or (np.rint(item) == item).all():  # NumPy's, made of ints?
                    return None
            elif isinstance(tree, Leaf) and type(item) is float:
                if not np.isfinite(item) or item == int(item):  # an int on some path?
                    return None
                item = item if own[0] is Origin.PYTHON else np.float64(item)
            elif isinstance(tree, Leaf) and type(item) is int and item in (0, 1):  # a bool?
                return None
            items.append(item)
        if not isinstance(lowered.result, TupleTree):
            return items[0]
        return tuple(items) if lowered.result.cls is None else tuple.__new__(lowered.result.cls, items)

    def _recorded(self, y: Any, back: Any, refs: Sequence[Any], top: Tape) -> Any:
        step = NativeCall(back, refs, not isinstance(y, tuple))
        items: list[Any] = []
        for item in y if isinstance(y, tuple) else (y,):
            if isinstance(item, (float, np.ndarray)):
                items.append(fresh(recorded(item, top, lambda ref: Result(step.results, ref)), STATE.tape))
            else:
                items.append(item)
                step.results.append(None)
        top.entries.append(step)
        return tuple.__new__(type(y), items) if isinstance(y, tuple) else items[0]


def _is_tuple(y: Any) -> bool:
    return isinstance(y, tuple)


def _pullback(found: Any, fn: Any, args: Sequence[Any], y: Any) -> Any:
    if found.lowered.has_arrays:
        return ArrayBack(Called(fn, "pullback"), tuple(args), y)
    return Back(fn, tuple(args), y)


def _items(tree: Tree) -> Sequence[Tree]:
    return tree.items if isinstance(tree, TupleTree) else (tree,)


def _is_flat(tree: Tree) -> bool:
    """A number, an array, None, or a tuple of these?"""
    return all(
        isinstance(item, (Leaf, ArrayTree)) or (isinstance(item, ConstTree) and item.value is None)
        for item in _items(tree)
    )


def _has_arrays(tree: Tree) -> bool:
    return any(isinstance(item, ArrayTree) for item in _items(tree))


class NativeCall:
    """A call whose cotangents native code computes."""

    __slots__ = ("back", "refs", "results", "single")

    def __init__(self, back: Any, refs: Sequence[Any], single: bool) -> None:
        self.back, self.refs, self.single = back, refs, single
        self.results: list[Any] = []

    def reverse(self, sweep: Sweep) -> None:
        found = [None if ref is None else ref.take(sweep) for ref in self.results]
        if all(dy is None for dy in found):
            return
        given = self.back(found[0] if self.single else tuple(found))
        for ref, da in zip(self.refs, given, strict=True):
            give(ref, da, sweep)
