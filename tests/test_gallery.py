"""The pictures in docs: there is one of each sample and of each kind of plot, and they say what the traces say."""

import gallery_page
import numpy as np
import pytest

from viz import plots
from viz.samples import samples

NAMES = [sample.name for sample in samples()]


def test_the_pages_are_those_that_the_script_writes():
    for page, text in (
        (gallery_page.GALLERY, gallery_page.gallery_text()),
        (gallery_page.PLOTS, gallery_page.plots_text()),
    ):
        assert page.read_text("utf-8") == text, "run: python tests/gallery_page.py"


def test_there_is_a_picture_of_each_and_of_nothing_else():
    kept = {path.stem for path in (gallery_page.DOCS / "gallery").iterdir()}
    assert kept == set(NAMES)
    assert {path.stem for path in (gallery_page.DOCS / "plots").iterdir()} == set(plots.KINDS)
    assert set(gallery_page.PLOTTED) == set(plots.KINDS)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_what_its_sample_looks_like(name):
    path = gallery_page.picture_path(name)
    if gallery_page.engine() == "another" or gallery_page.engine_of(path) != gallery_page.engine():
        pytest.skip(f"laid out by {gallery_page.engine_of(path)}, which is not here")
    png, _ = gallery_page.rendered(name)
    kept, now = gallery_page.small_copy(path.read_bytes()), gallery_page.small_copy(png)
    assert kept.shape == now.shape, "run: python tests/gallery_page.py"
    assert np.abs(kept - now).mean() < 0.5, "run: python tests/gallery_page.py"
    assert kept.mean() < 253  # there is ink on it


def test_the_gallery_is_small():
    assert sum(path.stat().st_size for path in (gallery_page.DOCS / "gallery").iterdir()) < 3_000_000


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_says_what_its_sample_says(name):
    missing = gallery_page.texts_of_sample(name) - gallery_page.texts_in_picture(
        gallery_page.picture_path(name)
    )
    assert not missing, "run: python tests/gallery_page.py"


@pytest.mark.parametrize("kind", plots.KINDS)
def test_a_plot_says_what_its_trace_says(kind):
    missing = set(gallery_page.texts_of_plot(kind)) - gallery_page.texts_in_plot(
        gallery_page.plot_path(kind)
    )
    assert not missing, "run: python tests/gallery_page.py"
    assert len(gallery_page.texts_of_plot(kind)) > 4


def test_a_number_that_changes_would_be_seen():
    assert "7.5 × 6 = 45" in gallery_page.texts_of_sample("residual")
    assert "Σ 45 + 15 = 60" in gallery_page.texts_in_picture(gallery_page.picture_path("residual"))
    assert "1e-10" not in gallery_page.texts_in_plot(
        gallery_page.plot_path("time")
    )  # noise, on any machine
