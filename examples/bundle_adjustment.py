"""Bundle adjustment: cameras and points from where the points are seen in pictures.

Each observation depends on one camera and one point only.  So the Jacobian of one observation's residuals is taken in
an `@njit` loop that fills the sparse Jacobian of all of them, and SciPy's `least_squares` does the rest.

Run it: python examples/bundle_adjustment.py
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.optimize import OptimizeResult, least_squares
from scipy.sparse import csr_array

import zyg

CAMERAS, POINTS = 6, 40


def project(camera: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Where a camera (rotation vector, translation, focal length) sees a point."""
    turn, shift = camera[:3], camera[3:6]
    angle = np.sqrt(np.sum(turn * turn) + 1e-30)
    axis = turn / angle
    along = axis[0] * point[0] + axis[1] * point[1] + axis[2] * point[2]
    x = np.empty(3)
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        across = axis[j] * point[k] - axis[k] * point[j]
        x[i] = point[i] * np.cos(angle) + across * np.sin(angle) + axis[i] * along * (1.0 - np.cos(angle)) + shift[i]
    return camera[6] * x[:2] / x[2]


def residual(camera: np.ndarray, point: np.ndarray, seen: np.ndarray) -> np.ndarray:
    return project(camera, point) - seen


slopes = zyg.jacrev(residual, argnums=(0, 1))  # two rows, seven and three columns
seen_from = njit(project)


@njit
def pictures(cameras: np.ndarray, points: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Where the points are seen, an observation in each row."""
    found = np.empty((len(which), 2))
    for n in range(len(which)):
        place = seen_from(cameras[which[n, 0]], points[which[n, 1]])
        found[n, 0], found[n, 1] = place[0], place[1]
    return found


@njit
def all_slopes(cameras: np.ndarray, points: np.ndarray, which: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """For each residual, its slopes by its camera (7) and by its point (3)."""
    found = np.empty((len(which), 2, 10))
    for n in range(len(which)):
        by_camera, by_point = slopes(cameras[which[n, 0]], points[which[n, 1]], seen[n])
        for row in range(2):
            for k in range(7):
                found[n, row, k] = by_camera[row, k]
            for k in range(3):
                found[n, row, 7 + k] = by_point[row, k]
    return found


class Problem:
    """What is seen: observation n is of point `which[n, 1]` by camera `which[n, 0]`, at `seen[n]`."""

    def __init__(self, which: np.ndarray, seen: np.ndarray) -> None:
        self.which, self.seen = which, seen
        camera = 7 * which[:, :1] + np.arange(7)
        point = 7 * CAMERAS + 3 * which[:, 1:] + np.arange(3)
        columns = np.repeat(np.concatenate((camera, point), axis=1), 2, axis=0)
        self.columns, self.starts = columns.ravel(), np.arange(0, columns.size + 1, 10)

    def apart(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The cameras and points that the unknowns hold."""
        return x[: 7 * CAMERAS].reshape(CAMERAS, 7), x[7 * CAMERAS :].reshape(POINTS, 3)

    def residuals(self, x: np.ndarray) -> np.ndarray:
        return (pictures(*self.apart(x), self.which) - self.seen).ravel()

    def jacobian(self, x: np.ndarray) -> csr_array:
        numbers = all_slopes(*self.apart(x), self.which, self.seen).ravel()
        return csr_array((numbers, self.columns, self.starts), (2 * len(self.which), x.size))


def main() -> tuple[OptimizeResult, float]:
    """The fit from a disturbed start, and the noise of the pictures."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(POINTS, 3))
    cameras = np.concatenate((rng.normal(0.0, 0.3, (CAMERAS, 6)), np.full((CAMERAS, 1), 500.0)), axis=1)
    cameras[:, 5] += 8.0
    which = np.array([(c, p) for c in range(CAMERAS) for p in range(POINTS)])
    noise = 0.5
    seen = pictures(cameras, points, which) + rng.normal(0.0, noise, (len(which), 2))
    problem = Problem(which, seen)
    start = np.concatenate((cameras.ravel(), (points + rng.normal(0.0, 0.1, points.shape)).ravel()))
    start[: 7 * CAMERAS] *= 1.0 + rng.normal(0.0, 0.01, 7 * CAMERAS)
    return least_squares(problem.residuals, start, jac=problem.jacobian, x_scale="jac", method="trf"), noise


if __name__ == "__main__":
    fit, noise = main()
    print(f"{fit.fun.size} residuals of {fit.x.size} unknowns; {fit.nfev} evaluations")
    print(f"root mean square of the residuals: {np.sqrt(np.mean(fit.fun**2)):.3f} pixels (noise: {noise})")
