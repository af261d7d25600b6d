"""What errors say.  The offending line of each program is marked `# <-`; messages must show it, and what to do."""

import inspect
import math
import os
import pickle
import re
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import zyg


class Refusal(NamedTuple):
    program: Callable[..., Any]
    args: tuple[Any, ...]
    error: type[Exception]
    what: str
    hint: str


REFUSALS: list[Refusal] = []


def refuses(what, *args, error=zyg.UnsupportedError, hint="Write this line differently"):
    """The decorated program is refused with this message."""

    def note(program):
        REFUSALS.append(Refusal(program, args or (2.0,), error, what, hint))
        return program

    return note


def marked_line(program) -> tuple[int, str]:
    lines, first = inspect.getsourcelines(program)
    ((number, text),) = [(n, line) for n, line in enumerate(lines, first) if "# <-" in line]
    return number, text.strip()


# --- what native code cannot follow -------------------------------------------------------------------------


@refuses("'total' is rebound by a nested function (nonlocal)", hint="Return the new value instead.")
def rebound_nonlocal(x):
    total = 0.0

    def add(t):
        nonlocal total
        total += t  # <-

    add(x)
    return total


@refuses("'k' is rebound while a function that captured it (f) is still in use", hint="Pass it as an argument")
def rebound_capture(x):
    k = x

    def f(t):
        return t * k

    k = 2 * x  # <-
    return f(x)


@refuses("local variable 'w' is read before it is assigned", hint="Assign it first.")
def read_too_early(x):
    y = x * w  # <- # noqa: F821
    w = 3.0
    return y + w


@refuses("local variable 'y' is not assigned here", hint="Assign it first.")
def deleted(x):
    y = x
    del y
    return y  # <- # noqa: F821


@refuses("name 'nowhere' is not defined")
def undefined(x):
    return nowhere * x  # <- # noqa: F821


@refuses("with statements cannot be compiled", hint="Move it out of the differentiated function.")
def with_statement(x):
    with open("file") as f:  # <-
        return x * f.tell()


LOCK = threading.Lock()


@refuses("with statements cannot be compiled", hint="Move it out of the differentiated function.")
def with_lock(x):
    with LOCK:  # <-
        return x


@refuses("try statements cannot be compiled", hint="Test for what could fail beforehand.")
def try_statement(x):
    try:
        return 1 / x  # <-
    except ZeroDivisionError:
        return 0.0


@refuses("the module 'not_there' has not been imported yet", hint="Import it at the top")
def import_inside(x):
    import not_there as m  # <-

    return m.sin(x)


@refuses("assignment to a global cannot be compiled")
def global_assignment(x):
    global SEEN
    SEEN = x  # <-
    return x


@refuses("a conversion needs a number, not a string")
def formatted(x):
    return float(f"{x:.3f}")  # <-


@refuses("this dict has no key 'b'", hint="Use one of its keys.")
def missing_key(x):
    return {"a": x}["b"]  # <-


@refuses("generators and coroutines cannot be compiled", hint="Use a loop.")
def generator(x):  # <-
    yield x


@refuses("generators and coroutines cannot be compiled", hint="Use a loop.")
def generator_function(x):
    def terms():  # <-
        yield x
        yield 2.0 * x

    return sum(terms())


@refuses("attributes of a float that was made elsewhere cannot be set")
def attribute_assignment(x):
    x.size = 3  # <-
    return x


class Thing:
    def __new__(cls, a):
        made = object.__new__(cls)
        made.a = a
        return made


@refuses("Thing defines how its instances are made")
def instance(x):
    return Thing(x).a  # <-


@refuses("the integer 1000000000000000000000000000000 does not fit in 64 bits")
def large_integer(x):
    return x * 10**30  # <-


@refuses("variable 't' may be tuples of different sizes", hint="Give it one kind of value on all paths.")
def several_kinds(x):
    t = (x,)
    while x > t[0]:
        t = (x, x)  # <-
    return t[0]


@refuses("== of None or a float and a float", hint="Test it with 'is None' before.")
def maybe_none(x):
    best = None
    if x > 3:
        best = x
    return x if best == x else 2 * x  # <-


# --- calls --------------------------------------------------------------------------------------------------


@refuses("os.getloadavg has no native code and no derivative rule", hint="@zyg.adjoint(os.getloadavg)")
def c_function(x):
    return os.getloadavg()[0] * x  # <-


@refuses("numpy.frompyfunc has no native code and no derivative rule", hint="@zyg.adjoint(numpy.frompyfunc)")
def numpy_function(x):
    return np.frompyfunc(abs, 1, 1)(x)  # <-


@refuses("sin needs a number, not a string")
def wrong_argument(x):
    return math.sin("a") * x  # <-


@refuses("math.exp needs a real number", 1 + 1j, hint="Use cmath or numpy.")
def complex_argument(z):
    return math.exp(z)  # <-


@refuses("sub of an int and a tuple has no native code")
def wrong_operand(x):
    return 1 - (x, x)  # <-


def one_argument(a):
    return a * a


@refuses("one_argument() takes 1 argument by position, not 2", error=zyg.ArgumentError, hint="that it takes")
def too_many_arguments(x):
    return one_argument(x, x)  # <-


@refuses("one_argument() is missing the argument 'a'", error=zyg.ArgumentError, hint="that it takes")
def too_few_arguments(x):
    return one_argument() * x  # <-


@refuses("one_argument() got an unexpected keyword argument 'b'", error=zyg.ArgumentError, hint="that it takes")
def unexpected_keyword(x):
    return one_argument(x, b=2)  # <-


@refuses("a float is not callable")
def not_callable(x):
    return x(x)  # <-


def opens(x):
    return open(x)  # <-


def test_a_line_in_a_callee_is_shown_with_the_call():
    def outer(x):
        return opens(x) + 1  # <-

    with pytest.raises(zyg.UnsupportedError) as found:
        zyg.grad(outer, mode="native")(1.0)
    for line, text in (marked_line(opens), marked_line(outer)):
        assert f'File "{__file__}", line {line}, in' in str(found.value)
        assert text in str(found.value)
    assert "called from" in str(found.value)


# --- what grad is asked for ---------------------------------------------------------------------------------

RETURNS = "grad needs a function that returns a real number; this one returns "


@refuses(RETURNS + "a complex number", 1 + 1j, error=zyg.ArgumentError, hint="use zyg.pullback")
def complex_result(z):  # <-
    return z * z


@refuses(RETURNS + "a tuple", error=zyg.ArgumentError, hint="use zyg.pullback")
def tuple_result(x):  # <-
    return x, x


@refuses(RETURNS + "None", error=zyg.ArgumentError, hint="Return one number")
def no_result(x):  # <-
    x * x


@refuses(RETURNS + "a bool", error=zyg.ArgumentError, hint="Return one number")
def bool_result(x):  # <-
    return x > 0


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.program.__name__)
def test_refusal(case):
    with pytest.raises(case.error) as found:
        zyg.grad(case.program, mode="native")(*case.args)
    assert isinstance(found.value, zyg.ZygError)
    what, *places, hint = str(found.value).splitlines()
    assert case.what in what
    assert case.hint in hint
    if case.program is try_statement and sys.version_info < (3, 11):
        return  # whose bytecode has the line of `try`
    line, text = marked_line(case.program)
    assert any(f'File "{__file__}", line {line}, in ' in place for place in places)
    assert f"    {text}" in places


@pytest.mark.parametrize("argnums", [1, -2, (0, 5)])
def test_argnums_out_of_range(argnums):
    with pytest.raises(zyg.ValueArgumentError, match=r"argnums \S+ is out of range for 1 argument") as found:
        zyg.grad(one_argument, argnums=argnums)(1.0)
    assert isinstance(found.value, ValueError)
    assert "def one_argument(a):" in str(found.value)


def test_argnums_and_argnames_are_checked_at_once():
    with pytest.raises(zyg.ValueArgumentError, match="has no argument 'b'; it has a"):
        zyg.grad(one_argument, argnames="b")
    with pytest.raises(zyg.ArgumentError, match=r"argnums must be an int or a tuple of ints, not 1\.5"):
        zyg.grad(one_argument, argnums=1.5)
    with pytest.raises(TypeError, match="3 is not a function"):
        zyg.grad(3)


def test_aux_must_be_there():
    with pytest.raises(zyg.ArgumentError, match=r"must return a pair \(y, aux\), not a float") as found:
        zyg.grad(one_argument, has_aux=True)(1.0)
    assert "def one_argument(a):" in str(found.value)


def test_arguments_that_are_no_numbers():
    with pytest.raises(TypeError, match="set"):
        zyg.grad(one_argument, mode="native")({1.0})
    with pytest.raises(OverflowError, match="does not fit in 64 bits"):
        zyg.grad(one_argument)(2**70)


def test_a_cotangent_of_the_wrong_structure():
    back = zyg.pullback(lambda x: (x, x), 2.0)[1]
    with pytest.raises(zyg.ValueArgumentError, match="the cotangent must be a tuple of 2"):
        back(1.0)


# --- rules given by users -----------------------------------------------------------------------------------


def target(x, y):
    return x * y


@pytest.fixture
def rule():
    yield lambda fn: zyg.adjoint(target)(fn)
    from zyg.reading.custom import RULES

    del RULES[target]


def test_wrong_number_of_cotangents(rule):
    @rule
    def short(x, y):  # <-
        return x * y, lambda dy: (dy * y,)

    def use(x):
        return target(x, x)  # <-

    with pytest.raises(zyg.ValueArgumentError, match="the pullback of target gives 1 cotangent for 2 arg") as found:
        zyg.grad(use)(2.0)
    assert marked_line(use)[1] in str(found.value)
    assert "def short(x, y):  # <-" in str(found.value)
    assert "Let back(dy) return one cotangent for each argument, of its structure" in str(found.value)


def test_a_rule_that_gives_no_pullback(rule):
    @rule
    def half(x, y):
        return x * y

    with pytest.raises(zyg.ValueArgumentError, match=r"must return a pair \(y, back\), not a float") as found:
        zyg.grad(target)(2.0, 3.0)
    assert "def half(x, y):" in str(found.value)


def test_a_cotangent_that_does_not_fit(rule):
    @rule
    def odd(x, y):
        return x * y, lambda dy: (dy * y, (dy, dy))

    with pytest.raises(zyg.ValueArgumentError, match="gives a tuple as the cotangent of a float"):
        zyg.grad(target, argnums=1)(2.0, 3.0)


# --- exceptions of the program itself -----------------------------------------------------------------------


def fails(x):
    if x < -10:
        raise ValueError(f"bad {x}", 3)  # <-
    return x


def unassigned(x):
    if x > 0:
        y = x
    return y * 2  # <-


def divides(x):
    return 1 / x  # <-


def adds_none(x):
    best = None
    if x > 3:
        best = x
    return best + 1  # <-


@pytest.mark.parametrize("program, x", [(fails, -11.0), (unassigned, -1.0), (divides, 0.0), (adds_none, 1.0)])
def test_exceptions_keep_type_message_and_line(program, x):
    def outer(t):
        return program(t) * 2

    with pytest.raises(Exception) as own:
        program(x)
    with pytest.raises(Exception) as found:
        zyg.grad(outer)(x)
    assert found.type is own.type
    assert found.value.args == own.value.args
    line, text = marked_line(program)
    last = traceback.extract_tb(found.tb)[-1]
    assert (last.filename, last.lineno, last.name) == (__file__, line, program.__name__)
    assert last.line == text
    assert "outer" in [entry.name for entry in found.traceback]


def test_errors_can_be_pickled():
    with pytest.raises(zyg.UnsupportedError) as found:
        zyg.grad(opens, mode="native")(1.0)
    copy = pickle.loads(pickle.dumps(found.value))
    assert str(copy) == str(found.value)
    assert type(copy) is zyg.UnsupportedError


def endless(x):
    return endless(x)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda: zyg.grad(one_argument, 2)(1.0), "argnums 2 is out of range for 1 argument\n"),
        (lambda: zyg.grad(endless)(1.0), "this function never returns: every path calls it again"),
        (lambda: zyg.pullback(one_argument, 1.0)[1](), "back takes one argument, the cotangent; 0 were given"),
        (lambda: zyg.jvp(one_argument, 1.0, 1.0), "the primals of jvp are a tuple, one for each argument; not 1.0"),
        (lambda: zyg.jvp(one_argument, (1.0,), ()), "jvp needs a tangent for each primal: 1 and 0 are given"),
        (lambda: zyg.check_grads(one_argument, 1.0), "check_grads takes a tuple of arguments, not 1.0: write (1.0,)"),
        (lambda: zyg.adjoint(3), "adjoint takes the function that the rule is for, not 3"),
        (lambda: zyg.inspect_llvm(3, 1.0), "3 is not a function"),
    ],
)
def test_wrong_uses_say_what_to_do(wrong, text):
    with pytest.raises(zyg.ZygError, match=re.escape(text)) as found:
        wrong()
    assert isinstance(found.value, (TypeError, ValueError))
