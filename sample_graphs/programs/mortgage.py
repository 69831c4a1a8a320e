"""A mortgage month by month: the payment, what interest it costs, and how fast it is gone with extra payments."""


class Overpaid(Exception):
    pass


def payment(principal, annual_rate, months):
    rate = annual_rate / 12
    try:
        return principal * rate / (1 - (1 + rate) ** -months)
    except ZeroDivisionError:
        return principal / months


def schedule(principal, annual_rate, months, extra=0.0):
    rate, due = annual_rate / 12, payment(principal, annual_rate, months)
    balance = principal
    for month in range(1, months + 1):
        interest = balance * rate
        balance -= due + extra - interest
        if balance < -0.01:
            raise Overpaid(month, interest, balance)
        yield {"month": month, "interest": interest, "balance": balance}


def compare(principal=200_000.0, annual_rate=0.04, months=60, extra=300.0):
    usual = sum(row["interest"] for row in schedule(principal, annual_rate, months))
    paid, last = 0.0, None
    try:
        for row in schedule(principal, annual_rate, months, extra):
            paid += row["interest"]
            last = row["month"]
    except Overpaid as end:
        last, interest, refund = end.args
        paid += interest
        print(f"{-refund:.2f} too much in month {last}")
    saved = usual - paid
    label = f"saves {saved:,.2f} in {last} months" if saved >= 0 else "saves nothing"
    return saved, label
