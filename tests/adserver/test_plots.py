import numpy as np

from adserver.plots import reliability_png
from models.ctr.evaluation import report

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_reliability_plot_is_a_png() -> None:
    rng = np.random.default_rng(0)
    probability = rng.beta(1, 20, 2_000)
    clicked = (rng.random(2_000) < probability).astype(np.float64)
    assert reliability_png(report(clicked, probability), "a model").startswith(PNG)


def test_a_plot_of_rows_without_clicks_is_a_png_too() -> None:
    assert reliability_png(report(np.zeros(5), np.zeros(5)), "nothing").startswith(PNG)
