"""A Kalman filter for a moving object seen with noise; returns the log-likelihood of the measurements."""

import numpy as np


class KalmanFilter:
    def __init__(self, F, H, Q, R, x0, P0):
        self.F, self.H, self.Q, self.R = F, H, Q, R
        self.x = x0.copy()
        self.P = P0.copy()
        self.log_likelihood = 0.0

    @property
    def position(self):
        return self.x[0]

    def predict(self):
        self.x = self.F @ self.x
        self.P = self.F @ self.P @ self.F.T + self.Q

    def update(self, z):
        y = z - self.H @ self.x
        S = self.H @ self.P @ self.H.T + self.R
        S_inv = np.linalg.inv(S)
        K = self.P @ self.H.T @ S_inv
        self.x += K @ y
        self.P -= K @ self.H @ self.P
        sign, logdet = np.linalg.slogdet(2 * np.pi * S)
        assert sign > 0
        self.log_likelihood += -0.5 * (logdet + y @ S_inv @ y)


def track(measurements, dt=0.5, process_noise=0.1, sensor_noise=0.7, verbose=False):
    F = np.array([[1, dt], [0, 1]])
    H = np.array([[1.0, 0.0]])
    Q = process_noise * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
    R = np.array([[sensor_noise**2]])
    kf = KalmanFilter(F, H, Q, R, x0=np.zeros(2), P0=np.eye(2) * 10)
    path = []
    for z in measurements:
        kf.predict()
        kf.update(np.array([z]))
        path.append(kf.position)
        if verbose:
            print(f"{z:8.3f} -> {kf.position:8.3f}  P={kf.P[0, 0]:.3g}")
    return kf.log_likelihood, path


SEEN = np.array([0.1, 0.7, 0.9, 1.8, 2.2, 2.4, 3.3])
