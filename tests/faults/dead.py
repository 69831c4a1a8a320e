"""Faults whose worst finding is `dead`: a function for each, called with its defaults."""

import math

import numpy as np


def rounded_price(quantity=3.4, price=2.5):
    total = quantity * price
    return round(total)  # cause


def rounded_weights(w=np.array([0.4, -1.2, 2.6]), x=np.array([1.0, 2.0, 3.0])):
    quantised = np.round(w * 4) / 4  # cause
    return np.sum(quantised * x)


def floored_time(t=2.7, rate=0.5):
    step = math.floor(t / 0.1)  # cause
    return rate * step


def step_by_comparison(x=0.7):
    return 1.0 if x > 0.5 else 0.0  # cause


def mask_by_comparison(x=np.array([0.2, 0.9, 1.4]), threshold=0.5):
    mask = (x > threshold) * 1.0  # cause
    return np.sum(mask * x)


def accuracy_as_loss(w=np.array([0.3, -0.2]), x=np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])):
    predicted = x @ w > 0  # cause
    return np.mean(predicted == np.array([True, True, False]))


def saturated_tanh(w=30.0, x=2.0, b=0.1):
    h = np.tanh(w * x)  # cause
    return h + b


def saturated_layer(W=np.full((3, 2), 40.0), x=np.array([1.0, 2.0]), v=np.ones(3)):
    h = np.tanh(W @ x)  # cause
    return np.sum(h * v)


def underflowing_kernel(length=0.01, noise=0.5):
    k = math.exp(-((3.0 / length) ** 2))  # cause
    return k + noise


def dead_relu(
    W=np.array([[-1.0, -2.0], [-0.5, -0.1]]), x=np.array([1.0, 2.0]), v=np.array([1.0, 2.0]), c=0.3
):
    h = np.maximum(0.0, W @ x)  # cause
    return np.sum(v * h) + c


def _relu(z):
    return max(0.0, z)  # cause of dead_relu_in_a_helper


def dead_relu_in_a_helper(weights=(-1.0, -0.5, -2.0), bias=0.5):
    total = bias
    for w in weights:
        total = total + _relu(w * 3.0)
    return total


def clipped(x=5.0, y=2.0):
    return np.clip(x, -1.0, 1.0) * 3.0 + y  # cause


def overwritten_element(x=2.0, y=3.0):
    out = np.zeros(2)
    out[0] = x * x
    out[1] = y
    out[0] = 1.0  # cause
    return np.sum(out)


def overwritten_array(x=np.array([1.0, 2.0]), y=3.0):
    scaled = x * 2.0
    scaled[:] = 1.0  # cause
    return np.sum(scaled) * y


def overwritten_name(x=2.0, y=3.0):
    z = x * 2.0
    z = y * 4.0  # cause
    return z


def unused_bias(w=2.0, b=0.5, x=3.0):  # cause: b
    return w * x


def unused_in_a_dict(p={"w": 2.0, "b": 0.5}):  # cause: p['b']
    return p["w"] * 3.0


def computed_and_dropped(x=2.0, decay=0.1):
    penalty = decay * decay  # cause
    return x * 3.0


def argmax_class(scores=np.array([0.1, 2.0, 0.4]), prices=np.array([1.0, 2.0, 3.0])):
    best = np.argmax(scores)  # cause
    return prices[best] * 2.0


def sign_of_error(x=3.0, target=1.0):
    return np.sign(x - target)  # cause


def masked_to_nothing(x=np.array([1.0, 2.0]), b=1.0):
    mask = np.zeros(2)
    return np.sum(x * mask) + b  # cause


def both_weights_zero(W1=np.zeros((2, 2)), W2=np.zeros(2), x=np.array([1.0, 2.0])):
    h = W1 @ x
    return W2 @ h  # cause


def other_element(a=1.0, b=2.0):
    pair = np.array([a, b])  # cause
    return pair[0] * 2.0


def clamped_by_hand(x=5.0, b=1.0):
    x = min(x, 1.0)  # cause
    return x * 2.0 + b


def through_a_text(x=2.34567):
    return float(f"{x:.2f}") * 3.0  # cause


def rounded_product_with_a_whole_number(x=2.0, n=3):
    return round(x * n, 1) + x  # cause


def heaviside_step(x=0.3, y=2.0):
    return np.heaviside(x, 0.5) * y  # cause


def saturated_softmax(z=np.array([1000.0, 0.0]), t=1.5):
    e = np.exp(z - np.max(z))  # cause
    p = e / np.sum(e)
    return p[0] * t


def underflowed_probability(a=-800.0, b=3.0):
    ea = math.exp(a)  # cause
    eb = math.exp(b)
    p = ea / (ea + eb)
    return -math.log(p + 1e-12)


def saturated_sigmoid(x=1.0, w=-700.0):
    p = 1 / (1 + math.exp(-w * x))  # cause
    return -math.log(p + 1e-12)


def floor_division(x=7.3, y=2.0):
    return x // 1.0 + y  # cause


def _better(a, b):
    return a if a > b else 0.0  # cause of compared_in_a_helper


def compared_in_a_helper(x=1.0, y=3.0):
    return _better(x, y)


def gate(x=0.7, w=2.0):
    is_open = 1.0 if x > 0.5 else 0.0  # cause
    return w * is_open


def close_by_math(a=1.0, b=2.0):
    is_near = 1.0 if math.isclose(a, 2.0) else 0.5  # cause
    return is_near * b


def close_by_numpy(a=np.array([1.0, 2.0]), b=2.0):
    return np.sum(np.isclose(a, 1.0) * b)  # cause


def equal_arrays(a=np.array([1.0, 2.0]), b=2.0):
    same = np.array_equal(a, np.array([1.0, 2.0]))  # cause
    return b * same


def all_close(a=np.array([1.0, 2.0])):
    return 2.0 * float(np.allclose(a, 1.0))  # cause


def rounded_by_its_rest(b=2.0, x=2.7):
    return b * (x - x % 1.0)  # cause


def counted_in_bins(x=np.array([0.1, 0.4, 0.9]), w=2.0):
    counts, _ = np.histogram(x, bins=3, range=(0.0, 1.0))  # cause
    return np.sum(counts) * w


def number_of_different(x=np.array([0.1, 0.4, 0.4]), w=2.0):
    return np.unique(x).size * w  # cause


def number_of_selected(x=np.array([0.1, 0.4, 0.4]), w=2.0):
    return len(x[x > 0.2]) * w  # cause


def part_of_an_array_overwritten(x=np.array([1.0, 2.0, 3.0]), y=np.array([2.0, 3.0])):
    buffer = np.zeros(2)
    buffer[:] = x[:2]
    buffer[:] = y  # cause
    return np.sum(buffer**2) * x[2]


def one_place_for_all(x=np.array([1.0, 2.0, 3.0]), y=2.0):
    out = np.zeros(3)
    for i in range(3):
        out[0] = x[i] * y  # cause
    return out.sum()


def written_twice(x=np.array([1.0, 2.0, 3.0]), at=np.array([0, 0, 1])):
    out = np.zeros(2)
    out[at] += x  # cause
    return np.sum(out**2)


def total_begun_anew(xs=(1.0, 2.0, 3.0)):
    for x in xs:
        total = 0.0  # cause
        total += x * x
    return total


def list_begun_anew(xs=(1.0, 2.0, 3.0)):
    for x in xs:
        doubled = [x * 2.0]  # cause
    return sum(doubled)


def one_key_for_all(p={"a": 1.0, "b": 2.0}, x=3.0):
    out = {}
    for value in p.values():
        out["y"] = value * x  # cause
    return out["y"]


def sign_by_hand(x=0.3, w=2.0):
    sign = 1 if x > 0 else -1  # cause
    return sign * w


def total_overwritten(xs=(1.0, 2.0, 3.0), w=2.0):
    total = 0.0
    for x in xs:
        total = x * w  # cause
    return total


def _squared_error(w, x, y):
    return (w * x - y) ** 2


def loss_overwritten(rows=((1.0, 2.0), (2.0, 3.0), (3.0, 4.0)), w=2.0):
    for x, y in rows:
        loss = _squared_error(w, x, y)  # cause
    return loss


def rows_moved_to_one_place(A=np.array([[4.0, 1.0], [1.0, 3.0]])):
    A = A * 1.0
    A[[0, 0, 1]] = A[[0, 1, 0]]  # cause
    return np.sum(A * A)


def bisection(c=2.0, lo=0.0, hi=2.0):
    def f(x):
        return x * x - c

    for _ in range(20):
        mid = (lo + hi) / 2
        lo, hi = (lo, mid) if f(mid) > 0 else (mid, hi)  # cause
    return c * mid


def bisection_against_an_input(x=2.0):
    lo, hi = 0.0, x
    while hi - lo > 1e-6:
        mid = 0.5 * (lo + hi)
        if mid * mid > x:  # cause
            hi = mid
        else:
            lo = mid
    return lo * x
