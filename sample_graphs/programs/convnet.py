"""A small convolutional net: im2col, relu, max pooling, a dense layer, cross entropy."""

import numpy as np


def im2col(x, kh, kw, stride=1, pad=0):
    n, c, h, w = x.shape
    out_h = (h + 2 * pad - kh) // stride + 1
    out_w = (w + 2 * pad - kw) // stride + 1
    img = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)], "constant")
    col = np.zeros((n, c, kh, kw, out_h, out_w))
    for i in range(kh):
        i_max = i + stride * out_h
        for j in range(kw):
            j_max = j + stride * out_w
            col[:, :, i, j, :, :] = img[:, :, i:i_max:stride, j:j_max:stride]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(n * out_h * out_w, -1), out_h, out_w


def conv(x, W, b, stride=1, pad=1):
    fn, _, kh, kw = W.shape
    col, oh, ow = im2col(x, kh, kw, stride, pad)
    out = np.dot(col, W.reshape(fn, -1).T) + b
    return out.reshape(x.shape[0], oh, ow, -1).transpose(0, 3, 1, 2)


def max_pool(x, size=2):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // size, size, w // size, size).max(axis=(3, 5))


def softmax_loss(scores, labels):
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_probs[np.arange(len(labels)), labels].mean()


def loss(images, labels, W1, b1, W2, b2, reg=1e-3):
    h = conv(images, W1, b1)
    h[h < 0] = 0
    h = max_pool(h)
    scores = h.reshape(h.shape[0], -1) @ W2 + b2
    data_loss = softmax_loss(scores, labels)
    return data_loss + 0.5 * reg * sum(np.sum(W * W) for W in (W1, W2))


rng = np.random.default_rng(0)
IMAGES, LABELS = rng.normal(size=(2, 1, 6, 6)), np.array([2, 0])
W1, B1 = rng.normal(size=(3, 1, 3, 3)) * 0.5, np.zeros(3) + 0.05
W2, B2 = rng.normal(size=(27, 4)) * 0.2, np.zeros(4)
