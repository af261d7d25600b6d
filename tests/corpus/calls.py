"""Calls: undecorated functions, lambdas, functions as arguments, default, keyword and star arguments, partial, njit."""

import functools
import math
from functools import partial

import numba
import numpy as np

from . import add, program


def square(x):
    return x * x


def scaled(x, factor=2.0, *, shift=0.5):
    return x * factor + shift


def weighted(x, *others):
    total = x
    for i, other in enumerate(others):
        total += other * (i + 2)
    return total


def with_options(x, **options):
    return x * options["gain"] + options["bias"]


def twice(f, x):
    return f(f(x))


def both(x, y):
    return x * y, x + y


def checked(x):
    if x < 0.0:
        raise ValueError("negative")
    return math.sqrt(x)


def early(x):
    for i in range(5):
        x = x * 1.5
        if x > 2.0:
            return x * i
    return x


@numba.njit
def compiled_square(x):
    return x * x + math.sin(x)


@numba.njit
def compiled_both(x, y):
    return compiled_square(x) * y, x / y


@numba.njit(inline="always")
def compiled_inline(x):
    return math.exp(-x) * x


@numba.njit(fastmath=True)
def compiled_fast(x, y):
    return x * y + y / x


@numba.njit(error_model="numpy")
def compiled_numpy_model(x, y):
    return x / y


@numba.vectorize
def compiled_ufunc(x, y):
    return x * y + x


def logged(f):
    @functools.wraps(f)
    def wrapper(x):
        return f(x) + 1.0

    return wrapper


@logged
def decorated(x):
    return x**3


class Model:
    """A class used through its instances' methods."""

    def __init__(self, gain):
        self.gain = gain

    def response(self, x):
        return self.gain * math.tanh(x)

    def __call__(self, x):
        return self.gain * x * x

    @staticmethod
    def fixed(x):
        return x * 3.0


model = Model(1.7)
cube_of = partial(pow, 2.5)
scaled_by_three = partial(scaled, factor=3.0)
scaled_of_fixed = partial(scaled, 1.5)
nested_partial = partial(partial(scaled, factor=3.0), shift=-1.0)
global_lambda = lambda x: x * math.cos(x)

add("calls.helper", lambda x: square(x) + square(x + 1.0), (0.5,), exercises="undecorated function")
add("calls.helper_of_helper", lambda x: square(square(square(x))), (0.9,), exercises="calls in calls")
add("calls.global_lambda", lambda x: global_lambda(x) * x, (0.5,), exercises="a lambda in a global")
add("calls.default", lambda x: scaled(x), (0.5,), exercises="default arguments")
add("calls.default_overridden", lambda x: scaled(x, x), (0.5,), exercises="default argument by position")
add("calls.keyword", lambda x: scaled(factor=x, x=2.0 * x), (0.5,), exercises="keyword arguments in another order")
add("calls.keyword_only", lambda x: scaled(x, shift=x * x), (0.5,), exercises="keyword-only argument")
add("calls.star_parameters", lambda x, y: weighted(x, y, x * y, 3), (0.5, 0.7), exercises="*args in a definition")
add("calls.star_parameters_empty", lambda x: weighted(x), (0.5,), exercises="*args empty")
add("calls.star_call", lambda x, y: weighted(*(x, y, x)), (0.5, 0.7), exercises="*tuple in a call")
add("calls.star_call_result", lambda x, y: both(*both(x, y))[0], (0.5, 0.7), exercises="*result in a call")
add("calls.function_argument", lambda x: twice(square, x), (0.9,), exercises="function passed as an argument")
add("calls.builtin_argument", lambda x: twice(math.sin, x), (0.9,), exercises="builtin passed as an argument")
add("calls.lambda_argument", lambda x: twice(lambda t: t * x + 1.0, x), (0.9,), exercises="capturing lambda passed")
add(
    "calls.two_functions",
    lambda x: twice(square, x) + twice(checked, x),
    (0.9,),
    exercises="different functions passed",
)
add("calls.tuple_result", lambda x, y: both(x, y)[0] * both(x, y)[1], (0.5, 0.7), exercises="tuple result, indexed")
add("calls.raising_helper", lambda x: checked(x) * x, (0.5,), exercises="helper that may raise")
add("calls.early_return_helper", lambda x: early(x) + early(x * x), (0.5,), exercises="helper with a loop and return")
add("calls.partial_builtin", lambda x: cube_of(x), (0.5,), exercises="partial of a builtin")
add("calls.partial_keyword", lambda x: scaled_by_three(x), (0.5,), exercises="partial with a keyword")
add("calls.partial_nested", lambda x: nested_partial(x), (0.5,), exercises="partial of a partial")
add("calls.partial_itself", scaled_by_three, (0.5,), exercises="a partial as the function itself")
add("calls.partial_made", lambda x: partial(scaled, x, shift=x)(3.0), (0.5,), exercises="partial made in the program")
add("calls.partial_passed", lambda x: twice(partial(scaled, factor=x), x), (0.5,), exercises="active partial passed")
add("calls.njit_callee", lambda x: compiled_square(x) * x, (0.5,), exercises="@njit callee")
add("calls.njit_tuple", lambda x, y: compiled_both(x, y)[0], (0.5, 0.7), exercises="@njit callee with a tuple result")
add("calls.njit_itself", compiled_square, (0.5,), exercises="@njit function as the function itself")
add("calls.njit_inline", lambda x: compiled_inline(x), (0.5,), exercises="@njit(inline='always') callee")
add("calls.njit_fastmath", lambda x, y: compiled_fast(x, y), (0.5, 0.7), exercises="@njit(fastmath=True) callee")
add("calls.njit_numpy_model", compiled_numpy_model, (0.5, 0.7), exercises="@njit(error_model='numpy')")
add("calls.njit_passed", lambda x: twice(compiled_square, x), (0.5,), exercises="@njit function passed")
add("calls.wrapped", lambda x: decorated(x) * 2.0, (0.5,), exercises="functools.wraps decorator")
add("calls.wrapped_itself", decorated, (0.5,), exercises="a decorated function as the function itself")
add(
    "calls.bound_method",
    model.response,
    (0.5,),
    exercises="bound method as the function itself",
)
add(
    "calls.callable_instance",
    model,
    (0.5,),
    exercises="callable instance as the function itself",
)
add("calls.static_method", Model.fixed, (0.5,), exercises="static method")
add("calls.inline_lambda", lambda x: (lambda t: t * t)(x + 1.0), (0.5,), exercises="lambda called at once")
add("calls.conditional_function", lambda x: (math.sin if x > 0.0 else math.cos)(x), (0.5,), (-0.5,),
    exercises="function chosen by a conditional")  # fmt: skip
add("calls.tuple_of_functions", lambda x: (math.sin, square)[1](x), (0.5,), exercises="function from a tuple")
add("calls.default_with_call", lambda x, g=square: g(x) * x, (0.5,), exercises="function as a default argument")


@program((0.5, 0.7), exercises="optional arguments given and not")
def optional(x, y, power=3, offset=0.25):
    return x**power + y * offset


@program((0.5,), exercises="functions assigned to variables")
def renamed(x):
    f = math.sin
    g = square
    h = f
    return h(g(x)) + g(f(x))


@program((0.5,), exercises="imports of functions within the function")
def local_import(x):
    from math import cos
    from math import sin as sine

    return sine(x) * cos(x)


@program((0.5,), exercises="a function called in a loop with changing arguments")
def called_in_loop(x):
    total = 0.0
    for i in range(4):
        total = scaled(total, x, shift=i) + square(x)
    return total


@program((0.5, 0.7), exercises="call results unpacked, swapped and passed on")
def unpacked_results(x, y):
    a, b = both(x, y)
    b, a = both(a, b)
    (c, d), e = both(a, b), 2.0
    return c * e - d


@program((0.5,), exercises="a chain of functions passed down")
def passed_down(x):
    def apply(f, g, t):
        return f(g, t)

    return apply(twice, square, x) + apply(lambda f, t: f(t) * t, math.exp, x)


@program((0.5,), exercises="compose and reduce")
def reduced(x):
    def compose(f, g):
        return lambda t: f(g(t))

    return compose(compose(math.sin, square), math.exp)(x)


@program((0.5, 0.7, 0.9), exercises="star parameters passed through")
def forwarded(x, *rest):
    return weighted(*rest, x) * x


@program((0.5,), exercises="keyword dictionary literal")
def keywords_passed(x):
    return scaled(x, **{"factor": 3.0, "shift": 0.25})


@program((0.5,), exercises="mutating a local function variable")
def alternating(x):
    f = math.sin
    y = f(x)
    f = math.cos
    return y * f(x)


@program((0.5,), exercises="math through an alias and numpy beside it")
def aliases(x):
    m = math
    return m.sin(x) * np.exp(x) + m.pi


@program((0.5,), (1.5,), exercises="call in a condition")
def call_in_condition(x):
    if square(x) > 1.0 and checked(x) < 5.0:
        return x
    return checked(x)
