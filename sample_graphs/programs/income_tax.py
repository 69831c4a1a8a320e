"""Income tax from a table of brackets, and a household's net income from a table of benefits."""

import numpy as np

BRACKETS = np.array([0.0, 10_000.0, 40_000.0, 90_000.0])
RATES = np.array([0.0, 0.15, 0.30, 0.42])
BENEFIT_AT = [0, 12_000, 30_000]
BENEFIT = [4_000, 3_000, 0]


def tax(income, brackets=BRACKETS, rates=RATES):
    k = np.searchsorted(brackets, income, side="right") - 1
    below = np.diff(brackets) * rates[:-1]
    return below[:k].sum() + rates[k] * (income - brackets[k])


def net_income(salary, rent=0.0, children=0, brackets=BRACKETS, rates=RATES):
    taxable = max(salary + rent - 1_200 * children, 0)
    benefit = np.interp(taxable, BENEFIT_AT, BENEFIT)
    net = salary + rent - tax(taxable, brackets, rates) + benefit
    print(f"salary {salary:>10,.2f}: net {net:>10,.2f} ({net / salary:.1%})")
    return net
