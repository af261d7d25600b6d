"""Derivatives in dynamic mode: the function is run once, recorded, and swept in reverse."""

from __future__ import annotations

import contextlib
import functools
import inspect
import operator
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import zyg.dynamic.numpy_functions as _numpy_functions
import zyg.dynamic.numpy_writes as _numpy_writes
import zyg.dynamic.python_calls as _python_calls
import zyg.dynamic.statistics_calls as _statistics_calls
from zyg.dynamic import classes, special_calls
from zyg.dynamic.array import Array, is_array, wrapped
from zyg.dynamic.callees import settle_work
from zyg.dynamic.cotangents import kind_of
from zyg.dynamic.instances import attributes, cotangent_like, members
from zyg.dynamic.leaks import strip_outliving
from zyg.dynamic.opened import give
from zyg.dynamic.places import without_own_frames
from zyg.dynamic.resolve import resolve_outermost
from zyg.dynamic.state import STATE, recording
from zyg.dynamic.structure import Gradient, Tracking, outputs
from zyg.dynamic.tape import Sweep, Tape
from zyg.errors import ArgumentError, ValueArgumentError, ZygError
from zyg.reading.derive import Argnums
from zyg.reading.front import definition
from zyg.steering import checkpoint
from zyg.transformed import Transformed

assert all((_python_calls, _statistics_calls, _numpy_writes, _numpy_functions))  # imported for what they register


class Recorded:
    """A function that has been run at some arguments: its value, and cotangents of the arguments."""

    def __init__(
        self,
        fn: Callable[..., Any],
        args: Sequence[Any],
        kws: dict[str, Any],
        argnums: Sequence[int],
        keep: bool,
        params: Sequence[Any] = (),
        natively: bool = True,
        has_aux: bool = False,
        forward: bool = False,
    ) -> None:
        """argnums: of the arguments to differentiate.  keep: the sweep will run later, when arrays may have changed.

        params: captured arrays to differentiate.  natively: sweeps are not differentiated.
        has_aux: the sweep starts from the first item of what is returned.  forward: see `Tape`.
        """
        special_calls.learn()
        tape = self.tape = Tape(STATE.tape)
        tape.natively, tape.forward = natively and not keep, forward
        tracking = Tracking(tape)
        given = list(args)
        by_number: dict[int, Gradient] = {}
        for number in dict.fromkeys(argnums):
            given[number], by_number[number] = tracking.argument(args[number])
        self.gradients = [by_number[number] for number in argnums]
        self.gradients += [tracking.parameter(param) for param in params]
        failed: BaseException | None = None
        classes.begin()
        try:
            with recording(tape):
                result = resolve_outermost(fn)(*given, **kws)
            whole = not (has_aux and isinstance(result, tuple) and len(result) == 2)
            self.outputs = outputs(result if whole else result[0], tape)
            if tape.refused is not None:
                raise tape.refused
        except ZygError:
            tape.refused = None
            raise
        except BaseException as error:
            refused, tape.refused = tape.refused, None
            if refused is not None and isinstance(error, Exception):
                error.__cause__ = error.__context__ = None  # it is the other's context now
                raise refused from None
            without_own_frames(error)
            failed = error
            raise
        finally:
            classes.end()
            settle_work(tape)
            if keep:
                _keep(tape)
            tape.open = False
            if failed is None:
                tracking.write_back()
            else:
                with contextlib.suppress(ZygError):
                    tracking.write_back()
                del given
                strip_outliving(tape, (fn, args, kws))
                failed = None
        self.value = tracking.settled(result)
        del given, tracking, result
        strip_outliving(tape, (fn, args, kws, self.value))

    def sweep(self, seeds: Any) -> list[Any]:
        """The cotangents of the arguments for those of the value."""
        sweep = Sweep(self.tape)
        with np.errstate(all="ignore"):
            give(self.outputs, seeds, sweep, _tracked)
            sweep.run()
            return [gradient(sweep) for gradient in self.gradients]


def _keep(tape: Tape) -> None:
    """Copy what others might write before a sweep reads it."""
    for value in tape.made:
        if type(value) is Array:
            value.buffer.keep()


def _tracked(seed: Any) -> Any:
    """A cotangent as what it is for the tape that is running now."""
    return wrapped(seed, STATE.tape) if is_array(seed) else seed


def gradient(
    fn: Callable[..., Any],
    args: Sequence[Any],
    kws: dict[str, Any],
    argnums: Argnums,
    gives: str,
    has_aux: bool,
) -> Any:
    """What `grad(fn, argnums, has_aux=…)(*args, **kws)` gives, or `value_and_grad`."""
    fn, args, kws, chosen = _placed(fn, args, kws, argnums)
    run = Recorded(fn, args, kws, chosen, False, has_aux=has_aux)
    y, aux = run.value, None
    if has_aux:
        if not isinstance(y, tuple) or len(y) != 2:
            raise ArgumentError(
                f"has_aux: the function must return a pair (y, aux), not {type(y).__name__}",
                definition(fn),
                "Return (y, aux), or leave out has_aux.",
            )
        y, aux = y
    check_scalar(y, fn)
    found = run.sweep(1 if kind_of(y) == "i" else 1.0)
    result: Any = tuple(found) if isinstance(argnums, tuple) else found[0]
    if gives == "grad":
        return (result, aux) if has_aux else result
    y = _number(y)
    return ((y, aux) if has_aux else y), result


class Pullback:
    """What `pullback` gives besides the value: cotangents of the arguments, for any cotangent of the value."""

    __slots__ = ("_run",)

    def __init__(self, run: Recorded) -> None:
        self._run = run

    def __call__(self, dy: Any) -> tuple[Any, ...]:
        return tuple(self._run.sweep(fitted(dy, self._run.value, self._run.outputs)))


def pullback(fn: Callable[..., Any], args: Sequence[Any]) -> tuple[Any, Pullback]:
    """`(y, back)`."""
    run = Recorded(fn, args, {}, range(len(args)), True)
    return run.value, Pullback(run)


def fitted(dy: Any, y: Any, refs: Any) -> Any:
    """A cotangent of the value `y`, checked against it."""
    if dy is None or refs is None:
        return None
    if isinstance(refs, list):
        if not isinstance(dy, (tuple, list)) or len(dy) != len(refs):
            raise ValueArgumentError(
                f"the cotangent must be a {type(y).__name__} of {len(refs)}, like the value; it is {dy!r:.80}"
            )
        return [fitted(a, b, c) for a, b, c in zip(dy, y, refs, strict=True)]
    if isinstance(refs, dict):
        if isinstance(y, dict):
            if not isinstance(dy, dict) or dy.keys() != y.keys():
                raise ValueArgumentError(f"the cotangent must be a dict of {len(y)}, like the value; it is {dy!r:.80}")
            return {key: fitted(dy[key], y[key], ref) for key, ref in refs.items()}
        held, given = members(y) or {}, dy if isinstance(dy, dict) else members(dy)
        if given is None or not given.keys() <= held.keys():
            raise ValueArgumentError(
                f"the cotangent must have attributes of the value, a {type(y).__name__}; it is {dy!r:.80}"
            )
        return {name: fitted(given.get(name), held[name], ref) for name, ref in refs.items()}
    shape = np.shape(getattr(y, "__zyg_root__", y))
    if isinstance(dy, (list, tuple)):
        dy = np.asarray(dy)
    if not kind_of(dy):
        raise ValueArgumentError(f"the cotangent must be a number or an array, like the value; it is {dy!r:.80}")
    if np.shape(getattr(dy, "__zyg_root__", dy)) != shape:
        raise ValueArgumentError(
            f"the cotangent has the shape {np.shape(getattr(dy, '__zyg_root__', dy))}, the value has {shape}"
        )
    if kind_of(dy) == "c" and kind_of(y) != "c":
        raise ValueArgumentError("the cotangent is complex, the value is real")
    return dy


def jvp(fn: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """`(y, dy)`: cotangents of the arguments are linear in the value's, and the derivative by it is the tangent."""
    # Where nothing moves the derivative may be nan: by the exponent of a negative number, say
    moving = [n for n, tangent in enumerate(tangents) if not _is_still(tangent, primals[n])]
    for n in moving:
        _check_structure(tangents[n], primals[n])
    run = Recorded(fn, primals, {}, moving, False, natively=False, forward=True)
    tape = Tape(STATE.tape)
    unit, gradient = Tracking(tape).argument(_unit(run.value, run.outputs))
    with recording(tape):
        found = run.sweep(unit)
        product = _product(found, [tangents[n] for n in moving])
        ref = outputs(product, tape)
    tape.open = False
    sweep = Sweep(tape)
    if ref is not None:
        with np.errstate(all="ignore"):
            ref.give(sweep, 1.0)
            sweep.run()
    tape.entries.clear()
    return run.value, _like(gradient(sweep), run.value)


def _is_still(tangent: Any, primal: Any) -> bool:
    return tangent is None or (type(tangent) in (int, float) and tangent == 0 and not is_array(primal))


def _check_structure(tangent: Any, primal: Any) -> None:
    """An error where a tangent has not the structure of what moves; attributes of instances may be left out."""
    if tangent is None:
        return
    parts: list[tuple[Any, Any]] | None = []
    if isinstance(primal, (tuple, list)):
        alike = isinstance(tangent, (tuple, list)) and len(tangent) == len(primal)
        parts = list(zip(tangent, primal, strict=True)) if alike else None
    elif isinstance(primal, dict):
        alike = isinstance(tangent, dict) and tangent.keys() == primal.keys()
        parts = [(tangent[key], item) for key, item in primal.items()] if alike else None
    elif (held := _held(primal)) is not None:
        given = tangent if isinstance(tangent, dict) else members(tangent)
        alike = given is not None and given.keys() <= held.keys()
        parts = [(item, held[name]) for name, item in given.items()] if given is not None and alike else None
    if parts is None:
        raise ValueArgumentError(f"the tangent of {primal!r:.80} cannot be {tangent!r:.80}: it has another structure")
    for part, its in parts:
        _check_structure(part, its)


def _held(primal: Any) -> dict[str, Any] | None:
    """What an instance or function holds that has a gradient."""
    if isinstance(primal, types.MethodType):
        return _held(primal.__self__)
    if isinstance(primal, functools.partial):
        return {"func": primal.func, "args": primal.args, "keywords": primal.keywords}
    return _held(primal.fn) if isinstance(primal, (Transformed, checkpoint)) else members(primal)


def _unit(y: Any, refs: Any, top: bool = True) -> Any:
    """Something of the structure of a value whose numbers are all floating; ints in containers are structure."""
    if isinstance(y, (tuple, list)):
        pairs = zip(y, refs or [None] * len(y), strict=True)
        return [_unit(item, None if refs is None else ref, False) for item, ref in pairs]
    held = y if isinstance(y, dict) else members(y)
    if held is not None:
        return {key: _unit(item, refs[key], False) for key, item in held.items()} if refs is not None else None
    kind = kind_of(y)
    if is_array(y):
        return np.zeros(y.shape, y.dtype if y.dtype.kind in "fc" else float)
    if kind == "i" and not top:
        return None
    return 0j if kind == "c" else 0.0 if kind and not isinstance(y, bool) else None


def _like(dy: Any, y: Any) -> Any:
    if isinstance(y, tuple):
        items = [_like(a, b) for a, b in zip(dy, y, strict=True)]
        return tuple.__new__(type(y), items)
    if isinstance(y, list):
        return [_like(a, b) for a, b in zip(dy, y, strict=True)]
    held = y if isinstance(y, dict) else members(y)
    if held is not None and dy is not None:
        found = {key: _like(dy[key], item) for key, item in held.items()}
        return found if isinstance(y, dict) else cotangent_like(y, found)
    return dy


def _product(found: Any, tangents: Any) -> Any:
    """The inner product of cotangents and tangents, as vectors of real numbers."""
    if found is None or tangents is None:
        return 0.0
    if isinstance(found, (tuple, list)):
        return functools.reduce(operator.add, [_product(a, b) for a, b in zip(found, tangents, strict=True)], 0.0)
    if isinstance(found, dict):
        return functools.reduce(operator.add, [_product(item, tangents.get(key)) for key, item in found.items()], 0.0)
    if not kind_of(found):
        names = attributes(found)
        given = tangents if isinstance(tangents, dict) else attributes(tangents)
        return functools.reduce(operator.add, [_product(item, given.get(name)) for name, item in names.items()], 0.0)
    if not kind_of(tangents) or np.shape(_root(tangents)) != np.shape(_root(found)):
        like = f"an array of shape {np.shape(_root(found))}" if is_array(found) else "a number"
        raise ValueArgumentError(f"the tangent of {like} cannot be {_root(tangents)!r:.80}")
    if kind_of(found) == "c":
        product = np.real(np.conj(found) * tangents) if is_array(found) else (found.conjugate() * tangents).real
    else:
        product = found * tangents
    return np.sum(product) if is_array(product) else product


def _root(value: Any) -> Any:
    return getattr(value, "__zyg_root__", value)


def implicit(fn: Callable[..., Any], params: Sequence[Any]) -> tuple[Any, list[Any]]:
    """The value of `fn()`, and its gradient by captured arrays."""
    run = Recorded(fn, (), {}, (), False, params)
    check_scalar(run.value, fn)
    return _number(run.value), run.sweep(1.0)


def _number(y: Any) -> Any:
    return y.item() if type(y) is np.ndarray or isinstance(y, np.generic) else y


def check_scalar(y: Any, fn: Any) -> None:
    """Raise unless it is a real number that `fn` gave."""
    root = getattr(y, "__zyg_root__", y)
    if isinstance(root, np.ndarray) and root.ndim == 0:
        return
    kind = kind_of(root) if not isinstance(root, np.ndarray) else ""
    if kind in ("i", "f") and not isinstance(root, bool):
        return
    what = "a complex number" if kind == "c" else f"a value of type {type(root).__name__}"
    raise ArgumentError(
        f"the function must return a real number to have a gradient, not {what}",
        definition(fn),
        "Return a real number, or use zyg.pullback.",
    )


def _placed(
    fn: Any, args: Sequence[Any], kws: dict[str, Any], argnums: Argnums
) -> tuple[Any, list[Any], dict[str, Any], list[int]]:
    """A function and arguments, those by position that are differentiated, and which these are."""
    wanted = argnums if isinstance(argnums, tuple) else (argnums,)
    numbers = [n for n in wanted if isinstance(n, int)]
    args, kws = list(args), dict(kws)
    if any(n >= len(args) for n in numbers):
        parameters = inspect.signature(fn).parameters.values()
        for parameter in [p for p in parameters if p.kind in _BY_POSITION][len(args) : max(numbers) + 1]:
            if parameter.name in kws:
                args.append(kws.pop(parameter.name))
            elif parameter.default is not parameter.empty:
                args.append(parameter.default)
            else:
                break
    own = len(args)
    for n in numbers:
        if not -own <= n < own:
            _check_call(fn, args, kws)
            raise ValueArgumentError(
                f"argnums {n} is out of range for {own} argument{'' if own == 1 else 's'}",
                definition(fn),
                f"Use {-own} to {own - 1}." if args else "Call it with an argument.",
            )
    names = list(dict.fromkeys(name for name in wanted if isinstance(name, str)))
    for name in names:
        if name not in kws:
            raise ValueArgumentError(f"the argument {name!r} is not given", definition(fn), "Pass it by name.")
        args.append(kws.pop(name))
    chosen = [own + names.index(n) if isinstance(n, str) else n % own for n in wanted]

    def named(*given: Any, **others: Any) -> Any:
        return resolve_outermost(fn)(*given[:own], **dict(zip(names, given[own:], strict=True)), **others)

    return (named if names else fn), args, kws, chosen


def _check_call(fn: Any, args: Sequence[Any], kws: dict[str, Any]) -> None:
    """Raise the error of a call with arguments that the function does not take."""
    try:
        inspect.signature(fn).bind(*args, **kws)
    except TypeError as error:
        name = getattr(fn, "__name__", fn)
        raise ArgumentError(f"{name}(): {error}", definition(fn), "Pass what its signature says.") from None


_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
