"""The price of a call option (Black and Scholes, 1973), whose gradients are the greeks.

Look for: the two terms at the splitter of `d1` cancel, which leaves `spot` with N(d1), the delta.
"""

import math

from tracer import trace


def normal_cdf(x):
    """Give the probability that a standard normal variable is below x."""
    return (1 + math.erf(x / math.sqrt(2))) / 2


@trace
def black_scholes(spot=100.0, strike=105.0, rate=0.05, volatility=0.2, years=0.5):
    """Price the right to buy at the strike when the years are over."""
    spread = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    d2 = d1 - spread
    return spot * normal_cdf(d1) - strike * math.exp(-rate * years) * normal_cdf(d2)
