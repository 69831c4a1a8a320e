"""PageRank of a little web by power iteration; returns the rank of every page by name."""

import numpy as np

LINKS = {
    "home": ["about", "blog"],
    "about": ["home"],
    "blog": ["home", "about", "post"],
    "post": ["blog"],
    "orphan": [],
}


def pagerank(damping=0.85, bonus=0.2, tol=1e-12, max_iter=200):
    pages = sorted(LINKS)
    index = {page: i for i, page in enumerate(pages)}
    n = len(pages)
    M = np.zeros((n, n))
    for page, targets in LINKS.items():
        j = index[page]
        if not targets:
            M[:, j] = 1 / n
            continue
        for target in targets:
            M[index[target], j] = 1 / len(targets)
    M[index["blog"]] *= 1 + bonus
    M = M / M.sum(axis=0)
    rank = np.full(n, 1 / n)
    for _ in range(max_iter):
        new = damping * M.dot(rank) + (1 - damping) / n
        err = np.abs(new - rank).sum()
        rank = new
        if err < tol:
            break
    else:
        raise RuntimeError(f"no convergence: {err}")
    assert np.allclose(rank.sum(), 1)
    return dict(zip(pages, rank))
