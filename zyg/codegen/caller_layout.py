"""Where CPython keeps what generated code reads of Python objects: byte offsets inside them.

Offsets are found by looking for known objects inside an example of each kind, so that no table of interpreter
versions is needed; an offset that cannot be established is an error when this module is imported, never a
wrong read later.  NumPy's scalars are laid out by a public header: the object's head, then the C value.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import struct
import sys
import types as pytypes
from collections.abc import Mapping
from typing import Any

import numpy as np

WORD = ctypes.sizeof(ctypes.c_void_p)

# The head: reference count, then type; what CPython calls PyObject_HEAD.
HEAD = object.__basicsize__
TYPE = HEAD - WORD

# The C value of a float, of a complex number and of NumPy's scalars comes right behind the head.
NUMBER = HEAD

TUPLE_SIZE = HEAD
TUPLE_ITEMS = tuple.__basicsize__
# From 3.14 on a tuple caches its hash in front of its items; -1: not computed yet.
TUPLE_HASH = TUPLE_ITEMS - WORD if TUPLE_ITEMS > TUPLE_SIZE + WORD else None


# A list: the number of its items, then where they are.
LIST_SIZE = HEAD
LIST_ITEMS = HEAD + WORD
# Where a class that is made in Python keeps its dict
CLASS_DICT = int(type.__dictoffset__)  # type: ignore[call-overload]

# An array, as NumPy's headers lay it out: data, number of dimensions, dimensions, strides, base, dtype, flags.
ARRAY_DATA, ARRAY_NDIM, ARRAY_DIMS, ARRAY_DTYPE, ARRAY_FLAGS = (HEAD + k * WORD for k in (0, 1, 2, 5, 6))
C_CONTIGUOUS, ALIGNED, WRITEABLE = 1, 0x100, 0x400


def read_word(obj: object, offset: int) -> int:
    return ctypes.c_ssize_t.from_address(id(obj) + offset).value


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ImportError(f"zyg does not know how {sys.version} lays out {what}")


def _find(obj: Any, member: object) -> int:
    """The offset at which `obj` refers to `member`, which it does exactly once."""
    found = [at for at in range(HEAD, type(obj).__basicsize__, WORD) if read_word(obj, at) == id(member)]
    _require(len(found) == 1, f"a {type(obj).__name__}")
    return found[0]


def _function_example() -> pytypes.FunctionType:
    captured = object()

    def example(a: object = object(), *, b: object = object()) -> object:
        return captured, a, b

    # Its own namespaces, so that no other field of the function can be the same object.
    code = example.__code__
    fresh = pytypes.FunctionType(code, {"__builtins__": {}}, "example", example.__defaults__, example.__closure__)
    fresh.__kwdefaults__ = dict(example.__kwdefaults__ or {})
    return fresh


_example = _function_example()
FUNCTION_CODE = _find(_example, _example.__code__)
FUNCTION_GLOBALS = _find(_example, _example.__globals__)
FUNCTION_CLOSURE = _find(_example, _example.__closure__)
FUNCTION_DEFAULTS = _find(_example, _example.__defaults__)
FUNCTION_KWDEFAULTS = _find(_example, _example.__kwdefaults__)

_cell = pytypes.CellType(object())
CELL_CONTENTS = _find(_cell, _cell.cell_contents)

_partial: Any = functools.partial(sorted, [0.5], key=abs)


def _class_method(cls: type) -> None:
    """An example."""


def _fields(obj: Any, *names: str) -> Mapping[str, int]:
    return {name: _find(obj, getattr(obj, name)) for name in names}


_FIELDS: Mapping[type, Mapping[str, int]] = {
    functools.partial: _fields(_partial, "func", "args", "keywords"),
    pytypes.MethodType: _fields(pytypes.MethodType(len, object()), "__func__", "__self__"),
    property: _fields(property(len, lambda obj, value: None), "fget", "fset"),
    staticmethod: _fields(staticmethod(len), "__func__"),
    classmethod: _fields(classmethod(_class_method), "__func__"),
}


@functools.cache
def fields(cls: type) -> Mapping[str, int]:
    """Where exact instances of `cls` keep the attributes that are fields of theirs: `__slots__` of a Python class."""
    if cls in _FIELDS:
        return _FIELDS[cls]
    members: dict[str, Any] = {}
    for base in cls.__mro__:
        own = vars(base).get("__slots__", ())
        names = (own,) if isinstance(own, str) else tuple(own)
        members |= {name: vars(base)[name] for name in names if type(vars(base).get(name)) is _MEMBER}
    if not members:
        return {}
    make: Any = cls.__new__
    example = make(cls)
    for name, member in members.items():
        member.__set__(example, [name])
    return {name: _find(example, member.__get__(example)) for name, member in members.items()}


_MEMBER = pytypes.MemberDescriptorType


def _bytes(obj: object, size: int) -> bytes:
    return ctypes.string_at(id(obj) + NUMBER, size)


_pair = (object(), object())
_list = [object(), object()]
_array = np.zeros((3, 5))
_read_only = np.zeros((3, 5))[:, ::2]
_read_only.flags.writeable = False
_require(read_word(0.5, TYPE) == id(float), "objects")
_require(_bytes(-2.5, 8) == struct.pack("d", -2.5), "a float")
_require(_bytes(3 - 2j, 16) == struct.pack("dd", 3, -2), "a complex number")
_require(read_word(_pair, TUPLE_SIZE) == 2 and read_word(_pair, TUPLE_ITEMS + WORD) == id(_pair[1]), "a tuple")
_require(read_word(_list, LIST_SIZE) == 2, "a list")
_require(ctypes.c_void_p.from_address(read_word(_list, LIST_ITEMS) + WORD).value == id(_list[1]), "a list")
_require("x" in ctypes.cast(read_word(type("_T", (), {"x": 0}), CLASS_DICT), ctypes.py_object).value, "a class")
_require(read_word(_array, ARRAY_DATA) == _array.__array_interface__["data"][0], "an array")
_require(
    read_word(_array, ARRAY_NDIM) & 0xFFFFFFFF == 2 and read_word(_array, ARRAY_DTYPE) == id(_array.dtype), "an array"
)
_require(ctypes.c_ssize_t.from_address(read_word(_array, ARRAY_DIMS) + WORD).value == 5, "an array")
_require(read_word(_array, ARRAY_FLAGS) & 0x501 == C_CONTIGUOUS | ALIGNED | WRITEABLE, "an array")
_require(read_word(_read_only, ARRAY_FLAGS) & 0x501 == ALIGNED, "an array")
_require(TUPLE_HASH is None or read_word(_pair, TUPLE_HASH) == -1, "a tuple")
for _scalar in (
    np.float64(0.1),
    np.float32(0.1),
    np.complex128(1 + 2j),
    np.complex64(1 + 2j),
    np.int64(-5),
    np.int8(-5),
):
    _require(_bytes(_scalar, _scalar.nbytes) == _scalar.tobytes(), "NumPy's scalars")


# NumPy's C functions by their places in its table, which its interface for binary extensions fixes.
NEW_ARRAY, SET_BASE = "zyg.numpy.PyArray_NewFromDescr", "zyg.numpy.PyArray_SetBaseObject"
_TABLE = {NEW_ARRAY: 94, SET_BASE: 282}


def numpy_functions() -> Mapping[str, int]:
    """The addresses of NumPy's functions that generated code calls, by the names it calls them by."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    table = pointer(_array_interface(), None)
    _require(ctypes.c_void_p.from_address(table + 2 * WORD).value == id(np.ndarray), "NumPy's functions")
    return {name: ctypes.c_void_p.from_address(table + place * WORD).value or 0 for name, place in _TABLE.items()}


def _array_interface() -> Any:
    return importlib.import_module("numpy._core._multiarray_umath")._ARRAY_API
