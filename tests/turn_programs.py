"""Programs with loops in which each operation tells its turn itself, by the number that it multiplies with: 1000 i + j."""

import contextlib
import math

import numpy as np

STEP = 1_000


def plain(x, w):
    for t in range(25):
        x = math.tanh(x + w * (t * STEP))
    return x


def nested(x, w):
    for i in range(4):
        x = x * 0.5
        for j in range(5):
            x = x + w * (i * STEP + j)
    return x


def nested_with_the_outer_part_below(x, w):
    for i in range(4):
        total = x * 0.25
        for j in range(i):  # none in the first
            total = total + w * (i * STEP + j)
        x = x + total
    return x


def nested_without_an_outer_part(x, w):
    total = 0.0
    for i in range(4):
        for j in range(5):
            total = total + x * w * (i * STEP + j + 0.5)
    return total


def nested_as_often_as_told(x, w, times=(2, 5, 3)):
    total = x
    for i in range(3):
        for j in range(times[i]):
            total = total + x * w * (i * STEP + j + 0.5)
    return total


def nested_and_left_early(x, w):
    total = x
    for i in range(4):
        for j in range(5):
            total = total + x * w * (i * STEP + j + 0.5)
            if j == i:
                break
    return total


def nested_and_gone_on_early(x, w):
    total = x
    for i in range(4):
        if i == 1:
            continue
        for j in range(5):
            total = total + x * w * (i * STEP + j + 0.5)
    return total


def nested_and_swallowed(x, w):
    total = x
    for i in range(4):
        with contextlib.suppress(ValueError):
            for j in range(5):
                total = total + x * w * (i * STEP + j + 0.5)
                if j == i:
                    raise ValueError
    return total


def nested_with_an_end_elsewhere(x, w):
    total = x
    for i in range(4):
        if i != 1:
            for j in range(5):
                total = total + x * w * (i * STEP + j + 0.5)
    return total


def in_some_turns(x, w):
    for t in range(30):
        x = math.tanh(x)
        if t % 3 == 0:
            x = x + w * (t * STEP)
    return x


def before_what_runs_always(x, w):
    for t in range(30):
        if t % 3 == 1:
            x = x + w * (t * STEP)
        x = math.tanh(x)
    return x


def only_in_some_turns(x, w):
    for t in range(30):
        if t % 3 == 0:
            x = x + w * (t * STEP + 0.5)
    return x


def going_on_early(x, w):
    for t in range(30):
        if t % 3 == 0:
            continue
        x = x + w * (t * STEP + 0.5)
    return x


def going_on_early_behind(x, w):
    for t in range(30):
        x = math.tanh(x)
        if t % 3 == 0:
            continue
        x = x + w * (t * STEP)
    return x


def breaking(x, w):
    for i in range(5):
        x = math.tanh(x)
        for j in range(9):
            x = x * 0.5
            if j > i:
                break
            x = x + w * (i * STEP + j)
    return x


def step(x, w, number):
    for k in range(3):
        x = x + w * (number * STEP + k)
    return x


def in_a_helper(x, w):
    for t in range(12):
        x = step(x, w, t)
    return x


def looping_while(x, w):
    t = 0
    while t < 20:
        x = math.tanh(x + w * (t * STEP))
        t += 1
    return x


def while_tested(x, w):
    t = 0
    while x * (t * STEP) < 1e3:
        x = x + w
        t += 1
    return x


def comprehension(x, w):
    return sum([x * (t * STEP) for t in range(20)]) * w


def generator(x, w):
    total = w
    for i in range(3):
        total = total + sum(x * (i * STEP + j) for j in range(6))
    return total


def filtered(x, w):
    return sum(x * (t * STEP + 0.5) for t in range(20) if t % 2) * w


def late(x, w):
    state = 0.0
    for t in range(12):
        state = state * (t * STEP + 0.5)
        if t >= 5:
            state = state + x
    return state * w


def first_plain(x, w):
    speed = 0.0
    for t in range(12):
        speed = 0.9 * speed - w * (t * STEP)
        x = x + speed
    return x


def switched_on(x, w):
    speed = height = 0.0
    for t in range(20):
        force = w if t >= 12 else 0.0
        speed = speed + force * (t * STEP)
        height = height + speed * 0.1
    return height * x


def switched_over(x, w):
    value = total = 0.0
    for t in range(9):
        if t == 4:
            value = w
        total = total + value * (t * STEP)
    return total * x


class Rocket:
    def __init__(self, w):
        self.w, self.speed = w, 0.0

    def burn(self, t):
        if t >= 5:
            self.speed = self.speed + self.w * (t * STEP)

    def steer(self, t):
        if t < 5:
            return 0.0
        return self.w * (t * STEP)


def switched_on_in_a_method(x, w):
    rocket = Rocket(w)
    for t in range(12):
        rocket.burn(t)
    return rocket.speed * x


def returned_early(x, w):
    rocket, total = Rocket(w), 0.0
    for t in range(12):
        total = total + rocket.steer(t)
    return total * x


def walking(words, w):
    total = 0.0
    for t, word in enumerate(words):
        total = total + word * (t * STEP)
        total = total * w
    return total


def tried(x, w):
    for t in range(12):
        try:
            x = math.log(x + w * (t * STEP + 0.5) - 3e3 * (t % 2))
        except ValueError:
            x = x * 0.5
    return x


def arrays(x, w):
    for t in range(6):
        x = np.tanh(x @ w + x.sum() * (t * STEP))
    return x.sum()


def recursive(x, w):
    def down(x, depth):
        for j in range(3):
            x = x + w * (depth * STEP + j + 0.5)
        return down(x, depth + 1) if depth < 3 else x

    return down(x, 0)


COUNTED = [k * STEP for k in range(12)]


def moved(x, v, k):
    return math.tanh(x + v * k)


def scaled(v, k):
    return v * k


def over_numbers_in_a_helper(x, w):
    for k in COUNTED:
        x = moved(x, w, k=k)
    return x


def with_a_weight_from_some_turn_on(x, w):
    weight, total = 2.0, 0.0
    for k in COUNTED:
        if k > 5 * STEP:
            weight = w
        total = total + scaled(weight, k)
    return total + x


PROGRAMS = {  # which of i and j the loops around tell: none of them where nothing tells the turns apart
    plain: (0,),
    nested: (0, 1),
    nested_with_the_outer_part_below: (0, 1),
    nested_without_an_outer_part: (0, 1),
    nested_as_often_as_told: (),
    nested_and_left_early: (),
    nested_and_gone_on_early: (),
    nested_and_swallowed: (),
    nested_with_an_end_elsewhere: (),
    in_some_turns: (0,),
    before_what_runs_always: (0,),
    only_in_some_turns: (),
    going_on_early: (),
    going_on_early_behind: (0,),
    breaking: (0, 1),
    in_a_helper: (0, 1),
    looping_while: (0,),
    while_tested: (0,),
    comprehension: (0,),
    generator: (0, 1),
    filtered: (),
    late: (),
    first_plain: (0,),
    switched_on: (),
    switched_over: (),
    switched_on_in_a_method: (),
    returned_early: (),
    walking: (0,),
    tried: (),
    arrays: (0,),
    recursive: (1,),
    over_numbers_in_a_helper: (0,),
    with_a_weight_from_some_turn_on: (),
}
ARGUMENTS = {
    arrays: (np.ones(3) * 0.01, np.eye(3) * 0.1),
    walking: ([0.1] * 20, 0.3),
}
