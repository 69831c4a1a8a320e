"""A hanging strip of cloth: points and springs as objects, Verlet integration, returns where the corner ends."""

from dataclasses import dataclass, field


@dataclass
class Point:
    x: float
    y: float
    pinned: bool = False
    old: tuple = field(default=None)

    def __post_init__(self):
        if self.old is None:
            self.old = (self.x, self.y)

    def integrate(self, gravity, damping, dt):
        if self.pinned:
            return
        vx, vy = (self.x - self.old[0]) * damping, (self.y - self.old[1]) * damping
        self.old = (self.x, self.y)
        self.x += vx
        self.y += vy - gravity * dt**2


@dataclass
class Spring:
    a: Point
    b: Point
    rest: float
    stiffness: float

    def relax(self):
        dx, dy = self.b.x - self.a.x, self.b.y - self.a.y
        dist = (dx * dx + dy * dy) ** 0.5
        shift = self.stiffness * (dist - self.rest) / dist / 2
        for point, sign in ((self.a, 1), (self.b, -1)):
            if not point.pinned:
                point.x += sign * shift * dx
                point.y += sign * shift * dy


def hang(rest=1.0, stiffness=0.8, gravity=9.8, damping=0.99, steps=6, rows=2, cols=3):
    grid = [[Point(c * 1.0, -r * 1.0, pinned=r == 0 and c != 1) for c in range(cols)] for r in range(rows)]
    springs = []
    for r in range(rows):
        for c in range(cols):
            if c + 1 < cols:
                springs.append(Spring(grid[r][c], grid[r][c + 1], rest, stiffness))
            if r + 1 < rows:
                springs.append(Spring(grid[r][c], grid[r + 1][c], rest, stiffness))
    for _ in range(steps):
        for row in grid:
            for point in row:
                point.integrate(gravity, damping, dt=0.05)
        for spring in springs:
            spring.relax()
    corner = grid[-1][-1]
    return corner.x, corner.y
