"""A pre-norm transformer block with causal self-attention over a short sequence, and the loss of its next token."""

import numpy as np


def layer_norm(x, g, b, eps=1e-5):
    mu = x.mean(-1, keepdims=True)
    var = np.var(x, axis=-1, keepdims=True)
    return g * (x - mu) / np.sqrt(var + eps) + b


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def attention(x, w_qkv, w_out, n_head):
    n, d = x.shape
    q, k, v = [part.reshape(n, n_head, -1).swapaxes(0, 1) for part in np.split(x @ w_qkv, 3, axis=-1)]
    mask = (1 - np.tri(n)) * -1e10
    weights = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(d // n_head) + mask)
    return (weights @ v).swapaxes(0, 1).reshape(n, d) @ w_out


def block(x, p, n_head):
    x = x + attention(layer_norm(x, **p["ln_1"]), **p["attn"], n_head=n_head)
    h = layer_norm(x, **p["ln_2"]) @ p["mlp"]["w_in"]
    return x + gelu(h) @ p["mlp"]["w_out"]


def next_token_loss(params, tokens, n_head=2):
    inputs, targets = tokens[:-1], tokens[1:]
    x = params["wte"][inputs] + params["wpe"][range(len(inputs))]
    for p in params["blocks"]:
        x = block(x, p, n_head)
    logits = x @ params["wte"].T
    logp = logits - logits.max(axis=-1, keepdims=True)
    logp = logp - np.log(np.exp(logp).sum(axis=-1, keepdims=True))
    return -np.mean(np.take_along_axis(logp, np.array(targets)[:, None], axis=1))


def init(vocab=7, d=8, context=5, layers=1, seed=0):
    rng = np.random.default_rng(seed)
    W = lambda *shape: rng.normal(0, 0.3, shape)
    ln = lambda: {"g": np.ones(d), "b": np.zeros(d)}
    return {
        "wte": W(vocab, d),
        "wpe": W(context, d),
        "blocks": [
            {
                "ln_1": ln(),
                "ln_2": ln(),
                "attn": {"w_qkv": W(d, 3 * d), "w_out": W(d, d)},
                "mlp": {"w_in": W(d, 2 * d), "w_out": W(2 * d, d)},
            }
            for _ in range(layers)
        ],
    }


PARAMETERS, TOKENS = init(), [3, 1, 4, 1, 5, 6]
