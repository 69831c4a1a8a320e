"""How alike two series are: soft dynamic time warping and a soft edit distance, over nested lists."""

from math import exp, inf, log


def soft_min(*values, gamma):
    reachable = [v for v in values if v < inf]
    if not reachable:
        return inf
    low = min(reachable)
    return low - gamma * log(sum(exp(-(v - low) / gamma) for v in reachable))


def soft_dtw(a, b, gamma=0.5):
    n, m = len(a), len(b)
    R = [[inf] * (m + 1) for _ in range(n + 1)]
    R[0][0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost = (a[i - 1] - b[j - 1]) ** 2
            R[i][j] = cost + soft_min(R[i - 1][j], R[i][j - 1], R[i - 1][j - 1], gamma=gamma)
    return R[n][m]


def edit_distance(s, t, insert=1.0, delete=1.2, swap=0.8):
    row = [j * insert for j in range(len(t) + 1)]
    for i, c in enumerate(s, start=1):
        diagonal, row[0] = row[0], i * delete
        for j, d in enumerate(t, start=1):
            diagonal, row[j] = (
                row[j],
                min(row[j] + delete, row[j - 1] + insert, diagonal + (0 if c == d else swap)),
            )
    return row[-1]


def compare(a, b, gamma=0.5, swap=0.8):
    words = "gradient", "ingredients"
    return soft_dtw(a, b, gamma), edit_distance(*words, swap=swap)
