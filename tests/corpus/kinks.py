"""Kinks, poles and edges of domains: the documented conventions, and derivatives that exist where a formula has 0/0."""

import math

import numpy as np

from . import add, program

for _name, _fn, _points, _exact in (
    ("abs", lambda x: abs(x), ((0.0,),), ((0.0,),)),
    ("abs_minus_zero", lambda x: abs(x), ((-0.0,),), ((0.0,),)),
    ("fabs", lambda x: math.fabs(x), ((0.0,),), ((0.0,),)),
    ("np_abs", lambda x: np.abs(x), ((0.0,),), ((0.0,),)),
    ("abs_complex", lambda z: abs(z), ((0j,),), ((0j,),)),
    ("maximum_tie", lambda x, y: np.maximum(x, y), ((1.5, 1.5),), ((0.5, 0.5),)),
    ("minimum_tie", lambda x, y: np.minimum(x, y), ((1.5, 1.5),), ((0.5, 0.5),)),
    ("maximum_of_itself", lambda x: np.maximum(x, x), ((1.5,),), ((1.0,),)),
    ("relu", lambda x: np.maximum(x, 0.0), ((0.0,),), ((0.5,),)),
    ("max_tie", lambda x, y: max(x, y), ((1.5, 1.5),), ((1.0, 0.0),)),
    ("min_tie", lambda x, y: min(x, y), ((1.5, 1.5),), ((1.0, 0.0),)),
    ("if_tie", lambda x: x * 2.0 if x > 0.0 else x * 3.0, ((0.0,),), ((3.0,),)),
    ("root_of_square", lambda x: math.sqrt(x**2), ((0.0,), (-2.0,)), ((0.0,), (-1.0,))),
    ("root_of_product", lambda x: math.sqrt(x * x), ((0.0,),), ((0.0,),)),
    ("root_of_sum_of_squares", lambda x, y: math.sqrt(x**2 + y**2), ((0.0, 0.0),), ((0.0, 0.0),)),
    ("hypot", lambda x, y: math.hypot(x, y), ((0.0, 0.0),), ((0.0, 0.0),)),
    ("sign", lambda x: np.sign(x), ((0.0,), (2.0,)), ((0.0,), (0.0,))),
    ("power_at_zero", lambda x: x**2, ((0.0,),), ((0.0,),)),
    ("power_one_at_zero", lambda x: x**1, ((0.0,),), ((1.0,),)),
    ("power_zero_at_zero", lambda x: x**0, ((0.0,),), ((0.0,),)),
    ("power_float_at_zero", lambda x: x**2.0, ((0.0,),), ((0.0,),)),
    ("power_float_one_at_zero", lambda x: x**1.0, ((0.0,),), ((1.0,),)),
    ("power_float_zero_at_zero", lambda x: x**0.0, ((0.0,),), ((0.0,),)),
    ("power_fraction_at_zero", lambda x: x**1.5, ((0.0,),), ((0.0,),)),
    ("power_both_at_zero", lambda x, y: x**y, ((0.0, 2.0), (0.0, 1.0)), ((0.0, 0.0), (1.0, 0.0))),
    ("power_of_zero_by_exponent", lambda y: 0.0**y, ((2.0,),), ((0.0,),)),
    ("power_run_time_int", lambda x, n: x**n, ((0.0, 2), (0.0, 1), (0.0, 0)), ((0.0,), (1.0,), (0.0,))),
    ("power_complex_at_zero", lambda z: (z**2).real, ((0j,),), ((0j,),)),
    ("product_at_zero", lambda x, y: x * y, ((0.0, 0.0),), ((0.0, 0.0),)),
    ("log1p_at_zero", lambda x: math.log1p(x), ((0.0,),), ((1.0,),)),
    ("atan2_on_axis", lambda y, x: math.atan2(y, x), ((0.0, 2.0),), ((0.5, 0.0),)),
    ("unused_pole", lambda x: 1.0 / x if x != 0.0 else x, ((0.0,),), ((1.0,),)),
    ("masked_root", lambda x: math.sqrt(x) if x > 0.0 else 0.0 * x, ((0.0,),), ((0.0,),)),
    ("floor_at_integer", lambda x: math.floor(x) * x, ((2.0,),), ((2.0,),)),
    ("erfc_far", lambda x: math.erfc(x), ((30.0,),), ((0.0,),)),
    ("tanh_far", lambda x: math.tanh(x), ((400.0,),), ((0.0,),)),
    ("exp_of_minus_many", lambda x: math.exp(-x), ((1000.0,),), ((-0.0,),)),
    ("logaddexp_far", lambda x, y: np.logaddexp(x, y), ((1000.0, 0.0),), ((1.0, 0.0),)),
    ("logaddexp_infinite", lambda x, y: np.logaddexp(x, y), ((0.0, -math.inf),), ((1.0, 0.0),)),
    ("sinc_at_zero", lambda x: np.sinc(x), ((0.0,),), ((0.0,),)),
):
    add(f"kinks.{_name}", _fn, *_points, exercises="convention at a kink or edge", exact=_exact)


@program((0.0, 0.0), exercises="norm at 0, by a helper and a loop", exact=((0.0, 0.0),))
def norm_at_zero(x, y):
    total = 0.0
    for v in (x, y):
        total += v * v
    return math.sqrt(total)


@program((0.0,), exercises="guarded division whose other branch has a pole", exact=((0.0,),))
def guarded_sinc(x):
    if x == 0.0:
        return 1.0 - x * x / 6.0
    return math.sin(x) / x


@program((1.0,), (0.0,), exercises="clip by maximum of minimum, at the edges", exact=((0.5,), (0.5,)))
def clipped(x):
    return np.minimum(np.maximum(x, 0.0), 1.0)


@program((2.0, 2.0), exercises="an if keeps to the branch taken", exact=((1.0, 0.0),))
def not_less(x, y):
    if x < y:
        return y
    return x
