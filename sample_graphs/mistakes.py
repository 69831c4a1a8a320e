"""The mistakes of the splitter rule, made on purpose in backward passes written by hand.

Look for: the splitter of `h`, whose sum is 3 + 4 + 5 = 12; `python mistakes.py` says what the others did instead.
"""

from tracer import audit, trace


@trace
def mistakes(x=2.0):
    """Use one value three times."""
    h = x * x
    low = 3 * h
    middle = 4 * h
    high = 5 * h
    return low + middle + high


def by_hand(add, multiply=lambda upstream, local: upstream * local):
    """Go back from 1, by somebody's idea of how to add at a splitter and multiply at a function node."""
    of_high = multiply(1.0, 5.0)  # the last use arrives first
    of_middle = multiply(1.0, 4.0)
    of_low = multiply(1.0, 3.0)
    return {"h": add(of_high, of_middle, of_low)}


ATTEMPTS = {
    "right: every use is added": by_hand(lambda *uses: sum(uses)),
    "the mean instead of the sum": by_hand(lambda *uses: sum(uses) / len(uses)),
    "the product instead of the sum": by_hand(lambda a, b, c: a * b * c),
    "overwritten with = instead of +=": by_hand(lambda *uses: uses[-1]),
    "fired before all had arrived": by_hand(lambda *uses: sum(uses[:-1])),
    "one use forgotten": by_hand(lambda *uses: uses[0] + uses[-1]),
    "added where it multiplies": by_hand(lambda *uses: sum(uses), lambda upstream, local: upstream + local),
    "a minus sign": by_hand(lambda *uses: -sum(uses)),
    "counted twice": by_hand(lambda *uses: 2 * sum(uses)),
}

if __name__ == "__main__":
    mistakes()
    for name, claims in ATTEMPTS.items():
        print(f"{name}\n{audit(mistakes.last_trace, claims)}\n")
