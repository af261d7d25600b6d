"""Every primitive, for every type it admits, as native code against its meaning on NumPy scalars."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numba import types

from zyg.codegen.compile import Native, compile_module
from zyg.codegen.scalar import has_lowering
from zyg.ir.interpret import number
from zyg.ir.program import Block, Const, Module, Op, Operand, Pos, Program, Return, Type, Var
from zyg.rules import primitives as p
from zyg.rules.special import SPECIAL

HERE = Pos("<test>", 1, "f")
BOOL, INT, F64, F32, C128, C64 = (
    types.boolean,
    types.int64,
    types.float64,
    types.float32,
    types.complex128,
    types.complex64,
)
FLOATS, COMPLEX = (F64, F32), (C128, C64)
NUMBERS = (INT, *FLOATS, *COMPLEX)

LOGIC = (operator.and_, operator.or_, operator.xor)
ORDER = (operator.lt, operator.le, operator.gt, operator.ge)
EQUALITY = (operator.eq, operator.ne)
ELEMENTARY = (
    *(np.sqrt, np.exp, np.log, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh),
    *(np.arcsin, np.arccos, np.arctan, np.arcsinh, np.arccosh, np.arctanh, np.log10, np.log2, np.exp2),
    *(np.expm1, np.log1p),
)
REAL_UNARY = (
    *(np.cbrt, math.erf, math.erfc, math.gamma, math.lgamma, np.floor, np.ceil, np.trunc, np.rint, np.sign),
    *(np.isnan, np.isinf, np.isfinite, np.signbit, np.spacing, p.frexp_mantissa, p.frexp_exponent),
)
REAL_BINARY = (
    *(np.arctan2, np.hypot, np.logaddexp, np.logaddexp2, np.copysign, np.maximum, np.minimum, np.fmax, np.fmin),
    *(np.fmod, math.remainder, np.nextafter, np.heaviside),
)
TO_BOOL = {*ORDER, *EQUALITY, p.is_nonzero, np.isnan, np.isinf, np.isfinite, np.signbit}


def signatures() -> dict[Any, list[tuple[tuple[Type, ...], Type]]]:
    """The operand and result types of each primitive."""
    found: dict[Any, list[tuple[tuple[Type, ...], Type]]] = {}

    def add(fns: Any, kinds: Any, arity: int, result: Callable[[Type], Type] = lambda kind: kind) -> None:
        for fn in fns:
            rows = found.setdefault(fn, [])
            rows.extend(((kind,) * arity, BOOL if fn in TO_BOOL else result(kind)) for kind in kinds)

    add((operator.add, p.reassociate_add, operator.sub, operator.mul), NUMBERS, 2)
    add((operator.neg, p.identity, p.stop_gradient, p.within_rule, p.without_cotangent), NUMBERS, 1)
    add(LOGIC, (BOOL, INT), 2)
    add((operator.invert,), (INT,), 1)
    add((operator.lshift, operator.rshift, math.gcd), (INT,), 2)
    add((operator.truediv,), (*FLOATS, *COMPLEX), 2)
    add((operator.floordiv, operator.mod), (INT, *FLOATS), 2)
    add((operator.pow,), NUMBERS, 2)
    add(ORDER, (BOOL, INT, *FLOATS), 2)
    add(EQUALITY, (BOOL, *NUMBERS), 2)
    add((operator.not_,), (BOOL,), 1)
    add((p.is_nonzero,), (BOOL, *NUMBERS), 1)
    add((operator.abs,), (INT, *FLOATS), 1)
    add((operator.abs, np.real, np.imag, np.angle), COMPLEX, 1, lambda kind: kind.underlying_float)  # type: ignore
    add((np.conj,), COMPLEX, 1)
    add(ELEMENTARY, (*FLOATS, *COMPLEX), 1)
    add(REAL_UNARY, FLOATS, 1)
    add((np.sign,), (INT,), 1)
    add((p.fma,), FLOATS, 3)
    for fn in SPECIAL:
        add((fn,), FLOATS, fn.arity)
    add((p.annihilated,), (INT, *FLOATS, *COMPLEX), 2)
    add((p.attach,), (*FLOATS, *COMPLEX), 2)
    add(REAL_BINARY, FLOATS, 2)
    add((np.maximum, np.minimum, np.fmax, np.fmin), (INT,), 2)
    found[p.frexp_exponent] = [((kind,), INT) for kind in FLOATS]
    for fn in (p.powi, np.ldexp, p.round_digits):
        found[fn] = [((kind, INT), kind) for kind in FLOATS]
    found[p.powi].extend(((kind, INT), kind) for kind in COMPLEX)
    found[p.make_complex] = [((F64, F64), C128), ((F32, F32), C64)]
    found[p.polygamma] = [((INT, kind), kind) for kind in FLOATS]
    found[p.select] = [((BOOL, kind, kind), kind) for kind in (BOOL, *NUMBERS)]
    found[p.cast] = [((a,), b) for a in (BOOL, *NUMBERS) for b in (BOOL, *NUMBERS)]
    return found


SIGNATURES = signatures()
CASES = [(fn, args, result) for fn, rows in SIGNATURES.items() for args, result in rows]

INTEGERS = [0, 1, -1, 2, -2, 3, 7, -7, 10, 63, 64, -64, 100, 2**62, -(2**63), 2**63 - 1]
REALS = [
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.0,
    -1.0,
    2.5,
    -2.5,
    3.0,
    -7.0,
    0.3,
    1e-3,
    20.25,
    90.0,
    1e10,
    math.inf,
    -math.inf,
    math.nan,
]
COMPLEXES = [
    *(0j, 1 + 0j, -1 + 0j, complex(-1, -0.0), 1j, -1j, 2 + 0j, complex(2, -0.0), complex(-2, 0.0), complex(-2, -0.0)),
    *(complex(0, 2), complex(0, -2), complex(-0.0, 2), 0.3 - 0.2j, -0.7 + 0.1j, 1e-9 + 1e-9j, 3 + 4j, -2.5 - 1.5j),
    *(1e10 - 2j, 20 + 3j),
]
SAMPLES: dict[Type, list[Any]] = {
    BOOL: [False, True],
    INT: INTEGERS,
    F64: REALS,
    F32: REALS,
    C128: COMPLEXES,
    C64: COMPLEXES,
}


def compiled(fn: Any, args: tuple[Operand, ...], result: Type) -> Native:
    out = Var(result, "y")
    params = tuple(arg for arg in args if isinstance(arg, Var))
    block = Block((), (Op(fn, args, (out,), HERE),), Return((out,)))
    return compile_module(Module({"f": Program("f", params, (result,), {0: block})}, "f"))


def meaning(fn: Any, values: tuple[Any, ...], kinds: tuple[Type, ...], result: Type) -> Any:
    scalars = [number(value, kind) for value, kind in zip(values, kinds, strict=True)]
    with np.errstate(all="ignore"):
        if fn is operator.not_:
            return not values[0]
        if kinds[0] == INT and fn in (operator.floordiv, operator.mod) and values[1] == 0:
            return 0
        if kinds[0] == INT and fn is operator.pow and values[1] < 0:
            return 0
        if kinds[0] == INT and result == INT and fn not in (operator.lshift, operator.rshift):
            return number(
                fn(*map(int, values)) if fn not in p.table or fn.__module__ != "numpy" else fn(*scalars), result
            )
        if fn is np.log1p and result in COMPLEX and abs(values[0]) < 1e-6:
            return number(values[0] - values[0] ** 2 / 2, result)  # NumPy's has few correct digits here
        if kinds[0] != INT and fn is operator.truediv:
            return np.divide(*scalars)
        return number(fn(*scalars), result)


def samples(fn: Any, kinds: tuple[Type, ...]) -> Iterator[tuple[Any, ...]]:
    for values in itertools.product(*(SAMPLES[kind] for kind in kinds)):
        if fn in (operator.lshift, operator.rshift) and values[1] < 0:
            continue
        if fn is operator.pow and kinds[0] == INT and values[1] > 100:
            continue
        if fn in (p.powi, np.ldexp, p.round_digits) and abs(values[1]) > 100:
            continue
        if kinds[0] == C64 and len(kinds) > 1 and abs(values[1]) > 5 and fn in (operator.pow, p.powi):
            continue  # NumPy computes these in single precision, with what that loses
        if fn in SPECIAL and kinds[0] == F32 and not all(v in (0.5, 1.0, 2.5) for v in values):
            continue  # SciPy computes some of these in single precision
        yield values


def tolerance(fn: Any, result: Type) -> float:
    if fn in (operator.add, operator.sub, operator.mul, operator.neg) or result in (BOOL, INT):
        return 0.0
    unit = 2.0**-52 if result in (F64, C128) else 2.0**-23
    return unit * (200 if fn in (operator.pow, p.powi, math.gamma, math.lgamma, *SPECIAL) else 8)


def agree(got: Any, expected: Any, rtol: float) -> bool:
    if isinstance(expected, (complex, np.complexfloating)):
        if not np.isfinite(expected):
            return not np.isfinite(got)
        return bool(abs(got - expected) <= rtol * abs(expected))
    if got == expected or (got != got and expected != expected):
        return True
    return bool(np.isfinite(expected) and abs(got - expected) <= rtol * abs(expected) + (1e-300 if rtol else 0.0))


def case_name(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return getattr(value, "__name__", str(value))


def test_every_primitive_has_signatures() -> None:
    # passes add rows for ops that never reach compiled code
    own = {
        fn for fn in p.table if not getattr(fn, "__module__", "").startswith(("zyg.ir", "zyg.passes", "zyg.adjoint"))
    }
    assert own - p.composed - {p.if_true, p.if_false} == set(SIGNATURES)
    for fn, kinds, _ in CASES:
        assert has_lowering(fn, kinds[1 if fn is p.polygamma else 0])


@pytest.mark.parametrize(("fn", "kinds", "result"), [c for c in CASES if c[0] is not p.polygamma], ids=case_name)
def test_primitive(fn: Any, kinds: tuple[Type, ...], result: Type) -> None:
    native = compiled(fn, tuple(Var(kind, "xyz"[k]) for k, kind in enumerate(kinds)), result)
    wrong = []
    for values in samples(fn, kinds):
        if fn is p.cast and result == INT and (isinstance(values[0], complex) or not abs(values[0]) < 2.0**63):
            continue
        try:
            expected = meaning(fn, values, kinds, result)
        except (ValueError, OverflowError, ZeroDivisionError):
            continue
        (got,) = native.call(*values)
        if not agree(got, expected, tolerance(fn, result)):
            wrong.append((values, got, expected))
    assert not wrong


@pytest.mark.parametrize("kind", [*FLOATS, *COMPLEX], ids=str)
@pytest.mark.parametrize("fn", [p.powi, operator.pow], ids=case_name)
def test_powers_with_literal_exponents(fn: Any, kind: Type) -> None:
    for exponent in (0, 1, 2, 3, 7, 16, 33, -1, -2, -5):
        literal = Const(exponent, INT) if fn is p.powi else Const(float(exponent), kind)
        native = compiled(fn, (Var(kind, "x"), literal), kind)
        assert "@llvm.pow" not in native.llvm or exponent == 33
        for x in (0.0, 1.5, -0.75, 2.0) if kind in FLOATS else (1.5 + 0.5j, -0.75j, -1 + 0j, 0.3 - 0.4j):
            with np.errstate(all="ignore"):
                expected = number(x, kind) ** exponent
            assert agree(native.call(x)[0], expected, tolerance(operator.pow, kind)), (x, exponent)


@pytest.mark.parametrize(
    "fn", [operator.floordiv, operator.mod, operator.lshift, operator.rshift, operator.pow], ids=case_name
)
def test_integers_with_literal_operands(fn: Any) -> None:
    for literal in (0, 1, 2, 3, 8, 10, 63, 64, 2**62, -1, -2, -7, -(2**63)):
        if (literal < 0 and fn in (operator.lshift, operator.rshift)) or (fn is operator.pow and literal > 64):
            continue
        native = compiled(fn, (Var(INT, "x"), Const(literal, INT)), INT)
        for x in INTEGERS:
            assert native.call(x)[0] == meaning(fn, (x, literal), (INT, INT), INT), (x, literal)


@pytest.mark.parametrize("kind", FLOATS, ids=str)
def test_polygamma(kind: Type) -> None:
    from scipy import special

    for order in (0, 1, 2, 3, 8):
        native = compiled(p.polygamma, (Const(order, INT), Var(kind, "x")), kind)
        for x in (0.5, 1.0, 2.5, 30.0, 1e-3, -0.25, -1.5, -20.75):
            expected = special.psi(x) if order == 0 else special.polygamma(order, x)
            assert agree(native.call(x)[0], expected, 1e-10 if kind == F64 else 1e-6)


def test_round_is_correct_where_scaling_by_a_power_of_ten_is_not() -> None:
    native = compiled(p.round_digits, (Var(F64, "x"), Var(INT, "n")), F64)
    values = (
        2.675,
        1.005,
        0.5,
        2.5,
        1e22,
        123456789.125,
        5015e-3,
        15.0,
        25.0,
        35.0,
        1250.0,
        999.9999999999999,
        1e-5,
        5e-324,
    )
    for x, digits in itertools.product(
        (*values, *(-v for v in values)), (-23, -4, -3, -2, -1, 0, 1, 2, 3, 10, 22, 320, 400)
    ):
        assert native.call(x, digits)[0] == round(x, digits), (x, digits)


def test_float32_functions_stay_in_single_precision() -> None:
    assert "float @llvm.sin.f32(float" in compiled(np.sin, (Var(F32, "x"),), F32).llvm
    assert "@expm1f(float" in compiled(np.expm1, (Var(F32, "x"),), F32).llvm


def test_equal_calls_are_made_once() -> None:
    x, a, b, y = (Var(F64, name) for name in "xaby")
    ops = (Op(np.expm1, (x,), (a,), HERE), Op(np.expm1, (x,), (b,), HERE), Op(operator.add, (a, b), (y,), HERE))
    program = Program("f", (x,), (F64,), {0: Block((), ops, Return((y,)))})
    assert compile_module(Module({"f": program}, "f")).llvm.count("@expm1") == 1
