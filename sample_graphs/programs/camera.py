"""A pinhole camera out of dataclasses, with lens distortion: how far projected points miss where they were seen."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Lens:
    focal: float
    k1: float = 0.0
    k2: float = 0.0

    def distort(self, xy):
        r2 = (xy**2).sum(axis=-1, keepdims=True)
        return self.focal * xy * (1 + self.k1 * r2 + self.k2 * r2**2)


@dataclass
class Camera:
    lens: Lens
    position: np.ndarray
    rotation: np.ndarray  # axis times angle

    @property
    def matrix(self):
        theta = np.linalg.norm(self.rotation)
        if theta < 1e-12:
            return np.eye(3)
        x, y, z = self.rotation / theta
        K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        return np.eye(3) + np.sin(theta) * K + (1 - np.cos(theta)) * (K @ K)

    def project(self, points):
        local = (points - self.position) @ self.matrix.T
        return self.lens.distort(local[:, :2] / local[:, 2:])


def reprojection_error(camera, points, seen, huber=0.05):
    without_k2 = replace(camera, lens=replace(camera.lens, k2=0.0))
    errors = []
    for cam in (camera, without_k2):
        d = np.linalg.norm(cam.project(points) - seen, axis=1)
        errors.append(np.where(d < huber, 0.5 * d**2, huber * (d - 0.5 * huber)).sum())
    return errors


CAMERA = Camera(Lens(1.2, k1=-0.1, k2=0.02), np.array([0.1, -0.2, -4.0]), np.array([0.05, -0.1, 0.2]))
POINTS = np.array([[0.0, 0.0, 0.0], [1.0, 0.5, 0.3], [-0.8, 0.7, 1.0], [0.3, -0.9, -0.5]])
SEEN = np.array([[0.0, 0.1], [0.2, 0.2], [-0.15, 0.2], [0.1, -0.25]])
