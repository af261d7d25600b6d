"""Instances of classes made in Python, as native code sees them: attributes, and what their class adds."""

from __future__ import annotations

import enum
import importlib
import types as pytypes
import weakref
from dataclasses import is_dataclass
from typing import Any

from numba.experimental.structref import StructRefProxy
from numba.typed import Dict, List

_HEAP = 1 << 9  # object.h: made at run time
_Box: type = importlib.import_module("numba.experimental.jitclass._box").Box
NUMBAS = (List, Dict, StructRefProxy, _Box)  # Numba's containers, whose contents Python sees through calls only
STAND_INS: dict[type, Any] = {}  # classes of Python, and the jitclasses (what Numba knows of them) for which they stand
_ABSENT = object()
_known: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()
_FROM_C = (
    pytypes.MethodDescriptorType,
    pytypes.WrapperDescriptorType,
    pytypes.ClassMethodDescriptorType,
    pytypes.GetSetDescriptorType,
)


def is_instance(obj: object) -> bool:
    """Whether all of `obj` is in its attributes: no number, function, module or object made in C.

    >>> from types import SimpleNamespace
    >>> is_instance(SimpleNamespace(a=1)), is_instance(2.0), is_instance(len)
    (True, False, False)
    """
    return is_plain(type(obj))


def is_plain(cls: type) -> bool:
    """Whether all of the instances of a class is in their attributes."""
    found = _known.get(cls)
    if found is None:
        found = _known[cls] = _is_plain(cls)
    return found


def _is_plain(cls: type) -> bool:
    if cls is pytypes.SimpleNamespace:
        return True
    if issubclass(cls, (type, enum.Enum)) or hasattr(cls, "__zyg_read__"):
        return False
    if cls.__getattribute__ is not object.__getattribute__:
        return False
    return all(_is_python(base) for base in cls.__mro__[:-1]) and cls.__mro__[-1] is object and cls is not object


def _is_python(cls: type) -> bool:
    """Whether a class comes from a class statement."""
    if not cls.__flags__ & _HEAP:
        return False
    names = _slot_names(cls)
    for name, found in vars(cls).items():
        if isinstance(found, pytypes.MemberDescriptorType) and name not in names:
            return False
        own = name in ("__dict__", "__weakref__") or found is vars(object).get(
            name
        )  # as in `__hash__ = object.__hash__`
        if isinstance(found, _FROM_C) and not own:
            return False
    return True


def _slot_names(cls: type) -> set[str]:
    """The names in `__slots__`, as the class statement mangles them."""
    slots = vars(cls).get("__slots__", ())
    prefix = f"_{cls.__name__.lstrip('_')}"
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return {f"{prefix}{name}" if name.startswith("__") and not name.endswith("__") else name for name in names}


def attributes_of(obj: Any) -> dict[str, Any]:
    """The attributes of an instance itself, by name."""
    found = {}
    for base in reversed(type(obj).__mro__):
        for name, member in vars(base).items():
            if type(member) is pytypes.MemberDescriptorType and name != "__dict__":
                value = _slot(obj, member)
                if value is not _ABSENT:
                    found[name] = value
    return found | getattr(obj, "__dict__", {})


def _slot(obj: Any, member: Any) -> Any:
    try:
        return member.__get__(obj)
    except AttributeError:
        return _ABSENT


def class_attribute(cls: type, name: str) -> tuple[type, Any] | None:
    """The class in whose dict instances of `cls` find `name`, and what is there."""
    for base in cls.__mro__:
        if name in vars(base):
            return base, vars(base)[name]
    return None


def gives_same_class(cls: type) -> bool:
    """Whether the gradient by an instance is an instance of its class; of others it is a namespace."""
    return is_dataclass(cls)


def stands_for(cls: type, classes: Any) -> bool:
    """Does a class of Python stand for one of these classes, a jitclass?"""
    kind = STAND_INS.get(cls)
    if kind is None:
        return False
    if isinstance(classes, tuple):
        return any(stands_for(cls, item) for item in classes)
    return getattr(classes, "class_type", None) is kind
