"""`Caller`: the Python type of what `grad(f)` and its like return, called through a pointer to generated code.

The type has two layers.  The lower one is made from a C specification (the stable part of CPython's API) and
holds one word, the pointer that CPython's vectorcall protocol calls.  The upper one is an ordinary Python class
over it, so that CPython itself provides allocation, garbage collection, weak references and attributes, and
nothing of that is written by hand.  A call costs what a call of a C function costs.
"""

from __future__ import annotations

import ctypes
import types as pytypes
from typing import TYPE_CHECKING, Any

from zyg.codegen.caller_layout import HEAD, TYPE, WORD, read_word

_READONLY = 1
_T_SSIZE = 19  # structmember.h
_SLOT_CALL, _SLOT_MEMBERS = 50, 72  # typeslots.h
_BASE_TYPE, _HAVE_VECTORCALL, _DEFAULT = 1 << 10, 1 << 11, 1 << 18  # object.h


class _Member(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("offset", ctypes.c_ssize_t),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class _Slot(ctypes.Structure):
    _fields_ = (("number", ctypes.c_int), ("value", ctypes.c_void_p))


class _Spec(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("basicsize", ctypes.c_int),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("slots", ctypes.POINTER(_Slot)),
    )


def _make_base() -> type:
    """The lower layer: an object head and the pointer `_entry`."""
    members = (_Member * 3)(
        _Member(b"__vectorcalloffset__", _T_SSIZE, HEAD, _READONLY, None),
        _Member(b"_entry", _T_SSIZE, HEAD, 0, b"the address of the code to call"),
        _Member(),
    )
    call = ctypes.cast(ctypes.pythonapi.PyVectorcall_Call, ctypes.c_void_p)
    slots = (_Slot * 3)(
        _Slot(_SLOT_MEMBERS, ctypes.addressof(members)),
        _Slot(_SLOT_CALL, call.value),
        _Slot(0, None),
    )
    spec = _Spec(_NAME, HEAD + WORD, 0, _BASE_TYPE | _HAVE_VECTORCALL | _DEFAULT, slots)
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.POINTER(_Spec))(("PyType_FromSpec", ctypes.pythonapi))
    base: type = make(ctypes.byref(spec))
    _KEPT.extend((members, slots, spec))
    return base


# Before 3.12 a type keeps the pointers of its specification.
_NAME = b"zyg.CallerBase"
_KEPT: list[Any] = []

if TYPE_CHECKING:

    class _CallerBase:
        _entry: int

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

else:
    _CallerBase = _make_base()


class Caller(_CallerBase):
    """A callable whose calls go to compiled code, chosen by the wrapped function and the arguments.

    function: where the captures that guards look at are reached from.  entry: the address of a generated entry
    or of `caller_support`'s fallback, and nothing else ever: whoever writes another number there ends the process.

    Calling it runs the entry, which tries the specialisations that it is chained with.  Where none fits,
    `_resolve(*args, **kwargs)` is called and gives the result; a subclass says there how code is found or made.
    """

    __slots__ = ("__dict__", "__weakref__", "_function")

    _function: Any

    def __init__(self, function: Any, entry: int) -> None:
        self._function = function
        self._entry = entry

    def _resolve(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a kind of caller says how it finds the code to run")

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Stored in a class, a caller is a method, as a function is."""
        return self if instance is None else pytypes.MethodType(self, instance)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _keep_vectorcall(cls)


def _keep_vectorcall(cls: type) -> None:
    """Make calls of instances take the direct way; up to 3.11 a class made in Python does not inherit that."""
    if not cls.__flags__ & _HAVE_VECTORCALL and "__call__" not in vars(cls):
        flags = ctypes.c_ulong.from_address(id(cls) + _FLAGS)
        if flags.value != cls.__flags__:
            raise ImportError("zyg does not know where this interpreter keeps the flags of a type")
        flags.value |= _HAVE_VECTORCALL


_FLAGS = HEAD + 19 * WORD  # of tp_flags; 3.10 and 3.11 will not change any more
_keep_vectorcall(Caller)


def _function_offset() -> int:
    sentinel = object()
    example = Caller(sentinel, 0)
    if read_word(example, HEAD + WORD) != id(sentinel) or read_word(example, TYPE) != id(Caller):
        raise ImportError("zyg does not know how this interpreter lays out an object with slots")
    return HEAD + WORD


# Where a caller keeps the function that it wraps.
FUNCTION = _function_offset()
