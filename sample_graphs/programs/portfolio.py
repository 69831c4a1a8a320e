"""The Sharpe ratio of a portfolio from daily prices, and its worst drawdown."""

import numpy as np


def sharpe(weights, prices, risk_free=0.01, days=252):
    returns = prices[1:] / prices[:-1] - 1
    mu = returns.mean(axis=0) * days
    cov = np.cov(returns, rowvar=False) * days
    w = np.abs(weights) / np.abs(weights).sum()
    ret = w @ mu
    vol = np.sqrt(w.T @ cov @ w)
    return (ret - risk_free) / vol


def drawdown(weights, prices):
    value = prices @ weights
    peak = np.maximum.accumulate(value)
    return ((peak - value) / peak).max()


def report(weights, prices):
    return {"sharpe": sharpe(weights, prices), "drawdown": drawdown(weights, prices)}


rng = np.random.default_rng(2)
PRICES = 100 * np.exp(np.cumsum(rng.normal(0.001, 0.01, (10, 3)), axis=0))
WEIGHTS = np.array([0.5, 0.3, 0.2])
