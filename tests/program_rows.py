"""How each program of sample_graphs/programs is called: its arguments, and what to expect of the comparison."""

from __future__ import annotations

import copy
import importlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Row:
    """One call of one program."""

    function: str
    """`file.function`."""
    arguments: tuple[Any, ...] = ()
    """A string that starts with @ is a name in the file."""
    named: dict[str, Any] = field(default_factory=dict)
    watch: tuple[str, ...] = ()
    tolerance: float = 1e-6
    """Of the largest derivative of the output."""
    step: float = 1e-4
    """Of the difference quotients, in units of the argument's size."""
    fixed: tuple[str, ...] = ()
    """Arguments that are not moved: tolerances, which say when to stop."""
    cuts: int = 0
    """How many values are known to leave the graph."""

    @property
    def module(self) -> Any:
        return importlib.import_module(f"sample_graphs.programs.{self.function.partition('.')[0]}")

    @property
    def called(self) -> Any:
        return getattr(self.module, self.function.partition(".")[2])

    @property
    def arguments_given(self) -> list[Any]:
        """The arguments, with what stands in the file for their names."""
        return [self._read(item) for item in self.arguments]

    @property
    def named_given(self) -> dict[str, Any]:
        """The named arguments, likewise."""
        return {name: self._read(item) for name, item in self.named.items()}

    def _read(self, item: Any) -> Any:
        is_name = isinstance(item, str) and item.startswith("@")
        return copy.deepcopy(getattr(self.module, item[1:])) if is_name else item


WEIGHTS = ("Wxh", "Whh", "Why", "bh", "by")

ROWS = [
    Row("adam.adam", ("@X", "@Y")),
    Row("autodiff_dual.root", (-0.7, 0.8, 0.6)),
    Row(
        "batch_norm.train_and_test",
        ("@TRAIN", "@TEST", np.array([0.9, 1.1, 1.3]), np.array([0.1, 0.0, -0.1])),
    ),
    Row("bezier.describe", ("@POINTS",)),
    Row("binomial_option.american_put", (40.0, 41.3, 0.05, 0.3, 0.7)),
    Row("camera.reprojection_error", ("@CAMERA", "@POINTS", "@SEEN")),
    Row("char_rnn.chunk", (0, 8), watch=WEIGHTS),
    Row("char_rnn.lossFun", ([0, 1, 2, 2], [1, 2, 2, 3], np.full((8, 1), 0.1)), watch=WEIGHTS),
    Row("circuit.solve", fixed=("tol",)),
    Row("cloth.hang"),
    Row("convnet.loss", ("@IMAGES", "@LABELS", "@W1", "@B1", "@W2", "@B2")),
    Row("ctc.ctc_loss", ("@LOGITS", [1, 2, 2])),
    Row("cubic_spline.sample", ([0.0, 1.0, 1.8, 2.2, 3.5], [1.0, 0.2, -0.5, 0.4, 1.3])),
    Row("elo.season"),
    Row("fft_filter.lost_power", ("@SIGNAL",)),
    Row("gaussian_process.log_marginal_likelihood"),
    Row("gaussian_process.posterior", (np.array([-0.7, 0.9]),)),
    Row("gradebook.curve", ("@SCORES", "@WEIGHTS")),
    Row("gram_schmidt.volume", ("@VECTORS", "@DIRECTION")),
    Row("gru.run", ("@WEIGHTS", "@SEQUENCE")),
    Row("heat_equation.mean_temperature", ("@PLATE",)),
    Row("hmm_forward.log_likelihood", ("@START", "@TRANSITION", "@EMISSION", "@SYMBOLS")),
    Row("image_filter.contrast", ("@IMAGE",)),
    Row(
        "interpreter.calculate",
        ("3*x^2 - sin(x*y)/(1 + exp(-y)) + max(x, y)*log(x)",),
        {"x": 1.7, "y": 0.6},
    ),
    Row("julia.brightness"),
    Row("kalman.track", ("@SEEN",), {"verbose": True}),
    Row("kepler.position", (200.0,)),
    Row("lander.land", (8.0, -2.0)),
    Row("lotka_volterra.simulate", named={"steps": 9}),
    Row("lstm.mean_squared_error", ("@PARAMETERS", "@WAVE")),
    Row("lu_solver.solve", ("@A", "@B")),
    Row("metropolis.chain"),
    Row("momentum.descend"),
    Row("monte_carlo.asian_call"),
    Row("mortgage.compare"),
    Row("neural_net.hinge_loss", ("@PARAMETERS", "@XS", "@YS")),
    Row("pagerank.pagerank", fixed=("tol",)),
    Row("particle_filter.log_evidence", ("@OBSERVED",)),
    Row("path_tracer.row", ("@SCENE", "@LIGHT")),
    Row("pca.explained", ("@DATA",)),
    Row("pendulum.tip", (120.0, -10.0), {"n": 8}),
    Row("projectile.flight", (20.0, 35.0)),
    Row("quantum.measure", ("@ANGLES",)),
    Row("q_learning.learn"),
    Row("ray_marcher.render"),
    Row("robot_arm.miss", ([0.3, -0.7, 1.1], np.array([0.4, 0.2, 0.5]))),
    Row("roots.stability", ("@FILTER",)),
    Row("scalar_engine.train", (0.4, -0.2, [0.5, -1.0, 1.5], [0.3, -0.6, 0.7])),
    Row("sir_epidemic.outbreak"),
    Row("soft_dtw.compare", ([0.1, 0.5, 1.2, 0.3], [0.0, 0.7, 1.0, 0.9, 0.2])),
    Row("soft_kmeans.soft_kmeans", ("@POINTS", "@CENTERS")),
    Row("soft_tree.brier", ("@TREE", "@PEOPLE", "@OUTCOMES")),
    Row("stable_fluids.simulate", ("@SMOKE", "@U", "@V"), step=1e-6),
    Row("thermostat.night"),
    Row("transformer.next_token_loss", ("@PARAMETERS", "@TOKENS")),
    Row("truss.sag", ("@NODES", "@AREAS")),
    Row("vae.step_loss", ("@WEIGHTS", "@X")),
    Row("weather_station.report", ("@READINGS",)),
    Row("word2vec.similarity", ("@VECTORS", "@CONTEXTS")),
    Row("income_tax.net_income", (52_000.0, 3_000.0, 2)),
    Row("nbody.simulate", ("@POS", "@VEL", "@MASS")),
    Row("portfolio.report", ("@WEIGHTS", "@PRICES")),
    Row("quantile_loss.fit_quality", ("@SLOPES", "@INTERCEPTS", "@XS", "@YS")),
    Row("vectorized.reactor_yield", ("@GRID",)),
]
