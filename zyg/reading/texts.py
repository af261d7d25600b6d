"""Strings: what is known of them is computed when compiling.

Those that are made at run time by writing ints into known text can be compared with known ones, and be keys of dicts.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from zyg.errors import unsupported
from zyg.ir.program import Const, Operand, Var
from zyg.ir.scalars import b1, f8, i8
from zyg.reading import lists
from zyg.reading.captured import opened_whole
from zyg.reading.either import one_of
from zyg.reading.heads import LazyHead, TupleHead
from zyg.reading.values import Node, Recipe, Static, Value, constant, tuple_of

if TYPE_CHECKING:
    from zyg.reading.read import FunctionReader

Parts: TypeAlias = tuple[str | Operand, ...]
_INT = re.compile(r"0|-?[1-9]\d*")


@dataclass(frozen=True, slots=True)
class TextMethod:
    """A method of a string, as what a `LazyHead` calls."""

    name: str

    def __call__(self, text: Any, *args: Any) -> Any:
        return getattr(text, self.name)(*args)


def is_text(value: Value) -> bool:
    if isinstance(value, Static):
        return isinstance(value.obj, (str, bytes))
    return isinstance(value, Node) and isinstance(value.head, LazyHead)


def made(reader: FunctionReader, fn: Callable[..., Any], args: Sequence[Value]) -> Value:
    """`fn(*args)`, a string; where all is known, what it is."""
    objects = [known(reader, arg) for arg in args]
    if all(len(found) == 1 for found in objects):
        return _result(reader, fn, [found[0] for found in objects])
    return Node(LazyHead(fn), tuple(args))


def method(reader: FunctionReader, value: Static, name: str, args: Sequence[Value], kws: dict[str, Value]) -> Value:
    """`value.name(*args, **kws)` of a known string."""
    if kws:
        raise unsupported("a method of a string with arguments by name cannot be compiled", reader.pos)
    return made(reader, TextMethod(name), [value, *args])


def known(reader: FunctionReader, value: Value) -> list[Any]:
    """The object that a value is, alone in a list; an empty list where that is not known."""
    if isinstance(value, Static) and isinstance(value.obj, (str, bytes, type(None))):
        return [value.obj]
    if isinstance(value, Const) and value.type in (b1, i8, f8):  # a constant may be NumPy's, which has another repr
        return [value.value] if value not in reader.spec.of_numpy else []
    if isinstance(value, Node) and (value.head == TupleHead() or lists.is_display(value)):
        items = [known(reader, item) for item in value.items]
        kind = tuple if isinstance(value.head, TupleHead) else list
        return [kind([item[0] for item in items])] if all(len(item) == 1 for item in items) else []
    return []


def _result(reader: FunctionReader, fn: Callable[..., Any], args: Sequence[Any]) -> Value:
    try:
        found = fn(*args)
    except Exception as error:
        raise unsupported(f"this raises {type(error).__name__}: {error}", reader.pos) from None
    return _as_value(reader, found)


def _as_value(reader: FunctionReader, found: Any) -> Value:
    if isinstance(found, (str, bytes)):
        return Static(found)
    if isinstance(found, (bool, int, float)):
        return constant(found)
    if isinstance(found, tuple):
        return tuple_of([_as_value(reader, item) for item in found])
    if isinstance(found, list):
        return lists.display(reader, [_as_value(reader, item) for item in found])
    raise unsupported(f"a string's method that gives {type(found).__name__} cannot be compiled", reader.pos)


# --- strings that are made at run time --------------------------------------------------------------------------


def equal(reader: FunctionReader, a: Value, b: Value) -> Operand:
    """`a == b` of strings"""
    one, other = parts(a), parts(b)
    for text, pattern in ((one, other), (other, one)):
        if text is not None and pattern is not None and all(isinstance(part, str) for part in text):
            return matches(reader, pattern, "".join(map(str, text)))
    raise _notknown(reader)


def chosen_by(reader: FunctionReader, index: Value, keys: Sequence[Any]) -> list[tuple[int, Operand]]:
    """The numbers of the keys that a string may be, and whether it is."""
    pattern = parts(index)
    if pattern is None:
        raise _notknown(reader)
    found = [(number, matches(reader, pattern, key)) for number, key in enumerate(keys) if type(key) is str]
    return [(number, same) for number, same in found if same != Const(False, b1)]


def is_made_at_run_time(value: Value) -> bool:
    return isinstance(value, Node) and isinstance(value.head, LazyHead)


def item_at(
    reader: FunctionReader,
    index: Value,
    entries: Mapping[Any, Value],
    default: Value | None = None,
    error: Callable[[str], Exception] = KeyError,
) -> Value:
    """What is in `entries` under a string that is made at run time, or the default, or an error."""
    keys = list(entries)
    found = chosen_by(reader, index, keys)
    items = [opened_whole(reader, entries[keys[number]]) for number, _ in found]
    if default is not None:
        return one_of(reader, [*items, default], [*(same for _, same in found), Const(True, b1)])
    if not items:
        raise unsupported(
            "there is no key or attribute that this string could be", reader.pos, "Use one that is there."
        )
    text = Recipe(index)
    reader.guard(is_in(reader, index, keys), lambda *ints: error(text(*ints)), "KeyError", *text.operands)
    return one_of(reader, items, [same for _, same in found])


def is_in(reader: FunctionReader, index: Value, keys: Sequence[Any]) -> Operand:
    """Is a string that is made at run time one of these keys?"""
    there: Operand = Const(False, b1)
    for _, same in chosen_by(reader, index, keys):
        there = reader.emit(operator.or_, (there, same), b1)
    return there


def _notknown(reader: FunctionReader) -> Exception:
    what = "strings that are made of other things than known strings and ints cannot be compared"
    return unsupported(what, reader.pos)


def matches(reader: FunctionReader, pattern: Parts, text: str) -> Operand:
    """Is what `pattern` makes at run time this text?"""
    out: Operand = Const(False, b1)
    for ints in _readings(pattern, text):
        same: Operand = Const(True, b1)
        for number, value in ints:
            same = reader.emit(operator.and_, (same, reader.emit(operator.eq, (number, Const(value, i8)), b1)), b1)
        out = reader.emit(operator.or_, (out, same), b1)
    return out


def _readings(pattern: Parts, text: str) -> Iterator[tuple[tuple[Operand, int], ...]]:
    """The ints with which `pattern` is this text."""
    if not pattern:
        if not text:
            yield ()
        return
    first, rest = pattern[0], pattern[1:]
    if isinstance(first, str):
        if text.startswith(first):
            yield from _readings(rest, text[len(first) :])
        return
    for size in range(1, len(text) + 1):
        if _INT.fullmatch(text[:size]):
            for found in _readings(rest, text[size:]):
                yield ((first, int(text[:size])), *found)


def parts(value: Value) -> Parts | None:
    """The known strings and the ints that a string is put together of; None where it is made of anything else."""
    if isinstance(value, Static):
        return (value.obj,) if type(value.obj) is str else None
    if isinstance(value, Const):
        return (str(value.value),) if value.type in (b1, i8) else None
    if isinstance(value, Var):
        return (value,) if value.type == i8 else None
    if not isinstance(value.head, LazyHead):
        return None
    fn, items = value.head.fn, value.items
    if fn is str or (fn is format and items[1:] in ((), (Static(""),))):
        return parts(items[0])
    if fn is operator.add:
        return _joined([parts(item) for item in items])
    if fn is operator.mod:
        several = isinstance(items[1], Node) and isinstance(items[1].head, TupleHead)
        return _formatted(items[0], items[1].items if several else items[1:], "%[dis]|%%")  # type: ignore[union-attr]
    if isinstance(fn, TextMethod) and fn.name == "format":
        return _formatted(items[0], items[1:], r"\{\}")
    return None


def _formatted(text: Value, args: Sequence[Value], places: str) -> Parts | None:
    """A known text in whose places the arguments are written."""
    if not (isinstance(text, Static) and type(text.obj) is str):
        return None
    given = iter(args)
    found: list[Parts | None] = []
    for number, piece in enumerate(re.split(f"({places})", text.obj)):
        if number % 2 == 0:
            found.append((piece,) if not set(piece) & set(places) & set("%{}") else None)
        else:
            arg = next(given, Static(None)) if piece != "%%" else Static("%")
            is_bool = isinstance(arg, Const) and arg.type == b1 and piece in ("%d", "%i")  # an int there
            found.append(None if is_bool else parts(arg))
    return _joined(found) if next(given, None) is None else None


def _joined(found: Sequence[Parts | None]) -> Parts | None:
    return tuple([part for some in found for part in some or ()]) if None not in found else None
