"""Direct and mutual recursion, shallow and deep."""

import math

from . import add, program


def power(x, n):
    if n == 0:
        return 1.0
    return x * power(x, n - 1)


def fast_power(x, n):
    if n == 0:
        return 1.0
    half = fast_power(x, n // 2)
    if n % 2 == 0:
        return half * half
    return half * half * x


def fibonacci(x, n):
    return x * n if n < 2 else fibonacci(x, n - 1) + x * fibonacci(x, n - 2)


def is_even_walk(x, n):
    if n == 0:
        return x
    return math.sin(is_odd_walk(x, n - 1))


def is_odd_walk(x, n):
    if n == 0:
        return x * x
    return 1.1 * is_even_walk(x, n - 1) + x


def tree(x, depth):
    if depth == 0:
        return x
    left = tree(x * 0.5, depth - 1)
    right = tree(x + 0.1, depth - 1)
    return math.sin(left) * right


def pair_walk(x, y, n):
    if n == 0:
        return x, y
    a, b = pair_walk(y, x * y, n - 1)
    return a + b, a * 0.5


def until(x):
    if x > 4.0:
        return x
    return until(x * 1.5) + x


def accumulate(x, n, total):
    if n == 0:
        return total
    return accumulate(x, n - 1, total * x + n)


def ackermann_like(x, m, n):
    if m == 0:
        return x + n
    if n == 0:
        return ackermann_like(x * 1.1, m - 1, 1)
    return 0.5 * ackermann_like(x, m - 1, n - 1) + ackermann_like(x * 0.9, m, n - 1)


def three_a(x, n):
    return x if n <= 0 else three_b(x * x, n - 1) + 1.0


def three_b(x, n):
    return x if n <= 0 else three_c(math.cos(x), n - 1) * x


def three_c(x, n):
    return x if n <= 0 else three_a(x + 0.3, n - 1) - x


def looping(x, n):
    total = x
    for i in range(n):
        total += looping(x * 0.7, i) * 0.5
    return total


def folded(f, x, n):
    return x if n == 0 else f(folded(f, x, n - 1))


def simpson(f, a, b, depth):
    middle = 0.5 * (a + b)
    if depth == 0:
        return (b - a) / 6.0 * (f(a) + 4.0 * f(middle) + f(b))
    return simpson(f, a, middle, depth - 1) + simpson(f, middle, b, depth - 1)


def with_default(x, n=4):
    return x if n == 0 else with_default(x * x * 0.9, n - 1) + x


def complex_walk(z, n):
    return z if n == 0 else complex_walk(z * z * 0.5 + 0.1j, n - 1) + z


add("recursion.power", lambda x: power(x, 5), (0.9,), exercises="linear recursion")
add("recursion.power_itself", power, (0.9, 4), exercises="a recursive function as the function itself")
add("recursion.power_zero", power, (0.9, 0), exercises="recursion that ends at once")
add("recursion.fast_power", fast_power, (1.1, 13), (-1.1, 6), exercises="halving recursion")
add("recursion.fibonacci", fibonacci, (0.9, 7), exercises="two recursive calls")
add("recursion.mutual", is_even_walk, (0.4, 6), (0.4, 5), exercises="mutual recursion of two")
add("recursion.mutual_three", three_a, (0.4, 7), exercises="mutual recursion of three")
add("recursion.tree", tree, (0.7, 4), exercises="tree of active calls")
add("recursion.tuple_result", lambda x, y: pair_walk(x, y, 5)[0], (0.7, 0.4), exercises="recursion with tuples")
add("recursion.both_results", lambda x, y: pair_walk(x, y, 3), (0.7, 0.4), exercises="tuple of a recursion returned")
add("recursion.by_value", until, (0.7,), (5.0,), exercises="depth decided by the value")
add("recursion.tail", lambda x: accumulate(x, 6, x), (0.7,), exercises="tail recursion with an accumulator")
add("recursion.ackermann", ackermann_like, (0.7, 2, 2), exercises="nested recursion with several returns")
add("recursion.in_loop", looping, (0.7, 4), exercises="recursion from inside a loop")
add("recursion.function_argument", lambda x: folded(math.sin, x, 4), (0.7,), exercises="function passed down")
add(
    "recursion.closure_argument", lambda x: folded(lambda t: t * x + 0.1, x, 4), (0.7,), exercises="closure passed down"
)
add("recursion.simpson", lambda x: simpson(lambda t: math.exp(-x * t * t), 0.0, x, 3), (0.7,), exercises="quadrature")
add("recursion.default", lambda x: with_default(x) + with_default(x, 2), (0.7,), exercises="default ends the recursion")
add("recursion.complex", complex_walk, (0.3 - 0.2j, 4), exercises="complex recursion")
add("recursion.deep", lambda x: accumulate(x, 500, 1.0), (0.9,), exercises="500 deep")
add("recursion.called_in_loop", lambda x: sum((power(x, 2), power(x, 3), power(x, 4))), (0.9,), exercises="many calls")
add(
    "recursion.only_passive", lambda x, n: x * fast_power(2.0, n) + power(3, n), (0.9, 3), exercises="passive recursion"
)


@program((0.9,), exercises="recursive call in a condition")
def conditional_recursion(x):
    if power(x, 3) > 0.5:
        return power(x, 2)
    return x


@program((0.9, 3), exercises="nested recursive function with star arguments")
def starred(x, n):
    def walk(k, *values):
        if k == 0:
            return values[0] * values[1]
        return walk(k - 1, values[1] + x, values[0] * 0.5)

    return walk(n, x, x * x)
