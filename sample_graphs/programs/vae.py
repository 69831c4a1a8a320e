"""One training step's loss of a variational autoencoder: reconstruction plus KL divergence, with sampled noise."""

import numpy as np


def relu(x):
    return x * (x > 0)


def softplus(x):
    return np.logaddexp(0, x)


class VAE:
    def __init__(self, weights):
        for name, value in weights.items():
            setattr(self, name, value)

    def encode(self, x):
        h = relu(x @ self.W_enc + self.b_enc)
        return np.split(h @ self.W_latent, 2, axis=1)

    def decode(self, z):
        return np.tanh(z @ self.W_dec) @ self.W_out

    def loss(self, x):
        np.random.seed(0)
        mu, log_var = self.encode(x)
        noise = np.random.randn(*mu.shape)
        z = mu + np.exp(0.5 * log_var) * noise
        logits = self.decode(z)
        reconstruction = np.sum(softplus(logits) - x * logits, axis=1)
        kl = -0.5 * np.sum(1 + log_var - mu**2 - np.exp(log_var), axis=1)
        return np.mean(reconstruction + kl), {"kl": kl.mean(), "reconstruction": reconstruction.mean()}


def step_loss(weights, x):
    return VAE(weights).loss(x)


rng = np.random.default_rng(21)
WEIGHTS = {
    "W_enc": rng.normal(0, 0.4, (6, 5)),
    "b_enc": np.full(5, 0.1),
    "W_latent": rng.normal(0, 0.4, (5, 4)),
    "W_dec": rng.normal(0, 0.4, (2, 5)),
    "W_out": rng.normal(0, 0.4, (5, 6)),
}
X = (rng.random((3, 6)) > 0.5).astype(np.float64)
