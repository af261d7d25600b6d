"""Calls on abstract values."""

from __future__ import annotations

import builtins
import functools
import inspect
import types as pytypes
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zyg.errors import UnsupportedArgumentError, unsupported
from zyg.ir.program import Op, Var
from zyg.reading import arrays, records, special
from zyg.reading.array_functions import LIFTED, array_call, ufunc_method, write_into
from zyg.reading.array_making import as_array, is_list, is_sequence
from zyg.reading.builtin import HANDLERS
from zyg.reading.captured import class_of, class_value, function_parts, is_object, opened
from zyg.reading.choice import by_kind, chosen_call, may_be_array
from zyg.reading.custom import RULES, in_own_rule, marks, rule_call
from zyg.reading.custom_calls import Ruled, ruled_call
from zyg.reading.describe import described
from zyg.reading.foreign import foreign_call, python_call
from zyg.reading.generators import is_generator, made_into
from zyg.reading.heads import (
    ClosureHead,
    ErrorHead,
    GeneratorHead,
    MethodHead,
    ObjectHead,
    PartialHead,
    RecordHead,
    TupleHead,
    UnionHead,
)
from zyg.reading.instances import class_attribute, is_plain
from zyg.reading.iteration import filtered, spread
from zyg.reading.jit_options import options_of
from zyg.reading.keywords import check_keywords
from zyg.reading.list_arrays import array_function
from zyg.reading.members import method
from zyg.reading.places import is_flat, without_flat
from zyg.reading.values import Identity, Node, Static, Value, is_iterator, tuple_of
from zyg.reading.vectorized import is_vectorized, vectorized_call
from zyg.rules import primitives as p
from zyg.rules.foreign import Foreign, FromPython
from zyg.rules.library import LIBRARY, OF_LISTS, PULLBACKS

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

_LIBRARY = "zyg.rules."
_TRY = "numba.core.unsafe.eh"
_OF_PYTHON = (int, float, complex, bool)
# Functions whose results lie in C order, however the arguments do, and those that see to this themselves
_IN_C_ORDER = frozenset((np.matmul, np.dot, np.inner, np.outer, np.reshape, np.ravel, np.ascontiguousarray, np.block))


def call(reader: FunctionReader, fn: Value, args: list[Value], kws: dict[str, Value]) -> Value:
    """`fn(*args, **kws)`."""
    if isinstance(fn, Static):
        found = _call_static(reader, fn, args, kws)
        if str(getattr(fn.obj, "__module__", "")).startswith("numpy"):
            if isinstance(found, Var):
                found = _another(reader, found) if any(found is arg for arg in args) else found
                reader.spec.of_numpy.add(found)
            elif isinstance(found, Node) and arrays.is_array(found) and fn.obj not in _IN_C_ORDER:
                arrays.given_by(reader, found, [*args, *kws.values()], _written(fn.obj) is not None)
        elif any(fn.obj is one for one in _OF_PYTHON) and isinstance(found, Var) and found in reader.spec.of_numpy:
            return _another(reader, found)
        return found
    if isinstance(fn, Node):
        head = fn.head
        if isinstance(head, ClosureHead) and is_generator(head.code):
            return Node(GeneratorHead(), (fn, *args))
        if isinstance(head, ClosureHead) and head.code.co_name == "<dictcomp>":  # whose keys must be known
            return reader.spec.call(reader, fn, [spread(arg) for arg in args], kws, reader.options, fixed=True)
        if isinstance(head, ClosureHead):
            return reader.spec.call(reader, fn, args, kws, reader.options)
        if isinstance(head, PartialHead):
            positional = fn.items[1 : len(fn.items) - len(head.names)]
            named = dict(zip(head.names, fn.items[len(fn.items) - len(head.names) :], strict=True))
            return call(reader, fn.items[0], [*positional, *args], named | kws)
        if isinstance(head, MethodHead):
            return method(reader, fn, args, kws)
        if isinstance(head, UnionHead):
            return chosen_call(reader, fn, args, kws)
        if isinstance(head, RecordHead) and head.site.top.cls is not dict:
            return call(reader, reader.spec.calls.attribute(reader, fn, "__call__"), args, kws)
        if isinstance(head, ObjectHead) or (isinstance(head, TupleHead) and head.cls is not None):
            return _call_object(reader, fn, args, kws)
        special = getattr(head, "__zyg_call__", None)
        if special is not None:
            return special(reader, fn, args, kws)  # type: ignore[no-any-return]
    raise unsupported(f"{described(fn)} is not callable", reader.pos)


def _another(reader: FunctionReader, number: Var) -> Var:
    """The same number as one of another class, Python's or NumPy's."""
    found = Var(number.type, number.name)
    reader.ops.append(Op(p.identity, (number,), (found,), reader.pos))
    return found


def _call_static(reader: FunctionReader, fn: Static, args: list[Value], kws: dict[str, Value]) -> Value:
    obj = fn.obj
    special.learn()
    if any(isinstance(arg, Node) and isinstance(arg.head, GeneratorHead) for arg in args):
        return _consumed(reader, fn, args, kws)
    reader.spec.called_functions |= marks(obj)
    if RULES.concern(obj):
        reader.spec.captures.identity(fn)
    if obj in RULES:
        # A rule's call of its own function: its derivative, where one is taken, is given by the rule once more
        depth = reader.spec.own_rules.count(Identity(obj))
        if depth == 0 or depth < reader.spec.orders:
            return rule_call(reader, obj, args, kws)
        return in_own_rule(reader, _call_as_it_is(reader, fn, args, kws))
    return _call_as_it_is(reader, fn, args, kws)


def _call_as_it_is(reader: FunctionReader, fn: Static, args: list[Value], kws: dict[str, Value]) -> Value:
    """A call, whatever rules users gave."""
    obj = fn.obj
    read = None if isinstance(obj, type) else getattr(obj, "__zyg_read__", None)
    if read is not None:
        return read(reader, fn.path, args, kws)  # type: ignore[no-any-return]
    if any(is_iterator(arg, "filter") for arg in args) and obj not in _ASKING:
        args = [filtered(reader, arg) if isinstance(arg, Node) and is_iterator(arg, "filter") else arg for arg in args]
    if any(map(is_flat, args)) and not any(obj is fn for fn in _ASKING):
        if not isinstance(obj, pytypes.FunctionType) or _written(obj) is not None:
            args = [without_flat(reader, arg) for arg in args]
    if not isinstance(obj, pytypes.FunctionType) or _written(obj) is not None:
        args = [opened(reader, arg) if isinstance(arg, Static) and type(arg.obj) is list else arg for arg in args]
    if not isinstance(obj, pytypes.FunctionType) or _written(obj) is not None:
        if any(map(may_be_array, (*args, *kws.values()))):
            return _by_kind(reader, fn, args, kws)
    if "out" in kws and _is_of_numpy(obj) and obj not in LIFTED:
        return _call_into(reader, fn, args, kws)
    together = array_function(reader, obj, args, kws)
    if together is not None:
        return together
    if any(arrays.is_arraylike(arg) or is_sequence(arg) for arg in args):
        found = array_call(reader, obj, args, kws)
        if found is not None:
            return found
    handler = _handler(obj)
    if handler is not None:
        check_keywords(reader, obj, kws)
        return handler(reader, args, kws)
    if isinstance(obj, pytypes.BuiltinFunctionType) and isinstance(obj.__self__, np.ufunc):
        found = ufunc_method(reader, obj.__self__, obj.__name__, args, kws)
        if found is not None:
            return found
    written = _written(obj)
    if written is not None:
        if written not in OF_LISTS:
            args = [as_array(reader, arg) if is_list(arg) else arg for arg in args]
        _check_absent(reader, obj, written, args, kws)
        return reader.spec.call(reader, Static(written), args, kws, fixed=True)
    if isinstance(obj, Foreign):
        return foreign_call(reader, obj, args)
    if isinstance(obj, FromPython):
        return python_call(reader, obj, args)
    if isinstance(obj, pytypes.FunctionType) and obj in PULLBACKS:
        return ruled_call(reader, _of_library(obj), args)
    if isinstance(obj, pytypes.FunctionType):
        return reader.spec.call(reader, fn, args, kws, fixed=str(obj.__module__).startswith(_LIBRARY))
    if is_vectorized(obj):
        return vectorized_call(reader, obj, args, kws)
    if hasattr(obj, "py_func") and isinstance(obj.py_func, pytypes.FunctionType):
        return reader.spec.call(reader, Static(obj.py_func), args, kws, options_of(obj))
    if isinstance(obj, (functools.partial, pytypes.MethodType)):
        return call(reader, function_parts(reader, fn), args, kws)
    if getattr(obj, "__module__", None) == _TRY:
        raise unsupported("try statements cannot be compiled", reader.pos, "Test for what could fail beforehand.")
    if is_object(fn):
        return _call_object(reader, fn, args, kws)
    if isinstance(obj, type):
        return _construct(reader, obj, args, kws)
    if not callable(obj):
        raise UnsupportedArgumentError(f"{described(fn)} is not callable", reader.pos, "Call a function.")
    name = _full_name(obj)
    raise unsupported(
        f"{name} has no native code and no derivative rule",
        reader.pos,
        f"Give it one that can be compiled, @zyg.adjoint({name}), or call it outside.",
    )


_ASKING = frozenset((zip, enumerate, map, filter, iter, any, all))  # they ask for elements one by one, as it suits them


def _call_object(reader: FunctionReader, obj: Static | Node, args: list[Value], kws: dict[str, Value]) -> Value:
    """A call of an instance: of the function `__call__` in its class."""
    if class_attribute(class_of(obj), "__call__") is None:
        raise UnsupportedArgumentError(f"{described(obj)} is not callable", reader.pos, "Call a function.")
    found = class_value(reader, class_of(obj), "__call__")
    if found is None:
        raise unsupported(f"{described(obj)} cannot be called in native code", reader.pos)
    return call(reader, found, [obj, *args], kws)


def _by_kind(reader: FunctionReader, fn: Static, args: list[Value], kws: dict[str, Value]) -> Value:
    """A call with arguments that may be numbers or arrays of a function that is not read."""
    count, names = len(args), tuple(kws)

    def read(inner: FunctionReader, given: Sequence[Value]) -> Value:
        return _call_as_it_is(inner, fn, list(given[:count]), dict(zip(names, given[count:], strict=True)))

    return by_kind(reader, [*args, *kws.values()], read)


def _consumed(reader: FunctionReader, fn: Static, args: list[Value], kws: dict[str, Value]) -> Value:
    """A call of a function that is given generator expressions, which it runs to their end."""
    form = {sum: "sum", any: "any", all: "all"}.get(fn.obj, "list")
    if isinstance(fn.obj, pytypes.FunctionType) and _written(fn.obj) is None and _handler(fn.obj) is None:
        raise unsupported("a generator as an argument cannot be compiled", reader.pos, "Make a list of it.")
    if form == "sum" and (len(args) > 1 or kws):
        form = "list"
    if fn.obj in _ASKING and form == "list":
        raise unsupported(f"{fn.obj.__name__} of a generator cannot be compiled", reader.pos, "Make a list of it.")
    run = [_run(reader, arg, form) if _is_generator(arg) else arg for arg in args]
    return run[0] if form != "list" else call(reader, fn, run, kws)


def _is_generator(value: Value) -> bool:
    return isinstance(value, Node) and isinstance(value.head, GeneratorHead)


def _run(reader: FunctionReader, generator: Value, form: str) -> Value:
    assert isinstance(generator, Node)
    fn, *args = generator.items
    assert isinstance(fn, Node)
    code = replace(fn.head, code=made_into(fn.head.code, form))
    return reader.spec.call(reader, Node(code, fn.items), args, {}, reader.options)


def _of_library(fn: pytypes.FunctionType) -> Ruled:
    """A function of the library that has a rule."""

    def value(reader: FunctionReader, args: list[Value]) -> Value:
        return reader.spec.call(reader, Static(fn), args, {}, fixed=True)

    return Ruled(fn.__name__, Static(PULLBACKS[fn]), value)


def _full_name(obj: Any) -> str:
    """How a user would write it: `os.getloadavg`."""
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    if name is None:
        return described(Static(obj))
    module = (getattr(obj, "__module__", None) or "").removeprefix("_").split("._")[0]
    if module in ("__main__", "") or getattr(builtins, name, None) is obj:
        return str(name)
    return f"{'os' if module in ('posix', 'nt') else module}.{name}"


def _written(obj: Any) -> pytypes.FunctionType | None:
    try:
        return LIBRARY.get(obj)
    except TypeError:
        return None


@functools.cache
def _absent(written: pytypes.FunctionType) -> tuple[tuple[int, str], ...]:
    """The parameters that are annotated None: those that native code does not know."""
    names = inspect.signature(written).parameters.values()
    return tuple((k, param.name) for k, param in enumerate(names) if param.annotation == "None")


def _check_absent(
    reader: FunctionReader, obj: Any, written: pytypes.FunctionType, args: list[Value], kws: dict[str, Value]
) -> None:
    for place, name in _absent(written):
        given = args[place] if place < len(args) else kws.get(name)
        if given is not None and not (isinstance(given, Static) and given.obj is None):
            raise unsupported(f"{_full_name(obj)} with {name}= is not compiled", reader.pos)


def _is_of_numpy(obj: Any) -> bool:
    owner = obj.__self__ if isinstance(obj, pytypes.BuiltinFunctionType) else obj
    return isinstance(owner, np.ufunc) or str(getattr(obj, "__module__", "")).partition(".")[0] == "numpy"


def _call_into(reader: FunctionReader, fn: Static, args: list[Value], kws: dict[str, Value]) -> Value:
    """`fn(..., out=out)` of a function that does not work element by element: what it gives is written into `out`."""
    out = kws["out"]
    value = call(reader, fn, args, {name: item for name, item in kws.items() if name != "out"})
    return value if isinstance(out, Static) and out.obj is None else write_into(reader, out, value, exactly=True)


def _handler(obj: Any) -> Callable[..., Value] | None:
    try:
        return HANDLERS.get(obj)
    except TypeError:
        return None


def _construct(reader: FunctionReader, cls: type, args: list[Value], kws: dict[str, Value]) -> Value:
    if issubclass(cls, BaseException):
        return Node(ErrorHead(cls), tuple(args))
    fields = getattr(cls, "_fields", None)
    if issubclass(cls, tuple) and fields is not None:
        maker, beginner = class_attribute(cls, "__new__"), class_attribute(cls, "__init__")
        if maker is None or "_fields" not in vars(maker[0]) or beginner is None or beginner[0] is not object:
            raise unsupported(
                f"{cls.__name__} defines how its instances are made, which cannot be compiled", reader.pos
            )
        defaults = cls._field_defaults  # type: ignore[attr-defined]
        if len(args) > len(fields) or kws.keys() - set(fields[len(args) :]):
            raise unsupported(f"{cls.__name__}() is not given what its fields are", reader.pos)
        items = list(args)
        for name in fields[len(args) :]:
            if name in kws:
                items.append(kws[name])
            elif name in defaults:
                items.append(reader.spec.captures.value(defaults[name], None, reader.pos))
            else:
                raise unsupported(f"{cls.__name__}() is missing the field {name!r}", reader.pos)
        return tuple_of(items, cls)
    if is_plain(cls):
        return _instance(reader, cls, args, kws)
    raise unsupported(f"instances of {cls.__name__} cannot be compiled", reader.pos)


def _instance(reader: FunctionReader, cls: type, args: list[Value], kws: dict[str, Value]) -> Value:
    """`cls(*args, **kws)` of a class made in Python."""
    if cls is pytypes.SimpleNamespace and not args:
        return records.instance(reader, cls, kws)
    of_meta = class_attribute(type(cls), "__call__")
    if class_attribute(cls, "__new__") != (object, object.__new__) or of_meta is None or of_meta[0] is not type:
        raise unsupported(f"{cls.__name__} defines how its instances are made, which cannot be compiled", reader.pos)
    if getattr(cls, "__abstractmethods__", None):
        raise unsupported(f"{cls.__name__} is abstract: it has no instances", reader.pos, "Define its methods.")
    made = records.instance(reader, cls, {})
    plain = class_attribute(cls, "__init__") == (object, object.__init__)
    begin = None if plain else class_value(reader, cls, "__init__")
    if begin is not None:
        call(reader, begin, [made, *args], kws)
    elif args or kws:
        raise UnsupportedArgumentError(f"{cls.__name__}() takes no arguments", reader.pos, "Call it without arguments.")
    return made
