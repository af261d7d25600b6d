"""Functions with a derivative given by the user: `@adjoint(fn)`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from zyg.dynamic.array import fresh, is_array, operand, recorded, top_tape, wrapped
from zyg.dynamic.array_steps import Result
from zyg.dynamic.contents import changed, held, holders_in, is_active
from zyg.dynamic.cotangents import kind_of
from zyg.dynamic.instances import attributes, cotangent_like, is_open, with_members
from zyg.dynamic.places import here, refusal, without_own_frames
from zyg.dynamic.state import STATE, hiding, note
from zyg.dynamic.tape import Sweep, Tape
from zyg.errors import ValueArgumentError, ZygError
from zyg.ir.program import Pos
from zyg.reading.custom import RULES
from zyg.reading.rule_arguments import by_argument, counted


def by_rule(fn: Any) -> Callable[..., Any]:
    """What is called in place of `fn`, which has a rule: the rule, where an argument is being differentiated."""
    rule = RULES[fn]
    name = getattr(fn, "__name__", "fn")

    def call(*args: Any, **kws: Any) -> Any:
        top = top_in((args, kws))
        if top is None:
            return _plainly(fn)(*args, **kws)
        if name in _CHANGING:
            raise refusal(f"{name} has a rule, and changes its instance", "Let it have none.")
        return recorded_call(rule, name, args, kws, top)

    return call


_CHANGING = frozenset(
    ("__init__", "__post_init__", "__setattr__", "__delattr__", "__setitem__", "__delitem__", "__set__")
)


def _plainly(fn: Any) -> Any:
    from zyg.dynamic.resolve import without_rule

    return without_rule(fn)


def _tracked_in(value: Any) -> list[Any]:
    found: list[Any] = []

    def note(item: Any) -> Any:
        if is_active(item):
            found.append(item)
        return item

    changed(value, note, instances={})
    return found


def top_in(value: Any) -> Tape | None:
    """The innermost tape that differentiates something in `value`."""
    return top_tape(_tracked_in(value))


def recorded_call(rule: Any, name: str, args: Sequence[Any], kws: dict[str, Any], top: Tape) -> Any:
    from zyg.dynamic.resolve import resolve

    def low(value: Any) -> Any:
        below = operand(value, top)[1]
        return below.copy() if is_array(below) else below

    arguments = (*args, *kws.values())
    copies: dict[int, Any] = {}
    lows = [changed(value, low, instances=copies) for value in arguments]
    before: dict[int, tuple[Any, list[Any]]] = {}
    holders_in(lows, before)
    try:
        with hiding(top):
            given = resolve(rule)(*lows[: len(args)], **dict(zip(kws, lows[len(args) :], strict=True)))
        if not (isinstance(given, tuple) and len(given) == 2 and callable(given[1])):
            raise ValueArgumentError(
                f"the rule of {name} must return a pair (y, back), not {given!r:.80}",
                here(),
                "Return the value and a function of its cotangent.",
            )
    except ZygError as error:
        note(error, top)
        raise
    _check_unchanged(before, arguments, name)
    y, back = given
    if top_in(y) is top:
        raise refusal(
            f"the value of {name} depends on something that is being differentiated and is none of its arguments",
            "Make it an argument.",
        )
    known: dict[int, Any] = {}
    refs = [_refs(value, top, known) for value in arguments]
    step = Custom(name, rule, back, refs, tuple(kws), here())
    result, step.results = _results(y, top)
    top.entries.append(step)
    return result


def _check_unchanged(before: dict[int, tuple[Any, list[Any]]], arguments: Sequence[Any], name: str) -> None:
    """An error where a rule has changed a copy of what it was given: the caller would not see that."""
    originals: dict[int, tuple[Any, list[Any]]] = {}
    for number, (holder, inside) in before.items():
        now = held(holder)
        if now is None or (len(now) == len(inside) and all(map(operator.is_, now, inside))):
            continue
        if not originals:
            holders_in(arguments, originals)
        if number not in originals:
            raise refusal(
                f"{name} changes a {type(holder).__name__} that it is given, and that holds what is differentiated",
                "Let it return what is new.",
            )


def _refs(value: Any, top: Tape, known: dict[int, Any]) -> Any:
    """References to the tracked values of an argument, in its structure.  known: those of instances, by their ids."""
    value = wrapped(value, STATE.tape)
    if hasattr(type(value), "__zyg_apply__"):
        return operand(value, top)[0]
    if isinstance(value, (list, tuple)):
        return [_refs(item, top, known) for item in value]
    if isinstance(value, dict):
        return {key: _refs(item, top, known) for key, item in value.items()}
    held = _attributes(value)
    if held is None:
        return None
    if id(value) not in known:
        refs = known[id(value)] = {}  # where it holds itself
        refs.update({name: _refs(item, top, known) for name, item in held.items()})
    return known[id(value)]


def _results(y: Any, top: Tape, inside: tuple[int, ...] = ()) -> tuple[Any, Any]:
    """The value of a rule, tracked, and references to it, in its structure."""
    if isinstance(y, (tuple, list)):
        pairs = [_results(item, top, inside) for item in y]
        items = [item for item, _ in pairs]
        made = tuple.__new__(type(y), items) if isinstance(y, tuple) else type(y)(items)
        return made, tuple([ref for _, ref in pairs])
    held = y if isinstance(y, dict) else _attributes(y, inside)
    if held is not None:
        found = {key: _results(item, top, (*inside, id(y))) for key, item in held.items()}
        values, refs = {key: item for key, (item, _) in found.items()}, {key: ref for key, (_, ref) in found.items()}
        return (values, refs) if isinstance(y, dict) else (with_members(y, values), Instance(y, refs))
    root = getattr(y, "__zyg_root__", y)
    if kind_of(root) == "" or isinstance(root, bool):
        return y, None
    places: list[Any] = []
    made = recorded(wrapped(y, top.outer), top, lambda ref: Result(places, ref))
    return fresh(made, STATE.tape), places[0]


@dataclass(slots=True)
class Instance:
    """References to what an instance holds that a rule gave."""

    like: Any
    refs: dict[str, Any]


def _attributes(value: Any, inside: tuple[int, ...] = ()) -> dict[str, Any] | None:
    """What an instance of a class of the user's holds, unless it is inside of itself."""
    return attributes(value) if is_open(type(value)) and id(value) not in inside else None


class Custom:
    """A call by a user's rule."""

    __slots__ = ("back", "name", "names", "pos", "refs", "results", "rule")

    def __init__(
        self, name: str, rule: Any, back: Any, refs: Sequence[Any], names: tuple[str, ...], pos: Pos | None
    ) -> None:
        """refs: to the arguments, of which the last are passed by these names."""
        self.name, self.rule, self.back, self.refs, self.names, self.pos = name, rule, back, refs, names, pos
        self.results: Any = None

    def _varies(self, number: int) -> bool:
        return _any_ref(self.refs[number], set())

    def reverse(self, sweep: Sweep) -> None:
        from zyg.dynamic.resolve import resolve

        is_known: list[bool] = []
        dy = _taken(self.results, sweep, is_known)
        if not any(is_known):
            return
        try:
            given = resolve(self.back)(dy)
        except ZygError as error:
            if self.pos is not None:
                error.reached_from(self.pos)
            raise
        except Exception as error:
            without_own_frames(error)
            if self.pos is not None and hasattr(error, "add_note"):
                error.add_note(f"in the pullback of {self.name}, called at {self.pos}")
            raise
        items = list(given) if isinstance(given, tuple) else [given]
        found = by_argument(self.rule, len(self.refs) - len(self.names), self.names, items, None, self._varies)
        if len(self.refs) == 1 and _is_tuple(self.refs[0]) and (found is None or len(items) > 1):
            found = [given]  # the bare cotangent of one argument, which is a tuple
        if found is None:
            raise ValueArgumentError(
                f"the pullback of {self.name} {counted(items, self.refs)}",
                self.pos,
                "Let back(dy) return one cotangent for each argument.",
            )
        for refs, cotangent in zip(self.refs, found, strict=True):
            self._give(refs, cotangent, sweep)

    def _give(self, refs: Any, given: Any, sweep: Sweep) -> None:
        if refs is None or given is None:
            return
        if isinstance(refs, list) and isinstance(given, (list, tuple)) and len(refs) == len(given):
            for ref, item in zip(refs, given, strict=True):
                self._give(ref, item, sweep)
        elif isinstance(refs, dict) and (held := _held(given)) is not None and held.keys() <= refs.keys():
            for key, ref in refs.items():
                self._give(ref, held.get(key), sweep)
        elif not isinstance(refs, (list, dict)) and kind_of(given) and _fits(refs, given):
            refs.give(sweep, wrapped(given, STATE.tape) if is_array(given) else given)
        else:
            shape = getattr(refs, "shape", None)
            other = "an argument of another structure" if isinstance(refs, (list, dict)) else "a number"
            of = other if shape is None else f"an argument of shape {shape}"
            got = f"shape {given.shape}" if is_array(given) else type(given).__name__
            raise ValueArgumentError(
                f"the pullback of {self.name} gives {got} as the cotangent of {of}",
                self.pos,
                "Give it the structure of the argument, with None where there is none.",
            )


def _held(given: Any) -> dict[str, Any] | None:
    return given if isinstance(given, dict) else _attributes(given)


def _any_ref(refs: Any, seen: set[int]) -> bool:
    if not isinstance(refs, (list, dict)):
        return refs is not None
    if id(refs) in seen:
        return False
    seen.add(id(refs))
    return any(_any_ref(ref, seen) for ref in (refs.values() if isinstance(refs, dict) else refs))


def _is_tuple(refs: Any) -> bool:
    return isinstance(refs, list)


def _fits(ref: Any, given: Any) -> bool:
    shape = getattr(given, "shape", ())
    return shape == getattr(ref, "shape", ())


def _taken(refs: Any, sweep: Sweep, found: list[bool]) -> Any:
    """The cotangent of a rule's value, zeros where there is none."""
    if refs is None:
        return None
    if isinstance(refs, tuple):
        return tuple([_taken(ref, sweep, found) for ref in refs])
    if isinstance(refs, dict):
        return {key: _taken(ref, sweep, found) for key, ref in refs.items()}
    if isinstance(refs, Instance):
        return cotangent_like(refs.like, _taken(refs.refs, sweep, found))
    dy = refs.take(sweep)
    found.append(dy is not None)
    if dy is None:
        return refs.shadow(sweep, True) if hasattr(refs, "shadow") else 0.0
    return dy.copy() if is_array(dy) else dy
