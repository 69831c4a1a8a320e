"""The loss by which a speech recogniser learns (CTC): the probability of a word over all its alignments, in logs."""

import numpy as np

BLANK = 0
NEVER = -1e30


def log_softmax(x):
    shifted = x - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def ctc_loss(logits, labels):
    log_p = log_softmax(logits)
    extended = [BLANK]
    for label in labels:
        extended += [label, BLANK]
    T, S = len(log_p), len(extended)
    alpha = np.ones((T, S)) * NEVER
    alpha[0, 0] = log_p[0, extended[0]]
    alpha[0, 1] = log_p[0, extended[1]]
    for t in range(1, T):
        for s in range(S):
            a = alpha[t - 1, s]
            if s > 0:
                a = np.logaddexp(a, alpha[t - 1, s - 1])
            if s > 1 and extended[s] != BLANK and extended[s] != extended[s - 2]:
                a = np.logaddexp(a, alpha[t - 1, s - 2])
            alpha[t, s] = a + log_p[t, extended[s]]
    best = [int(k) for k, before in zip(log_p.argmax(1), [None, *log_p.argmax(1)]) if k != before]
    return -np.logaddexp(alpha[-1, -1], alpha[-1, -2]), [k for k in best if k != BLANK]


LOGITS = np.random.RandomState(5).randn(6, 4)
