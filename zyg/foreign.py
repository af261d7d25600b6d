"""Numba's containers as arguments: looked at as the lists, dicts and objects of Python that they stand for."""

from __future__ import annotations

import functools
from types import FunctionType
from typing import Any

from numba import njit, types
from numba.experimental.jitclass.base import JitClassType
from numba.experimental.structref import StructRefProxy
from numba.typed import Dict, List

from zyg.reading.instances import NUMBAS, STAND_INS


def plain(value: Any, depth: int = 0) -> Any:
    """`value`, with a list for a typed list in it, a dict for a typed dict, an object of Python for others of Numba's.

    Their arrays are the same.
    """
    if depth > _DEEPEST:
        return value  # which is refused where it is taken apart
    if isinstance(value, NUMBAS):
        if isinstance(value, List):
            return [plain(item, depth + 1) for item in value]
        if isinstance(value, Dict):
            return {key: plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, StructRefProxy):
            struct: Any = value
            names = tuple(struct._type.field_dict)
            proxy: Any = type(struct)
            made: Any = object.__new__(_class_of_proxy(proxy, names))
            for name in names:
                setattr(made, name, plain(_getter(name)(value), depth + 1))
            return made
        boxed: Any = value
        kind = boxed._numba_type_.class_type
        made = object.__new__(_class_of(kind))
        for name in kind.struct:
            setattr(made, name, plain(getattr(value, name), depth + 1))
        return made
    if type(value) in (tuple, list):
        items = [plain(item, depth + 1) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else type(value)(items)
    if type(value) is dict:
        found = {key: plain(item, depth + 1) for key, item in value.items()}
        return value if all(found[key] is item for key, item in value.items()) else found
    return value


_DEEPEST = 200


@functools.cache
def _class_of(kind: Any) -> type:
    """A class of Python with the methods and properties of a jitclass."""
    members: dict[str, Any] = {name: method.py_func for name, method in kind.jit_methods.items()}
    members |= {name: property(parts["get"].py_func) for name, parts in kind.jit_props.items()}
    members |= {name: staticmethod(method.py_func) for name, method in kind.jit_static_methods.items()}
    made: Any = members.pop("__init__", None)
    members["__module__"] = getattr(made, "__module__", "__main__")
    found = type(kind.class_name, (), members)
    STAND_INS[found] = kind
    return found


def is_jitclass(cls: Any) -> bool:
    """Is it a class that `jitclass` made?"""
    return type(cls) is JitClassType


def stand_in(cls: Any, args: Any, kws: Any, call: Any) -> Any:
    """An object of Python in place of `cls(*args, **kws)` for a jitclass.  call: what runs its constructor."""
    kind = cls.class_type
    made: Any = object.__new__(_class_of(kind))
    call(kind.jit_methods["__init__"].py_func, made, *args, **kws)
    for name, field in kind.struct.items():
        value = getattr(made, name, None)
        if isinstance(field, types.Float) and isinstance(value, int):
            setattr(made, name, float(value))
    return made


@functools.cache
def _class_of_proxy(proxy: type, fields: tuple[str, ...]) -> type:
    """A class of Python with what a StructRef's class has besides access to its fields."""
    kinds = (FunctionType, property, staticmethod, classmethod)
    own = {name: found for name, found in vars(proxy).items() if isinstance(found, kinds) and name not in fields}
    members = {name: found for name, found in own.items() if name not in ("__new__", "__init__")}
    return type(proxy.__name__, (), {**members, "__module__": proxy.__module__})


@functools.cache
def _getter(name: str) -> Any:
    """Compiled code that reads a field, which Python does not see."""
    space: dict[str, Any] = {}
    exec(f"def get(struct):\n    return struct.{name}", space)
    return njit(space["get"])
