"""Straight code: assignments, operators, constants, nothing that branches."""

import math

from . import add, program

GRAVITY = 9.81
LIMIT = 7
SCALE = 2 + 0.5j


@program((0.5,), (-2.0,), exercises="one call in another")
def sin_of_cos(x):
    return math.sin(math.cos(x))


@program((3.0,), (-1.25,), exercises="polynomial in Horner's form")
def horner(x):
    return ((2.0 * x - 3.0) * x + 4.0) * x - 5.0


@program((1.5,), (-0.5,), exercises="augmented assignment of every arithmetic operator")
def augmented(x):
    y = x
    y += 2.5
    y *= x
    y -= 0.25 * x
    y /= 3.0 + x * x
    y **= 2
    return y


@program((5.3, 1.7), (-5.3, 1.7), (5.3, -1.7), (-5.3, -1.7), exercises="// and % in every sign")
def floor_and_rest(x, y):
    return (x // y) * x + (x % y) * y


@program((5.3, 1.7), (-5.3, 1.7), exercises="augmented // and %")
def augmented_floor(x, y):
    q = x * 3.0
    q //= y
    r = x * x
    r %= y
    return q * x + r * r


@program((1.5,), exercises="unary plus, minus and not of a bool")
def unary(x):
    return -x + +x * x - -(-x * 3.0) + (not True) * x


@program((1.5, 2.5), exercises="one variable named many times, rebound")
def rebound(x, y):
    x = x * y
    y = x + y
    x = x - y * x
    y = y / x
    return x * y + y


@program((1.5, 2.5), exercises="swap through tuple assignment")
def swapped(x, y):
    x, y = y, x * 2.0
    x, y = y, x
    return x - math.sin(y)


@program((1.5, 2.5, 3.5), exercises="rotation through tuple assignment")
def rotated(a, b, c):
    a, b, c = b, c, a
    a, b, c = b * c, c, a
    return a + 2.0 * b * b - 3.0 * c


@program((1.5,), exercises="chained assignment")
def chained_assignment(x):
    a = b = x * x
    a += 1.0
    return a * b


@program((1.5,), exercises="walrus in an expression")
def walrus(x):
    return (y := x * x) * y + (z := math.exp(-y)) * z


@program((2.5,), exercises="captured global float")
def global_float(t):
    return 0.5 * GRAVITY * t * t


@program((2.5,), exercises="captured global int")
def global_int(t):
    return t**LIMIT / LIMIT


@program((2.5,), exercises="captured global complex number")
def global_complex(t):
    return abs(SCALE * t) + (SCALE * t).imag


@program((0.5,), exercises="constants of the math module")
def constants(x):
    return math.sin(math.pi * x) + math.e * x + math.tau * x * x + (0.0 if x < math.inf else 1.0)


@program((0.5, 0.25), exercises="a result that is an argument")
def projection(x, y):
    return y


@program((0.5, 0.25), exercises="argument without influence gets zero", order=1)
def half_unused(x, y):
    dead = math.exp(y)
    return 3.0 * x


@program((0.5,), exercises="constant result", exact=((0.0,),))
def constant(x):
    return 42.0


@program((0.5,), exercises="assert that holds")
def asserted(x):
    assert x > 0.0
    assert x < 1.0, "x is too large"
    return math.sqrt(x)


@program((0.5,), exercises="assert with a computed condition over a walrus")
def asserted_walrus(x):
    assert (root := math.sqrt(x)) < 1.0
    return root * x


@program((2.0,), exercises="del and pass")
def deleted(x):
    y = x * x
    z = y * x
    del y
    pass
    return z


@program((0.3, 0.4, 0.5), exercises="docstring, annotations and long expression")
def annotated(a: float, b: float, c: float) -> float:
    """The volume of something."""
    volume: float = a * b * c
    surface: float = 2.0 * (a * b + b * c + c * a)
    return volume / surface


@program((10,), (-3,), exercises="int in, int out", exact=((5,), (5,)), argnums=(0,))
def affine_int(x):
    return 5 * x + 3


@program((2,), (-3,), exercises="int polynomial", argnums=(0,))
def cubic_int(x):
    return x * x * x - 4 * x * x + x - 7


@program((1,), (2,), exercises="float function of an int", argnums=(0,))
def sine_of_int(x):
    return math.sin(x) * x


@program((0.3,), exercises="many cancelling terms")
def cancelling(x):
    a = x + 1.0
    b = a - 1.0
    c = b * 2.0
    d = c / 2.0
    return d - x + x * d


@program((0.7,), exercises="long chain of one-to-one steps")
def chain(x):
    a = math.sin(x)
    b = math.exp(a)
    c = math.log(b + 1.0)
    d = math.sqrt(c)
    e = math.atan(d)
    f = math.tanh(e)
    g = math.cos(f)
    return g * g


@program((0.7, 1.3), exercises="common subexpressions")
def common(x, y):
    return math.exp(x * y) * math.sin(x * y) + math.exp(x * y) / (1.0 + math.sin(x * y))


@program((0.7, 1.3), exercises="strings and None that don't take part")
def bystanders(x, y):
    name = "unused"
    nothing = None
    return x * y * y if nothing is None else x


add("straight.lambda", lambda x: 5.0 * x + 3.0, (10.0,), exercises="lambda")
add("straight.math_sin_itself", math.sin, (0.5,), exercises="a builtin as the function itself")
add("straight.lambda_two", lambda x, y: x / y - y / x, (1.5, -2.0), exercises="lambda of two arguments")
