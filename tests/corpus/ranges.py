"""for over range, and while."""

import math

from . import program


@program((0.5, 5), (0.5, 0), (0.5, -2), exercises="for over range(n), also empty")
def repeated_product(x, n):
    y = 1.0
    for _ in range(n):
        y = y * x
    return y + x


@program((0.5, 2, 6), (0.5, 6, 2), exercises="range(start, stop), also empty")
def between(x, start, stop):
    y = x
    for i in range(start, stop):
        y = y + i * x * x
    return y


@program((0.5, 1, 9, 3), (0.5, 9, 1, -3), (0.5, 1, 9, -3), (0.5, 9, 1, 2), exercises="steps of either sign")
def stepped(x, start, stop, step):
    y = x
    for i in range(start, stop, step):
        y = y * x + i
    return y


@program((0.5,), exercises="literal negative step")
def countdown(x):
    y = 0.0
    for i in range(5, 0, -1):
        y = (y + x) / i
    return y


@program((0.5,), exercises="literal step beyond the end")
def stride(x):
    y = x
    for i in range(-3, 8, 4):
        y += i * x**2
    return y


@program((0.5, 4), exercises="computed bounds")
def computed_bounds(x, n):
    y = x
    for i in range(n - 2, n * 2 + 1):
        y = y + math.sin(x * i) / (i + 1)
    return y


@program((2.7,), exercises="bound computed from an active value")
def bound_from_value(x):
    y = 0.0
    for _ in range(int(x * x)):
        y += x * x
    return y


@program((0.5, 4), exercises="bound changed within the loop has no influence")
def bound_changed(x, n):
    y = x
    for _ in range(n):
        n = 100
        y = y * x + 1.0
    return y * n


@program((0.5, 4), exercises="loop variable used after the loop")
def variable_after(x, n):
    for i in range(n):
        x = x * 1.5
    return x * x * i


@program((0.5, 4), exercises="loop variable rebound in the body")
def variable_rebound(x, n):
    y = 0.0
    for i in range(n):
        i = i * 2
        y += x**i
    return y


@program((0.5, 3), (0.5, 0), exercises="nested loops with dependent bounds")
def triangular(x, n):
    y = x
    for i in range(n):
        for j in range(i, n):
            y = y * x + i * j
    return y


@program((0.5,), exercises="three loops nested")
def cubic_nest(x):
    y = 0.0
    for i in range(2):
        z = x * i
        for j in range(3):
            for k in range(2):
                z = z * x + j - k
            y += z
    return y


@program((0.5, 0.3), exercises="values swapped round a loop")
def swapping(a, b):
    for _ in range(5):
        a, b = b, a * b + 0.1
    return a + 2.0 * b


@program((0.5, 0.3, 0.2), exercises="three values rotating")
def rotating(a, b, c):
    for _ in range(4):
        a, b, c = b, c, math.sin(a) * b
    return a + 2.0 * b + 3.0 * c


@program((1.0, 1.0), exercises="Fibonacci's recurrence")
def fibonacci(a, b):
    for _ in range(10):
        a, b = b, a + b
    return a * b


@program((0.5,), (1.5,), exercises="branch within a loop, by the counter and by the value")
def branching(x):
    y = x
    for i in range(6):
        if i % 2 == 0:
            y = y * x
        elif y > 1.0:
            y = y / 2.0
        else:
            y = y + math.cos(y)
    return y


@program((0.5,), exercises="value defined in the first turn only")
def first_turn(x):
    y = 0.0
    for i in range(4):
        if i == 0:
            base = math.exp(x)
        y += base * x**i
    return y


@program((0.5,), exercises="value from the previous turn")
def previous_turn(x):
    previous = x
    total = 0.0
    for i in range(4):
        current = math.sin(previous + i)
        total += current * previous
        previous = current
    return total


@program((0.5,), exercises="value set in a loop, read only after it")
def last_turn(x):
    last = 0.0
    for i in range(4):
        last = x * i + last * last
    return last


@program((0.5,), exercises="nothing is carried")
def overwritten(x):
    y = x
    for i in range(4):
        y = x * i
    return y * y


@program((2.0,), exercises="while by a counter", order=2)
def while_counter(x):
    r = 1.0
    n = 10
    while n > 0:
        r *= math.sin(x)
        n -= 1
    return r


@program((2.0,), (0.3,), exercises="while by a value")
def while_value(x):
    y = x
    while y < 10.0:
        y = y * 1.7 + x
    return y


@program((20.0,), exercises="while never entered", order=2)
def while_never(x):
    y = x * x
    while y < 10.0:
        y = y * 2.0
    return y


@program((0.5,), exercises="while with two conditions")
def while_two_conditions(x):
    y = x
    n = 0
    while y < 3.0 and n < 20:
        y += x * 0.3
        n += 1
    return y * n


@program((0.5,), exercises="while in for in while")
def mixed_nest(x):
    y = x
    outer = 0
    while outer < 2:
        for i in range(3):
            z = y
            while z < 1.0:
                z = z * 1.5 + 0.01 * i
            y = y * 0.5 + z * x
        outer += 1
    return y


@program((27.0,), (2.0,), exercises="Newton's square root to convergence")
def newton_root(a):
    y = a
    while abs(y * y - a) > 1e-13 * a:
        y = 0.5 * (y + a / y)
    return y


@program((0.5,), exercises="while with a walrus")
def while_walrus(x):
    total = 0.0
    term = x
    while (term := term * x) > 1e-4:
        total += term
    return total


@program((6, 0.5), (7, 0.5), exercises="Collatz by an int argument, float result")
def collatz(n, x):
    steps = x
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += x * n
    return steps


@program((0.5,), exercises="loop over a constant with no effect on the result")
def idle(x):
    waste = 0.0
    for i in range(10):
        waste += math.sin(i)
    return x * x


@program((0.5,), exercises="counter carried as a float")
def float_counter(x):
    t = 0.0
    y = 0.0
    while t < 0.95:
        y += x * t
        t += 0.1
    return y * x


@program((0.5, 50), exercises="many turns of a cheap body")
def logistic(x, n):
    y = 0.3
    for _ in range(n):
        y = 2.5 * x * y * (1.0 - y) + 0.1
    return y


@program((0.5,), exercises="two loops one after the other, the second from the first")
def in_sequence(x):
    a = 1.0
    for _ in range(3):
        a = a * x + 1.0
    b = a
    for _ in range(3):
        b = b * a - x
    return b


@program((0.5,), exercises="loop in one branch only, both ways", order=2)
def loop_in_branch(x):
    if x > 0.0:
        for _ in range(3):
            x = x * x + 0.5
    else:
        while x < 0.0:
            x = x + 1.0
    return x


@program((3, 0.5), exercises="int carried beside a float")
def factorial_series(n, x):
    factorial = 1
    total = 1.0
    for k in range(1, n + 1):
        factorial *= k
        total += x**k / factorial
    return total
