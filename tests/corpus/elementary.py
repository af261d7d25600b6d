"""Every function of the math module."""

import math

from . import add, program

_SMOOTH = (
    ("acos", lambda x: math.acos(x), (0.3,), (-0.6,)),
    ("acosh", lambda x: math.acosh(x), (1.7,), (5.0,)),
    ("asin", lambda x: math.asin(x), (0.3,), (-0.6,)),
    ("asinh", lambda x: math.asinh(x), (0.7,), (-3.0,)),
    ("atan", lambda x: math.atan(x), (0.7,), (-3.0,)),
    ("atan2", lambda y, x: math.atan2(y, x), (0.7, 1.3), (-0.7, -1.3), (0.7, -1.3)),
    ("atanh", lambda x: math.atanh(x), (0.3,), (-0.6,)),
    ("cos", lambda x: math.cos(x), (0.7,), (-3.0,)),
    ("cosh", lambda x: math.cosh(x), (0.7,), (-2.0,)),
    ("degrees", lambda x: math.degrees(x) * x, (0.7,)),
    ("dist", lambda p, q: math.dist(p, q), ((0.5, 0.7), (1.5, -0.3))),
    ("erf", lambda x: math.erf(x), (0.7,), (-1.3,)),
    ("erfc", lambda x: math.erfc(x), (0.7,), (-1.3,), (3.5,)),
    ("exp", lambda x: math.exp(x), (0.7,), (-3.0,)),
    ("expm1", lambda x: math.expm1(x), (0.7,), (1e-3,)),
    ("fabs", lambda x: math.fabs(x) * x, (0.7,), (-3.0,)),
    ("fmod", lambda x, y: math.fmod(x, y) * x, (5.3, 1.7), (-5.3, 1.7), (5.3, -1.7)),
    ("fsum", lambda x, y: math.fsum((x, y, x * y)) ** 2, (0.5, 0.7)),
    ("gamma", lambda x: math.gamma(x), (2.3,), (0.7,), (-1.4,)),
    ("hypot", lambda x, y: math.hypot(x, y), (0.7, 1.3), (-0.7, 1.3)),
    ("hypot_three", lambda x, y, z: math.hypot(x, y, z), (0.7, 1.3, -2.0)),
    ("hypot_one", lambda x: math.hypot(x) * x, (0.7,)),
    ("lgamma", lambda x: math.lgamma(x), (2.3,), (0.7,), (10.5,)),
    ("log", lambda x: math.log(x), (0.7,), (3.0,)),
    ("log_base", lambda x, b: math.log(x, b), (0.7, 3.0)),
    ("log_base_ten", lambda x: math.log(x, 10), (0.7,)),
    ("log10", lambda x: math.log10(x), (0.7,), (3.0,)),
    ("log1p", lambda x: math.log1p(x), (0.7,), (-0.4,)),
    ("log2", lambda x: math.log2(x), (0.7,), (3.0,)),
    ("prod", lambda x, y: math.prod((x, y, x)), (0.5, 0.7)),
    ("prod_start", lambda x, y: math.prod((x, y), start=x), (0.5, 0.7)),
    ("radians", lambda x: math.radians(x) * x, (0.7,)),
    ("remainder", lambda x, y: math.remainder(x, y) * x, (5.3, 1.7), (-5.3, 1.7)),
    ("sin", lambda x: math.sin(x), (0.7,), (-3.0,)),
    ("sinh", lambda x: math.sinh(x), (0.7,), (-2.0,)),
    ("sqrt", lambda x: math.sqrt(x), (0.7,), (3.0,)),
    ("tan", lambda x: math.tan(x), (0.7,), (-0.4,)),
    ("tanh", lambda x: math.tanh(x), (0.7,), (-2.0,)),
    ("copysign", lambda x, y: math.copysign(x * x, y), (0.7, -1.0), (-0.7, 1.0)),
    ("ldexp", lambda x: math.ldexp(x * x, 3), (0.7,)),
    ("modf", lambda x: math.modf(x)[0] * x + math.modf(x)[1], (2.7,), (-2.7,)),
    ("frexp", lambda x: math.frexp(x)[0] * x + math.frexp(x)[1], (2.7,), (-0.3,)),
)
for _name, _fn, *_points in _SMOOTH:
    add(f"elementary.{_name}", _fn, *_points, exercises=f"math.{_name.split('_')[0]}")

if hasattr(math, "cbrt"):
    add("elementary.cbrt", lambda x: math.cbrt(x), (0.7,), (-3.0,), exercises="math.cbrt")
    add("elementary.exp2", lambda x: math.exp2(x), (0.7,), (-3.0,), exercises="math.exp2")
if hasattr(math, "fma"):
    add("elementary.fma", lambda x, y: math.fma(x, y, x), (0.7, 1.3), exercises="math.fma")
if hasattr(math, "sumprod"):
    add("elementary.sumprod", lambda x, y: math.sumprod((x, y), (y, y)), (0.7, 1.3), exercises="math.sumprod")

_STEPS = (
    ("ceil", lambda x: math.ceil(x) * x, (2.3,), (-2.3,)),
    ("floor", lambda x: math.floor(x) * x, (2.3,), (-2.3,)),
    ("trunc", lambda x: math.trunc(x) * x, (2.3,), (-2.3,)),
    ("isnan", lambda x: x * x if math.isnan(x) else x, (2.3,)),
    ("isinf", lambda x: x if math.isinf(x) else x * x, (2.3,)),
    ("isfinite", lambda x: x * x if math.isfinite(x) else x, (2.3,)),
    ("isclose", lambda x: x * x if math.isclose(x, 2.3, rel_tol=0.1) else x, (2.3,), (3.3,)),
    ("comb", lambda n, x: math.comb(n, 2) * x * x, (5, 0.7)),
    ("factorial", lambda n, x: math.factorial(n) * x * x, (5, 0.7)),
    ("perm", lambda n, x: math.perm(n, 2) * x * x, (5, 0.7)),
    ("gcd", lambda n, m, x: math.gcd(n, m) * x * x, (12, 18, 0.7), (-4, 6, 0.7)),
    ("lcm", lambda n, m, x: math.lcm(n, m) * x * x, (4, 6, 0.7)),
    ("isqrt", lambda n, x: math.isqrt(n) * x * x, (17, 0.7)),
    ("ulp", lambda x: math.ulp(x) + x * x, (0.7,)),
    ("nextafter", lambda x: math.nextafter(x, 2.0) * x, (0.7,)),
)
for _name, _fn, *_points in _STEPS:
    add(f"elementary.{_name}", _fn, *_points, exercises=f"math.{_name}")

for _name, _fn in (
    ("sin", lambda n: math.sin(n) * n),
    ("exp", lambda n: math.exp(n)),
    ("sqrt", lambda n: math.sqrt(n)),
    ("log", lambda n: math.log(n)),
    ("atan2", lambda n: math.atan2(n, 2)),
    ("hypot", lambda n: math.hypot(n, 3)),
    ("gamma", lambda n: math.gamma(n)),
    ("pow", lambda n: math.pow(n, 2)),
):
    add(f"elementary.{_name}_of_int", _fn, (2,), exercises=f"math.{_name} of an int", argnums=(0,))


@program((0.3,), (0.6,), exercises="inverses compose to the identity")
def inverses(x):
    return math.sin(math.asin(x)) + math.log(math.exp(x)) + math.atanh(math.tanh(x)) + math.sqrt(x) ** 2


@program((0.3, 0.4), exercises="a long formula")
def formula(x, y):
    a = math.exp(-x * x) * math.erf(y)
    b = math.log1p(x * y) / math.cosh(x - y)
    c = math.atan2(a, b) + math.hypot(a, b)
    return math.tanh(c) * math.gamma(1.0 + x) - math.lgamma(2.0 + y)
