"""Programs that write into arrays in place: of one argument (X), and of two (X, W)."""

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

X = np.array([1.1, 2.2, 3.3, 4.4])
W = np.array([0.5, -1.0, 2.0, 0.3])


def filled(x):
    out = np.zeros(4)
    for i in range(4):
        out[i] = x[i] ** 2
    return out * np.arange(4.0)


def recurrence(x):
    out = np.empty(len(x))
    out[0] = x[0]
    for i in range(1, len(x)):
        out[i] = 0.5 * out[i - 1] + x[i] ** 2
    return out.sum() + out[-1] ** 2


def rows(x, w):
    m = np.zeros((3, 4))
    for row in m:
        row[:] = x * w
    m[1] += x
    m[:, 2] *= w[2]
    m[0, :] = 0
    return (m**2).sum()


def views(x):
    m = np.ones((2, 2))
    flat, transposed = m.ravel(), m.T
    flat[1] = x[0]
    transposed[1, 1] = x[1] * transposed[1, 0]
    return (m * np.array([[1.0, 2.0], [3.0, 4.0]])).sum() + (transposed**2).sum() + flat[1]


def views_of_an_argument(x):
    y = x * 2
    y[0] = x[1] * x[2]
    part = y[1:]
    part[0] = x[0] ** 2
    y[2] += x[2]
    part *= x[3]
    return (y * np.arange(4.0)).sum() + part.sum()


def overlapping(x):
    a = x * 1.0
    left, right = a[:3], a[1:]
    left *= x[0]
    right[::2] = left[:2] ** 2
    return (a * W).sum() + (left * right).sum()


def masks(x):
    a = x * 1.0
    a[a > 2.5] = 0
    a[[0, 0]] += x[:2]
    a[a < 1.5] *= 3
    return (a**2).sum()


def into_out(x, w):
    buffer = np.empty(4)
    np.multiply(x, w, out=buffer)
    np.exp(buffer, out=buffer)
    where = np.array([False, True, True, True])
    quotient = np.divide(x, w - 0.5, out=np.zeros(4), where=where)
    total = np.empty(())
    np.sum(buffer, out=total)
    return total + quotient.sum() + buffer[0]


def into_out_by_position(x, w):
    a, b, c, d = np.empty((2, 2)), np.empty(2), np.empty(4), np.empty((2, 4))
    np.dot(x.reshape(2, 2), w.reshape(2, 2), a)
    np.sum(a, 0, None, b)
    x.cumsum(0, None, c)
    np.clip(c, 2.0, w[2] * 4, c)
    (x * w).clip(-1, None, out=d[0])
    np.concatenate([x[:2], w[:2]], 0, d[1])
    total = np.empty(())
    d.mean(None, None, total)
    return total + (a**2).sum() + b[1] * b[0] + (c * W).sum()


def windows(x):
    a = x * 1.0
    seen = sliding_window_view(a, 2)
    a[0] = x[1] ** 2
    b = np.zeros(5)
    strided = as_strided(b, (4, 2), (8, 8))
    b[1:] = x
    b[2] *= x[3]
    c = x * 2.0
    as_strided(c, (2, 2), (16, 8))[1] *= x[:2]
    return (seen * seen).sum() + (strided**2).sum() + (c * W).sum() + a[0] * b[2]


def parts_of_windows(x):
    a = x * 1.0
    seen = as_strided(a, (3, 2), (8, 8))
    a[1] *= x[2]
    seen[0] += x[:2]
    seen[0, 1:][0] = x[0] * 3
    for row in seen:
        row[:] *= x[3]
    b = np.zeros(4)
    windows = sliding_window_view(b, 2, writeable=True)
    part = windows[1]
    part[0], part[1] = x[0], x[1] * 2
    turned = a.reshape(2, 2).T[::-1]
    turned[0] *= x[1]
    return (seen**2).sum() * a[1] + (windows**2).sum() + b[2] * x[0] + (turned**2).sum()


def overwritten_as_scratch(x):
    y = x[::-1] * 1.0
    middle = np.median(y, overwrite_input=True) * np.nanmedian(x * W, 0, None, True)
    upper = np.percentile(x * W, 70, overwrite_input=True) + np.nanpercentile(x * W, 60, 0, None, True)
    lower = np.quantile(x * W, 0.3, None, None, True) * np.nanquantile(x * W, 0.2, overwrite_input=True)
    into = np.empty(())
    np.median(x * W, None, into, overwrite_input=True)
    return middle + upper * lower + into


def counted(x):
    a = np.zeros(3)
    np.add.at(a, [0, 1, 1, 2], x)
    np.subtract.at(a, [0, 0], x[1])
    np.multiply.at(a, [0, 2], x[:2])
    return (a**2).sum()


def functions(x, w):
    a = np.zeros((3, 3))
    np.fill_diagonal(a, x[:3])
    np.put(a, [1, 2, -2], x[1:])
    np.copyto(a[1:], w[0] * x[0], where=np.array([[True, False, True]] * 2))
    np.putmask(a, a > 10, x[:2])
    np.put_along_axis(a, np.array([[1], [0], [2]]), x[1:, None], 1)
    b = np.ones(5)
    np.place(b, b > 0, w)
    c = np.ones(3)
    c.fill(x[0])
    c[2] = w[0]
    d = x * w
    d.sort()
    return (a**2).sum() + (b * w[2]).sum() + (c * X[:3]).sum() + (d * X).sum()


def made(x):
    a = np.full((2, 3), x[0])
    a[0, 0] = x[1]
    b = np.zeros_like(x)
    b += x
    b -= 1
    b[1] = 5
    c = np.array([1.0, 2.0])
    c[0] = x[2]
    return (a**2).sum() + (b**3).sum() + c.sum() ** 2


def oscillator(x):
    y = np.zeros((20, 2))
    y[0] = x[:2]
    for k in range(19):
        p, q = y[k]
        y[k + 1] = y[k] + 0.01 * np.array([q, -p * x[2]])
    return y[-1, 0] + y[:, 1].mean() + x[3]


def aliased(x):
    a = np.zeros(2)
    b, c = a, [a, a]
    b[0] = x[0]
    c[1][1] = x[1] ** 2
    return (a * a).sum()


def rewritten_between_uses(x):
    a = np.zeros(2)
    total = 0.0
    for each in x:
        a[0] = each
        a[1] += each * a[0]
        total = total + np.tanh(a).sum() * a[1]
    return total


def own_argument(x):
    x[0] = x[1] ** 2
    return x.sum() * x[0]


def by_shape(x):
    a = np.zeros((2, 2))
    a[0, 1] = x[0]
    row = a.reshape(-1)
    a.shape = 4, 1
    row[0] = row[1] * x[2]
    a[3] = x[1] * 2
    return (a**2).sum() + row[2] + row[3]


def reshaped_argument(x):
    x.shape = (2, -1)
    x[0] *= x[1, 0]
    return x.sum() * x[0, 1]


def nothing(x):
    empty = (x * 1.0).reshape(2, 2)[1:1]
    part = x[2:2]
    empty[:] = x[0]
    part[...] = x[:0]
    empty += x[1]
    part.fill(x[2])
    other = 1.0 * part
    other[:] -= np.sin(other)
    return x @ W + empty.sum() + (part * 2.0).sum() + (other * 3.0).sum()


def one_element(x):
    y = x * 1.0
    one = y[1:2].squeeze()
    one[one > 0.0] = x[3] * x[0]
    one[()] *= x[2]
    number = (x[0] * W[:1]).reshape(())
    seen, row = number[...], number[None]
    seen[seen > 9.0] = x[1]
    seen[seen < 9.0] *= x[2]
    row[0:1] += x[:1]
    row[row < 9.0] *= x[3]
    row[0] -= x[1]
    return y @ W + number * row.sum() * seen


def of_its_own_memory(x):
    y = x * x
    y[1:] = y[:-1]
    y[::-1] = y
    m = np.outer(y, x)
    m[:, 1] = m[1]
    m[m > 3.0] = m[m > 3.0] * 0.5
    m[1, ::2] = m[:2, 0]
    return (m @ W) @ x


ONE = (
    by_shape, reshaped_argument, filled, recurrence, windows, parts_of_windows, views, overwritten_as_scratch, views_of_an_argument, overlapping, masks, counted, made, oscillator, aliased,
    rewritten_between_uses, own_argument, nothing, one_element, of_its_own_memory,
)  # fmt: skip
TWO = (rows, into_out, into_out_by_position, functions)
