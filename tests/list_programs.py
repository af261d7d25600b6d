"""Programs that keep their values in lists: functions of (x: float, n: int) or of (x: array of 4, n: int)."""

import math

import numpy as np


def appended(x, n):
    ls = []
    for i in range(n):
        ls.append(x * i)
    s = 0.0
    for v in ls:
        s += v * v
    return s


def two_names(x, n):
    a = [x, 2 * x]
    b = a
    b.append(x * x)
    b[0] = x**3
    return a[0] * a[1] + a[2] + len(a)


def branch_alias(x, n):
    a = [x]
    b = [2 * x, x]
    c = a if n > 3 else b
    c.append(x * x)
    return sum(a) * sum(b) + a[-1] * b[-1]


def stack_machine(x, n):
    stack = []
    for i in range(n):
        if i % 3 == 2:
            a = stack.pop()
            b = stack.pop()
            stack.append(a * b)
        else:
            stack.append(x + i)
    out = 0.0
    while stack:
        out = out + math.sin(stack.pop())
    return out


def history(x, n):
    xs = [x]
    for _ in range(n):
        xs.append(math.sin(xs[-1]) + xs[len(xs) // 2])
    return xs[-1] * xs[1]


def comprehension(x, n):
    v = [math.exp(x / (i + 1)) for i in range(n) if i != 1]
    return sum([a * b for a in v for b in v if a < b]) + v[0]


def into_array(x, n):
    y = np.array([x * i for i in range(n)])
    return np.sum(y * y) + np.sum(np.array([x, x * x, 3.0]))


def helper_result(x, n):
    def make(k):
        out = []
        for i in range(k):
            out.append(x**i)
        return out

    a = make(n)
    b = make(2)
    a.extend(b)
    return sum(a) * a[1]


def _push(values, item):
    values.append(item)
    values[0] = values[0] * item


def callee_changes(x, n):
    ls = [x]
    for i in range(n):
        _push(ls, x + i)
    return ls[0] + ls[-1]


def nested(x, n):
    rows = []
    for i in range(n):
        row = []
        for j in range(i + 1):
            row.append(x * j + i)
        rows.append(row)
    rows[0][0] = x * x
    rows[1].append(x)
    return sum([sum(r) for r in rows]) * rows[-1][0] + len(rows[1]) * x


def matrix_of_lists(x, n):
    m = [[x * (i + j) for j in range(3)] for i in range(3)]
    return np.sum(np.array(m) ** 2) + m[1][2] * m[2][1]


def of_tuples(x, n):
    ls = []
    for i in range(n):
        ls.append((x * i, i))
    s = 0.0
    for v, k in ls:
        s += v * k * x
    return s


def int_and_float(x, n):
    ls = [0] * n
    for i in range(n):
        ls[i] = ls[i - 1] + x * i
    return sum(ls)


def insert_pop(x, n):
    ls = [x, 2 * x, 3 * x]
    ls.insert(1, x * x)
    ls.insert(-1, x**3)
    a = ls.pop(0)
    b = ls.pop(-2)
    del ls[0]
    return a * b + ls[0] * ls[1] * len(ls)


def slices(x, n):
    ls = [x * i for i in range(8)]
    ls[2:4] = [x * x, x, 1.0]
    a = ls[1::2]
    b = ls[::-1]
    del ls[::3]
    return sum(a) * b[0] + sum([p * q for p, q in zip(ls, b)])  # noqa: B905


def sorting(x, n):
    ls = [math.sin(x * i) for i in range(n)]
    ls.sort(key=lambda v: v * v, reverse=True)
    s = 0.0
    for i, v in enumerate(ls):
        s += i * v
    return s + max(ls)


def while_growing(x, n):
    ls = [x]
    for v in ls:
        if len(ls) < n:
            ls.append(v * x + 1)
    return ls[-1]


def augmented(x, n):
    ls = [x, x * x]
    for i in range(n):
        ls[i % 2] += ls[0] * x
        ls[-1] *= 0.5
    ls += [x]
    ls *= 2
    return sum(ls)


def swap(x, n):
    ls = [x, 2.0 * x, x * x]
    for i in range(n):
        ls[i % 3], ls[(i + 1) % 3] = ls[(i + 1) % 3], ls[i % 3] * x
    return ls[0] - ls[1] * ls[2]


def membership(x, n):
    ls = [i for i in range(n)]  # noqa: C416
    ls.remove(1)
    ls.reverse()
    s = x * ls.index(0) + ls.count(2)
    if 3 in ls:
        s = s * x
    if ls == [4, 3, 2, 0]:
        s = s * x
    return s


def generator(x, n):
    return sum(x * i for i in range(n)) * max(x + i for i in range(n)) if any(i > 2 for i in range(n)) else x


def maybe_none(x, n):
    memo = [None] * n
    for i in range(n):
        if i % 2 == 0:
            memo[i] = x * i
    s = 0.0
    for v in memo:
        if v is not None:
            s += v * v
    return s


def functions(x, n):
    fs = []
    for i in range(3):
        fs.append(lambda v, k=i: v * k + x)
    s = x
    for f in fs:
        s = f(s)
    return s


def memoised(x, n):
    fib = [x, 1.0]
    while len(fib) < n + 2:
        fib.append(fib[-1] * x + fib[-2])
    a, b, *_ = (fib[0], fib[1], fib[2])
    return fib[-1] + a * b


def unpacked(x, n):
    a, b, c = [x * i for i in range(1, 4)]
    d, (e, f), *g = ((x + i, x * i) for i in (n, 2, 3))
    return a * b + c + d[0] * e * f + g[0][1]


SCALAR = [
    *(appended, two_names, branch_alias, stack_machine, history, comprehension, into_array, helper_result),
    *(callee_changes, nested, matrix_of_lists, of_tuples, int_and_float, insert_pop, slices, sorting),
    *(while_growing, augmented, swap, membership, generator, maybe_none, functions, unpacked),
]


def array_elements(x, n):
    return sum([v * v for v in x]) + [v for v in x][-1]  # noqa: C416


def list_of_arrays(x, n):
    ls = []
    for i in range(n):
        ls.append(x * i)
    s = 0.0
    for v in ls:
        s += np.sum(v * v)
    return s + ls[-1][0]


def written_elements(x, n):
    ls = [np.zeros(4) for _ in range(n)]
    ls[1] = ls[0]
    for i in range(n):
        ls[i][i % 4] += x[i % 4] * (i + 1)
        ls[i][0] = ls[i][0] * x[1]
    return np.sum(ls[0] ** 2) + np.sum(ls[-1] * x)


def views_in_list(x, n):
    y = x * x
    ls = [y[1:], y[::-1]]
    ls.append(y)
    ls[0][0] = x[0] * 7
    return np.sum(ls[1] * x) + np.sum(ls[2][:2])


def layers(x, n):
    acts = [x]
    for k in range(n):
        acts.append(np.tanh(acts[-1] * 0.5 + acts[k // 2]))
    return np.sum(acts[-1]) + np.sum(acts[1] * acts[2])


def same_array_twice(x, n):
    a = x * 2.0
    ls = [a, a]
    ls.append(a)
    ls[0][1] = x[0] * x[0]
    ls[2] *= x
    return np.sum(ls[1])


def pool(x, n):
    free = [np.zeros(4), np.zeros(4)]
    total = 0.0
    for i in range(n):
        work = free.pop()
        work[:] = x * i
        work[0] += total
        total += np.sum(work * work)
        free.insert(0, work)
    return total


def pairs_of_arrays(x, n):
    ls = []
    for i in range(n):
        ls.append((x[i % 4], x * i))
    s = 0.0
    while ls:
        w, v = ls.pop()
        s += w * np.sum(v)
        if len(ls) > 1:
            ls[0] = (s, v * 0.5)
    return s


def rows_to_matrix(x, n):
    rows = []
    for i in range(n):
        rows.append(x * (i + 1.0))
    m = np.array(rows)
    return np.sum(m * m) + m[1, 2]


def lists_of_lists_of_arrays(x, n):
    groups = [[] for _ in range(2)]
    for i in range(n):
        groups[i % 2].append(x * x[i % 4])
    a = groups[0]
    a[0][0] = x[3]
    return sum([np.sum(v * v) for g in groups for v in g])


def chosen_array(x, n):
    ls = [x * 1.0, x * 2.0, x * 3.0]
    w = ls[n % 3]
    w[0] = 5.0 * x[1]
    ls[1][1] += w[0] * x[2]
    return np.sum(ls[0] * ls[1] * ls[2])


def two_layouts(x, n):
    m = x.reshape(2, 2) * 1.0
    ls = []
    ls.append(m)
    ls.append(m.T)
    ls[1][0, 1] = x[3] * x[3]
    return np.sum(ls[0] * x[0]) + ls[0][1, 0]


def put_together(x, n):
    rows = [x * i for i in range(1, n)]
    return np.sum(np.stack(rows, axis=1)[0] ** 2) + np.sum(np.concatenate(rows)[1:]) + np.sum(sum(rows) ** 2)


def side_by_side(x, n):
    blocks = [np.outer(x, x[: i + 1]) for i in range(n)]
    blocks.append(x[:, None] * 2.0)
    wide = np.concatenate(blocks, axis=1)
    deep = np.concatenate([b[None, :, :1] for b in blocks], -1)
    wide[:, 0] *= x
    first, *others, last = blocks
    return (
        np.sum(wide * np.arange(wide.size).reshape(wide.shape))
        + np.sum(np.hstack(blocks)[:, 1] ** 2)
        + (np.sum(deep[0, 1] ** 2) * len(others) + np.sum(first * last) + np.sum(others[0]))
    )


ARRAY = [
    *(array_elements, list_of_arrays, written_elements, views_in_list, layers, same_array_twice, pool),
    *(pairs_of_arrays, rows_to_matrix, lists_of_lists_of_arrays, chosen_array, two_layouts, put_together, side_by_side),
]
