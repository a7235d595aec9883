"""The report as one picture: click rate, revenue and calibration, before, after and at best.

Never here: figures. The surprising fact: matplotlib is imported when the picture is drawn, because
importing it takes longer than everything else the command needs.
"""

from pathlib import Path

from adserver.demo.report import CALIBRATED, Report

COLOURS = ("#b8c4d6", "#3a6ea5", "#e0b050")


def draw(report: Report, path: Path) -> None:
    """Writes a PNG."""
    import matplotlib as mpl  # noqa: PLC0415 - see above

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the backend is chosen

    figure, (rates, money, honesty) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    formats = list(report.after.by_format)
    phases = (report.before, report.after, report.best)
    for place, (phase, colour) in enumerate(zip(phases, COLOURS, strict=True)):
        heights = [
            phase.by_format[name].ctr * 100 if name in phase.by_format else 0 for name in formats
        ]
        at = [index + (place - 1) * 0.27 for index in range(len(formats))]
        rates.bar(at, heights, 0.25, color=colour, label=phase.name)
        money.bar(phase.name, phase.revenue_per_thousand, color=colour)
    rates.set_xticks(range(len(formats)), formats, rotation=20)
    rates.set_title("CTR by format, %")
    rates.legend()
    money.set_title("revenue per 1,000 requests")
    for phase, colour in zip(phases[:2], COLOURS, strict=False):
        points = [(shown.predicted, shown.clicks) for shown in phase.by_format.values()]
        honesty.scatter(*zip(*points, strict=True), color=colour, label=phase.name)
    top = max(shown.predicted for phase in phases[:2] for shown in phase.by_format.values()) * 1.1
    honesty.plot((0, top), (0, top), color="grey", linewidth=1)
    honesty.fill_between(
        (0, top), (0, top / CALIBRATED[1]), (0, top / CALIBRATED[0]), color="grey", alpha=0.15
    )
    honesty.set_title("clicks predicted and observed, by format")
    honesty.set_xlabel("predicted")
    honesty.set_ylabel("observed")
    honesty.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)
