"""Pictures for people: the reliability plot of a model, as PNG.

The one surprising fact: both axes are logarithmic. Click probabilities live near zero, where a plot
from 0 to 1 shows one dot.
"""

from io import BytesIO

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from models.ctr.evaluation import Report

SMALLEST = 1e-5


def reliability_png(report: Report, title: str) -> bytes:
    """Observed rate against mean prediction in bins of equally many rows; on the line is right."""
    figure = Figure(figsize=(5, 5), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    bins = [b for b in report.reliability if b[0] > 0]
    predicted = [max(b[0], SMALLEST) for b in bins]
    observed = [max(b[1], SMALLEST) for b in bins]
    ends = [min([*predicted, *observed, 0.01]) / 1.5, 1.0]
    axes.plot(ends, ends, color="0.6", linewidth=1, label="perfectly calibrated")
    axes.plot(predicted, observed, marker="o", label=f"{report.rows:,} rows in tenths")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("mean predicted probability")
    axes.set_ylabel("observed rate")
    axes.set_title(title, fontsize=10)
    axes.legend(loc="upper left", fontsize=8)
    file = BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
