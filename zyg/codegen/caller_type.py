"""The Python type of what calls native code: CPython's vectorcall goes straight to a generated routine.

The type has two layers.  The lower one is made from a C specification (the stable part of CPython's API) and
holds two words.  The upper one is an ordinary Python class over it, so that CPython itself provides allocation,
garbage collection, weak references and attributes, and nothing of that is written by hand.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from zyg.codegen.caller_layout import HEAD, WORD, fields

_READONLY = 1
_T_SSIZE = 19  # structmember.h
_SLOT_CALL, _SLOT_MEMBERS = 50, 72  # typeslots.h
_BASE_TYPE, _HAVE_VECTORCALL, _DEFAULT = 1 << 10, 1 << 11, 1 << 18  # object.h

# Where an instance keeps the routine that CPython calls, and the chain of entries that the routine tries
ROUTINE, CHAIN = HEAD, HEAD + WORD


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


def _make_words() -> type:
    """The lower layer: an object head and two words.  Without a routine, a call is a TypeError."""
    members = (_Member * 4)(
        _Member(b"__vectorcalloffset__", _T_SSIZE, ROUTINE, _READONLY, None),
        _Member(b"_routine", _T_SSIZE, ROUTINE, 0, None),
        _Member(b"_first", _T_SSIZE, CHAIN, 0, None),
        _Member(),
    )
    call = ctypes.cast(ctypes.pythonapi.PyVectorcall_Call, ctypes.c_void_p)
    slots = (_Slot * 3)(
        _Slot(_SLOT_MEMBERS, ctypes.addressof(members)),
        _Slot(_SLOT_CALL, call.value),
        _Slot(0, None),
    )
    spec = _Spec(b"zyg.codegen.Words", HEAD + 2 * WORD, 0, _BASE_TYPE | _HAVE_VECTORCALL | _DEFAULT, slots)
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.POINTER(_Spec))(("PyType_FromSpec", ctypes.pythonapi))
    words: type = make(ctypes.byref(spec))
    _KEPT.extend((members, slots, spec))
    return words


_KEPT: list[Any] = []  # before 3.12 a type keeps the pointers of its specification

if TYPE_CHECKING:

    class _Words:
        _routine: int
        _first: int

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

else:
    _Words = _make_words()


class NativeCallable(_Words):
    """A callable whose calls go to native code, chosen by the wrapped function and the arguments.

    `_function`: where the captures that guards look at are reached from.  `_chain`: keeps alive what `_first`
    is the address of.  Nothing but `caller.Chain.attach` may set these and the words: a wrong one ends the process.

    Where no entry of the chain fits a call, `_resolve(*args, **kwargs)` is called and gives the result.
    """

    __slots__ = ("__dict__", "__weakref__", "_chain", "_function")

    _function: Any
    _chain: Any

    def _resolve(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a kind of caller says how it finds the code to run")

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
_keep_vectorcall(NativeCallable)

# Where an instance keeps the function that it wraps
FUNCTION = fields(NativeCallable)["_function"]
