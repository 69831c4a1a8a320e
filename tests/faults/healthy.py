"""Programs that nothing is wrong with: no finding above `note`."""

import math

import numpy as np


def softmax(z=np.array([1.0, 2.0, 3.0])):
    shifted = z - np.max(z)
    e = np.exp(shifted)
    return -np.log(e[0] / np.sum(e))


def log_sum_exp(z=np.array([1000.0, 999.0, -1000.0])):
    m = np.max(z)
    return m + np.log(np.sum(np.exp(z - m)))


def masked_attention(scores=np.array([[0.3, 1.2, -0.4], [0.1, 0.2, 0.3], [1.0, 0.5, 0.2]]), v=np.ones(3)):
    causal = np.tril(np.ones((3, 3))) > 0
    masked = np.where(causal, scores, -np.inf)
    e = np.exp(masked - np.max(masked, axis=1, keepdims=True))
    weights = e / np.sum(e, axis=1, keepdims=True)
    return np.sum((weights @ v) ** 2 * np.array([1.0, 2.0, 3.0]))


def batch_norm(x=np.array([[1.0, 2.0], [3.0, 5.0], [0.5, -1.0]]), gamma=np.ones(2), beta=np.zeros(2)):
    centred = x - np.mean(x, axis=0)
    normal = centred / np.sqrt(np.mean(centred**2, axis=0) + 1e-5)
    return np.sum((normal * gamma + beta) ** 3)


def newton(a=2.0):
    x = 1.0 * a
    for _ in range(12):
        x = x - (x * x - a) / (2 * x)
    return x


def converged_least_squares(w=np.array([1.0, 2.0]), b=0.0):
    X, y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([1.0, 2.0, 3.0])
    return np.sum((X @ w + b - y) ** 2)


def labels(logits=np.array([[0.2, 1.1], [0.4, -0.3]]), y=np.array([1, 0])):
    e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(2), y]))


def tolerance(a=3.0, tol=1e-9):
    x = a
    while abs(x * x - a) > tol:
        x = 0.5 * (x + a / x)
    return x


def relu_net(
    W1=np.array([[0.5, -1.0], [1.0, 1.0], [-0.3, 0.2]]),
    b1=np.zeros(3),
    W2=np.array([1.0, -2.0, 0.5]),
    x=np.array([1.0, 0.5]),
):
    h = np.maximum(0.0, W1 @ x + b1)
    return (W2 @ h - 1.0) ** 2


def some_units_off(weights=({"w": -1.0, "b": 0.0}, {"w": 2.0, "b": 0.1}, {"w": 0.5, "b": -3.0}), x=1.5):
    total = 0.0
    for unit in weights:
        total = total + max(0.0, unit["w"] * x + unit["b"])
    return total * total


def logged(w=0.7, x=2.0):
    history = []
    for _ in range(3):
        loss = (w * x - 1.0) ** 2
        history.append(float(loss))
        w = w - 0.1 * (w * x - 1.0) * x
    print(f"loss {history[-1]:.3f}")
    return (w * x - 1.0) ** 2


def capacitor(C=1e-11, U=3.3, d=2e-6):
    energy = 0.5 * C * U**2
    return energy * (1.0 + d)


def safe_reciprocal(x=np.array([2.0, 0.0, 4.0])):
    safe = np.where(x > 0, x, 1.0)
    return np.sum(np.where(x > 0, 1.0 / safe, 0.0))


def nan_aside(x=np.array([1.0, 2.0])):
    spread = np.log(np.sum(x) - 4.0)
    if np.isnan(spread):
        spread = 0.0
    return np.sum(x * x)


def max_pool(image=np.array([[0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 3.0, 0.5]]), k=np.array([0.5, 2.0])):
    pooled = np.array([np.max(image[:, 0:2]), np.max(image[:, 2:4])])
    return np.sum(pooled * k)


def counting(x=2.0, n=5):
    total = 0.0
    for i in range(n):
        total = total + x**i
    return total


def embedding(table=np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]), tokens=(0, 2, 2)):
    rows = table[np.array(tokens)]
    return np.sum(rows**2)


def dropout(w=np.array([0.5, -0.3, 0.8]), x=np.array([1.0, 2.0, 3.0])):
    kept = np.random.default_rng(0).random(3) < 0.7
    return np.sum(w * x * kept / 0.7) ** 2


def huber(w=0.5, xs=(1.0, 2.0, 8.0), ys=(0.6, 0.9, 20.0)):
    total = 0.0
    for x, y in zip(xs, ys):
        r = y - w * x
        total = total + (0.5 * r * r if abs(r) < 1.0 else abs(r) - 0.5)
    return total


def clipped_probability(p=np.array([0.2, 0.9, 0.5]), y=np.array([0.0, 1.0, 1.0])):
    q = np.clip(p, 1e-7, 1 - 1e-7)
    return -np.mean(y * np.log(q) + (1 - y) * np.log(1 - q))


def infinity_that_is_gone_again(x=1e200):
    y = x * x
    return 1.0 / y + x


def logs_a_round_number(x=0.25, rate=0.1):
    print(f"at {float(x)} by {float(rate)}")
    y = x * 0.25
    return y * y + 0.1 * rate


def a_name_of_a_number(x=2.0, rate=0.1):
    label = f"rate {rate:.2f}"
    return x * len(label)


def whole_numbers_that_count(x=np.array([1.0, 2.0, 4.0]), n=3, k=1, p=2, digits=2):
    total = 0.0
    for at in range(n - k):
        total = total + x[at] ** p / (n // 2)
    return total + 1.0**p * round(x[k] * 1.0, digits) * 0.0 + np.sum(x[: n // 2])


def close_enough(a=3.0, tol=1e-9):
    x = a
    while not math.isclose(x * x, a, rel_tol=tol):
        x = 0.5 * (x + a / x)
    return x


def guarded(x=np.array([1.0, 2.0]), w=np.array([0.5, 0.5]), limit=10.0):
    if np.isclose(w, limit).any() or (x > limit).all():
        return 0.0
    return np.sum(w * x) / len(x)


def best_of_several(xs=(1.0, 5.0, 3.0), w=2.0):
    best = -1e9
    for x in xs:
        value = x * w
        if value > best:
            best, chosen = value, x
    return best + chosen


def loss_of_the_last_epoch(w=1.0, xs=(1.0, 2.0), ys=(2.0, 4.5)):
    for _ in range(5):
        loss = sum((w * x - y) ** 2 for x, y in zip(xs, ys))
        w = w - 0.05 * sum(2 * (w * x - y) * x for x, y in zip(xs, ys))
    return loss


def found_and_left(xs=(1.0, 2.0, 3.0)):
    for x in xs:
        y = x * x
        if y > 3.0:
            break
    return y


def totals_by_row(rows=((1.0, 2.0), (0.5, 3.0))):
    totals = []
    for row in rows:
        total = 0.0
        for x in row:
            total += x * x
        totals.append(total)
    return sum(totals) + total


def written_once(x=np.array([1.0, 2.0, 3.0]), at=np.array([2, 0, 1])):
    out = np.zeros(3)
    out[at] += x
    return np.sum(out**2)


def filled_by_one_number(x=2.0, at=np.array([0, 0, 1])):
    out = np.zeros(2)
    out[at] = x
    return np.sum(out**2)


def reused_buffer(xs=((1.0, 2.0), (0.5, 3.0))):
    total, buffer = 0.0, np.zeros(2)
    for x in xs:
        buffer[:] = x
        total = total + np.sum(buffer**2)
    return total


def part_of_a_period(x=7.3, w=2.0):
    phase = x % 1.0
    return w * phase * (1 - phase)


def pooled_units(W=np.array([[1.0, -1.0], [1.0, -1.0], [0.5, 0.2]]), x=np.array([1.0, 0.5])):
    h = np.maximum(W @ x, 0.0)
    return h.max() + 0.1 * np.sum(h)


def row_stays_in_its_place(A=np.array([[4.0, 1.0], [1.0, 3.0]])):
    A = A.copy()
    for k in range(2):
        p = k + np.argmax(np.abs(A[k:, k]))
        A[[k, p]] = A[[p, k]]
        for i in range(k + 1, 2):
            A[i] -= A[i, k] / A[k, k] * A[k]
    return A[1, 1]


def backtracking(w=0.1, rate=0.9):
    for _ in range(20):
        new = w - rate * 2 * (w - 3)
        if (new - 3) ** 2 < (w - 3) ** 2:
            w = new
        else:
            rate = rate / 2
    return w


def bouncing(speed=0.1):
    height = 1.0
    for _ in range(50):
        speed = speed - 0.02
        height = height + speed
        if height < 0:
            speed, height = -speed, -height
    return height


def controlled(rate=1.3):
    level = 15.0
    for _ in range(60):
        if 20 - level > 0:
            level = level + rate * 0.1
        else:
            level = level - 0.05
    return level


def labelled(y=3.0):
    label = 0.0
    for _ in range(40):
        slope = 2 * (y - 1.0)
        side = slope * 1.0
        if side > 0:
            label = 1.0
        else:
            label = -1.0
        y = y - 0.9 * slope
    return y, label


def counted(rate=0.9):
    place, below = 1.0, 0
    for _ in range(60):
        place = -rate * place
        height = place * 2.0
        if height < 0:
            below += 1
    return place


def halved_until_small(x=5.0, price=2.0):
    steps = 0
    while x > 1:
        x = x / 2
        steps += 1
    return steps * price
