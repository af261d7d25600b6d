"""break, continue, else on loops, return from inside loops."""

import math

from . import program


@program((0.5,), (1.5,), exercises="break out of for by a value")
def broken_for(x):
    y = x
    for i in range(10):
        y = y * x + 0.5
        if y > 4.0:
            break
    return y * (i + 1)


@program((0.5,), exercises="break out of while True")
def broken_while(x):
    y = x
    while True:
        y = y * 1.5
        if y > 4.0:
            break
    return y * x


@program((0.5,), exercises="loop and a half")
def loop_and_a_half(x):
    y = x
    while True:
        y = y + x * x
        if y > 2.0:
            break
        y = y * 1.1
    return y


@program((0.5,), (1.3,), exercises="continue in for by a value and by the counter")
def continued(x):
    y = x
    for i in range(8):
        if i % 3 == 1:
            continue
        y = y * x
        if y < 0.2:
            continue
        y = y + math.sin(x * i)
    return y


@program((0.5,), exercises="continue in while")
def continued_while(x):
    y = 0.0
    n = 0
    while n < 8:
        n += 1
        if n % 2 == 0:
            continue
        y += x**n
    return y


@program((0.5,), (1.5,), exercises="else of for, with and without break")
def for_else(x):
    y = x
    for _ in range(5):
        y = y * x
        if y > 3.0:
            break
    else:
        y = y + math.exp(x)
    return y


@program((0.5,), (1.5,), exercises="else of while, with and without break")
def while_else(x):
    y = x
    n = 0
    while n < 5:
        y = y * x
        if y > 3.0:
            y = y - 1.0
            break
        n += 1
    else:
        y = y * 10.0 + x
    return y


@program((0.5,), (1.5,), exercises="return from for")
def returned(x):
    y = x
    for i in range(10):
        y = y * x + 0.25
        if y > 3.0:
            return y * i
    return y + x


@program((0.5,), (1.5,), exercises="return from while True")
def returned_while(x):
    y = 1.0
    while True:
        y = y * 1.25 + x
        if y > 5.0:
            return y * y


@program((0.5,), (0.9,), (1.5,), exercises="return from a nest of loops")
def returned_nest(x):
    y = x
    for i in range(4):
        for j in range(3):
            y = y * x + 0.3 * j
            if y > 3.5:
                return y * (i + x)
            if y < 0.0:
                return -y
        y += 0.1
    return y


@program((0.5,), (1.2,), exercises="break from the inner loop only")
def broken_inner(x):
    total = 0.0
    for i in range(4):
        y = x
        for _ in range(10):
            y = y * 1.4 + 0.1 * i
            if y > 2.0:
                break
        total += y * x
    return total


@program((0.5,), (1.2,), exercises="break from both by a flag")
def broken_both(x):
    y = x
    found = False
    for i in range(4):
        for _ in range(4):
            y = y * x + 0.6
            if y > 2.0:
                found = True
                break
        if found:
            break
        y = y * 0.9
    return y * (i + 1) if found else -y


@program((0.5,), exercises="break through else and continue")
def for_else_continue(x):
    total = 0.0
    for n in range(2, 12):
        for d in range(2, n):
            if n % d == 0:
                break
        else:
            total += x**n
            continue
        total -= x / n
    return total


@program((0.55,), (2.5,), exercises="several breaks at different places")
def two_breaks(x):
    y = x
    for i in range(10):
        if y > 3.0:
            break
        y = y + x * i
        if y > 2.0:
            y = y * 0.5
            break
    return y * y


@program((0.5,), (0.05,), exercises="value defined before a break, used after it")
def defined_before_break(x):
    y = x
    reached = 0.0
    for i in range(10):
        step = math.exp(y) * 0.3
        if y > 1.0:
            reached = step * i
            break
        y = y + step
    return reached + y


@program((0.7,), exercises="break in the first turn")
def broken_at_once(x):
    y = x * x
    for _ in range(10):
        break
    else:
        y = 0.0
    for _ in range(10):
        y *= x
        break
    return y


@program((0.5,), (-0.5,), exercises="return in else of a loop")
def returned_else(x):
    for i in range(3):
        if x < 0.0:
            break
    else:
        return x * x
    return x * (i + 3)


@program((2.0, 100), (2.0, 3), exercises="convergence test with a limit on the turns")
def fixed_point(a, limit):
    y = 1.0
    for _ in range(limit):
        new = 0.5 * (y + a / y)
        if abs(new - y) < 1e-12:
            y = new
            break
        y = new
    return y


@program((2.0,), exercises="raise in a loop, not taken")
def fixed_point_or_error(a):
    y = 1.0
    for _ in range(50):
        y = 0.5 * (y + a / y)
        if abs(y * y - a) < 1e-12:
            return y
    raise RuntimeError("no convergence")


@program((0.5,), exercises="while with continue, break and else nested in for")
def everything(x):
    total = 0.0
    for i in range(5):
        n = 0
        y = x
        while n < 6:
            n += 1
            if n == 2:
                continue
            y = y * 1.3 + 0.05 * i
            if y > 2.0:
                break
        else:
            y = y - 0.5
            if i == 1:
                continue
        total = total * 0.5 + y
        if total > 50.0:
            return total
    else:
        total += x
    return total


@program((0.3,), exercises="bisection, derivative through the last step only", exact=((0.0,),))
def bisection(x):
    low, high = 0.0, 2.0
    for _ in range(20):
        middle = 0.5 * (low + high)
        if middle * middle < x:
            low = middle
        else:
            high = middle
    return low


@program((0.7, 1.9), (1.9, 0.7), exercises="Euclid's algorithm on floats, few turns")
def euclid(a, b):
    n = 0
    while b > 0.15 and n < 5:
        a, b = b, a % b
        n += 1
    return a * n


@program((0.5,), (3.5,), exercises="early return at the very start")
def guarded(x):
    if x > 3.0:
        return x
    y = 0.0
    for i in range(5):
        y += x * i
        if i == 3:
            return y * y
    return y


@program((0.7, -1.2), exercises="a short counted loop whose header raises, its test at the end")
def guarded_short(x, y):
    i = 0
    while i < 4:
        i += 1
        if math.atan(y) > 50.0:
            raise ValueError("out of bounds")
        x *= 0.5 + y
    return x + y
