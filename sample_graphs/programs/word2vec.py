"""Skip-gram word vectors with negative sampling: a few updates in place, and the similarity of two words after."""

import numpy as np

CORPUS = "the cat sat on the mat the dog sat on the log".split()
WORDS = sorted(set(CORPUS))
IDS = np.array([WORDS.index(word) for word in CORPUS])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def train(vectors, contexts, lr=0.2, window=1, negatives=2):
    rng = np.random.default_rng(9)
    loss = 0.0
    for at, center in enumerate(IDS):
        for around in range(max(0, at - window), min(len(IDS), at + window + 1)):
            if around == at:
                continue
            targets = np.append(IDS[around], rng.integers(len(WORDS), size=negatives))
            labels = np.array([1.0] + [0.0] * negatives)
            scores = sigmoid(contexts[targets] @ vectors[center])
            loss -= np.log(np.where(labels == 1, scores, 1 - scores)).sum()
            error = scores - labels
            step = error @ contexts[targets]
            np.add.at(contexts, targets, -lr * error[:, None] * vectors[center])
            vectors[center] -= lr * step
    return loss


def similarity(vectors, contexts, lr=0.2, pair=("cat", "dog")):
    loss = train(vectors, contexts, lr)
    a, b = (vectors[WORDS.index(word)] for word in pair)
    return loss, a @ b / np.sqrt((a @ a) * (b @ b))


rng = np.random.default_rng(6)
VECTORS = rng.normal(0, 0.5, (len(WORDS), 4))
CONTEXTS = rng.normal(0, 0.5, (len(WORDS), 4))
