"""NumPy's elementwise functions on scalars."""

import numpy as np

from . import add, program

f32 = np.float32
SINGLE = 2e-5

_ONE = (
    ("absolute", lambda x: np.absolute(x) * x, (0.7,), (-1.3,)),
    ("abs", lambda x: np.abs(x) * x, (0.7,), (-1.3,)),
    ("fabs", lambda x: np.fabs(x) * x, (0.7,), (-1.3,)),
    ("sign", lambda x: np.sign(x) * x * x, (0.7,), (-1.3,)),
    ("positive", lambda x: np.positive(x) * x, (0.7,)),
    ("negative", lambda x: np.negative(x) * x, (0.7,)),
    ("conjugate", lambda x: np.conjugate(x) * x, (0.7,)),
    ("exp", lambda x: np.exp(x), (0.7,), (-1.3,)),
    ("exp2", lambda x: np.exp2(x), (0.7,), (-1.3,)),
    ("expm1", lambda x: np.expm1(x), (0.7,)),
    ("log", lambda x: np.log(x), (0.7,)),
    ("log2", lambda x: np.log2(x), (0.7,)),
    ("log10", lambda x: np.log10(x), (0.7,)),
    ("log1p", lambda x: np.log1p(x), (0.7,)),
    ("sqrt", lambda x: np.sqrt(x), (0.7,)),
    ("square", lambda x: np.square(x) * x, (0.7,), (-1.3,)),
    ("cbrt", lambda x: np.cbrt(x), (0.7,), (-1.3,)),
    ("reciprocal", lambda x: np.reciprocal(x), (0.7,), (-1.3,)),
    ("sin", lambda x: np.sin(x), (0.7,)),
    ("cos", lambda x: np.cos(x), (0.7,)),
    ("tan", lambda x: np.tan(x), (0.7,)),
    ("arcsin", lambda x: np.arcsin(x), (0.3,)),
    ("arccos", lambda x: np.arccos(x), (0.3,)),
    ("arctan", lambda x: np.arctan(x), (0.7,)),
    ("sinh", lambda x: np.sinh(x), (0.7,)),
    ("cosh", lambda x: np.cosh(x), (0.7,)),
    ("tanh", lambda x: np.tanh(x), (0.7,)),
    ("arcsinh", lambda x: np.arcsinh(x), (0.7,)),
    ("arccosh", lambda x: np.arccosh(x), (1.7,)),
    ("arctanh", lambda x: np.arctanh(x), (0.3,)),
    ("deg2rad", lambda x: np.deg2rad(x) * x, (0.7,)),
    ("rad2deg", lambda x: np.rad2deg(x) * x, (0.7,)),
    ("degrees", lambda x: np.degrees(x) * x, (0.7,)),
    ("radians", lambda x: np.radians(x) * x, (0.7,)),
    ("floor", lambda x: np.floor(x) * x, (2.3,), (-2.3,)),
    ("ceil", lambda x: np.ceil(x) * x, (2.3,), (-2.3,)),
    ("trunc", lambda x: np.trunc(x) * x, (2.3,), (-2.3,)),
    ("rint", lambda x: np.rint(x) * x, (2.3,), (-2.7,)),
    ("spacing", lambda x: np.spacing(x) + x * x, (0.7,)),
    ("isnan", lambda x: x if np.isnan(x) else x * x, (0.7,)),
    ("isinf", lambda x: x if np.isinf(x) else x * x, (0.7,)),
    ("isfinite", lambda x: x * x if np.isfinite(x) else x, (0.7,)),
    ("signbit", lambda x: x * x if np.signbit(x) else x, (-0.7,), (0.7,)),
    ("modf", lambda x: np.modf(x)[0] * x + np.modf(x)[1], (2.7,), (-2.7,)),
    ("frexp", lambda x: np.frexp(x)[0] * x, (2.7,)),
    ("real", lambda x: np.real(x) * x, (0.7,)),
    ("imag", lambda x: np.imag(x) + x, (0.7,)),
    ("sinc", lambda x: np.sinc(x), (0.7,)),
)
_TWO = (
    ("add", lambda x, y: np.add(x, y) * x, (0.7, 1.3)),
    ("subtract", lambda x, y: np.subtract(x, y) * x, (0.7, 1.3)),
    ("multiply", lambda x, y: np.multiply(x, y) * x, (0.7, 1.3)),
    ("divide", lambda x, y: np.divide(x, y), (0.7, 1.3)),
    ("true_divide", lambda x, y: np.true_divide(x, y), (0.7, -1.3)),
    ("floor_divide", lambda x, y: np.floor_divide(x, y) * x, (5.3, 1.7), (-5.3, 1.7)),
    ("mod", lambda x, y: np.mod(x, y) * x, (5.3, 1.7), (-5.3, 1.7)),
    ("remainder", lambda x, y: np.remainder(x, y) * x, (5.3, -1.7)),
    ("fmod", lambda x, y: np.fmod(x, y) * x, (5.3, 1.7), (-5.3, 1.7)),
    ("power", lambda x, y: np.power(x, y), (0.7, 1.3)),
    ("power_int", lambda x, n: np.power(x, n), (-0.7, 3)),
    ("float_power", lambda x, y: np.float_power(x, y), (0.7, 1.3)),
    ("arctan2", lambda x, y: np.arctan2(x, y), (0.7, 1.3), (-0.7, -1.3)),
    ("hypot", lambda x, y: np.hypot(x, y), (0.7, -1.3)),
    ("logaddexp", lambda x, y: np.logaddexp(x, y), (0.7, 1.3), (30.0, -30.0)),
    ("logaddexp2", lambda x, y: np.logaddexp2(x, y), (0.7, 1.3)),
    ("maximum", lambda x, y: np.maximum(x, y) * x, (0.7, 1.3), (1.3, 0.7)),
    ("minimum", lambda x, y: np.minimum(x, y) * x, (0.7, 1.3), (1.3, 0.7)),
    ("fmax", lambda x, y: np.fmax(x, y) * x, (0.7, 1.3), (1.3, 0.7)),
    ("fmin", lambda x, y: np.fmin(x, y) * x, (0.7, 1.3), (1.3, 0.7)),
    ("copysign", lambda x, y: np.copysign(x, y) * x, (0.7, -1.3), (-0.7, 1.3)),
    ("nextafter", lambda x, y: np.nextafter(x, y) * x, (0.7, 1.3)),
    ("ldexp", lambda x, n: np.ldexp(x, n) * x, (0.7, 3)),
    ("heaviside", lambda x, y: np.heaviside(x, y) * x, (0.7, 0.5), (-0.7, 0.5)),
    ("divmod", lambda x, y: np.divmod(x, y)[1] * x, (5.3, 1.7)),
    ("greater", lambda x, y: x * x if np.greater(x, y) else y, (0.7, 1.3), (1.3, 0.7)),
    ("less_equal", lambda x, y: x * x if np.less_equal(x, y) else y, (0.7, 1.3), (1.3, 0.7)),
    ("not_equal", lambda x, y: x * x if np.not_equal(x, y) else y, (0.7, 1.3)),
    ("logical_and", lambda x, y: x * x if np.logical_and(x > 0.0, y > 0.0) else y, (0.7, 1.3)),
    ("logical_or", lambda x, y: x * x if np.logical_or(x < 0.0, y > 0.0) else y, (0.7, 1.3)),
    ("logical_not", lambda x, y: x * x if np.logical_not(x < 0.0) else y, (0.7, 1.3)),
    ("logical_xor", lambda x, y: x * x if np.logical_xor(x < 0.0, y > 0.0) else y, (0.7, 1.3)),
    ("gcd", lambda n, x: np.gcd(n, 6) * x * x, (9, 0.7)),
    ("lcm", lambda n, x: np.lcm(n, 6) * x * x, (9, 0.7)),
    ("bitwise_and", lambda n, x: np.bitwise_and(n, 6) * x * x, (11, 0.7)),
    ("left_shift", lambda n, x: np.left_shift(n, 2) * x * x, (11, 0.7)),
    ("invert", lambda n, x: np.invert(n) * x * x, (11, 0.7)),
    ("angle", lambda x, y: np.angle(complex(x, y)), (0.7, 1.3)),
)
for _name, _fn, *_points in _ONE + _TWO:
    add(f"universal.{_name}", _fn, *_points, exercises=f"np.{_name}")

for _name, _fn in (
    ("sin", lambda x: np.sin(x) * x),
    ("exp", lambda x: np.exp(x)),
    ("sqrt", lambda x: np.sqrt(x)),
    ("tanh", lambda x: np.tanh(x)),
    ("arctan2", lambda x: np.arctan2(x, x * x)),
    ("maximum", lambda x: np.maximum(x, x * x)),
    ("power", lambda x: np.power(x, x)),
    ("logaddexp", lambda x: np.logaddexp(x, x * x)),
):
    add(f"universal.{_name}_single", _fn, (f32(0.7),), exercises=f"np.{_name} of float32", rtol=SINGLE, order=1)

for _name, _fn in (
    ("sin", lambda z: np.sin(z)),
    ("exp", lambda z: np.exp(z)),
    ("log", lambda z: np.log(z)),
    ("sqrt", lambda z: np.sqrt(z)),
    ("tanh", lambda z: np.tanh(z)),
    ("arctan", lambda z: np.arctan(z)),
    ("square", lambda z: np.square(z)),
    ("reciprocal", lambda z: np.reciprocal(z)),
    ("conjugate", lambda z: np.conjugate(z) * z * z),
    ("absolute", lambda z: np.absolute(z)),
    ("real", lambda z: np.real(z) * z),
    ("imag", lambda z: np.imag(z) * z),
    ("angle", lambda z: np.angle(z)),
    ("expm1", lambda z: np.expm1(z)),
    ("log1p", lambda z: np.log1p(z)),
    ("log10", lambda z: np.log10(z)),
    ("log2", lambda z: np.log2(z)),
    ("exp2", lambda z: np.exp2(z)),
    ("power", lambda z: np.power(z, 2.5)),
):
    add(f"universal.{_name}_complex", _fn, (0.7 - 0.4j,), exercises=f"np.{_name} of a complex number")


@program((0.7,), exercises="np functions of an int", order=2)
def of_int(x):
    return np.sin(2) * x + np.sqrt(3) * np.power(x, 2)


@program((3,), exercises="np.sqrt and np.exp of an active int", argnums=(0,))
def active_int(n):
    return np.sqrt(n) * np.exp(-n)


@program((0.7,), exercises="softplus, sigmoid and swish")
def activations(x):
    softplus = np.log1p(np.exp(x))
    sigmoid = 1.0 / (1.0 + np.exp(-x))
    return softplus * sigmoid + x * sigmoid


@program((0.7,), (3.0,), exercises="np constants, conditional on np functions")
def constants(x):
    if np.isfinite(x) and x < np.inf:
        return np.pi * x + np.e * np.euler_gamma * x * x
    return np.nan * x
