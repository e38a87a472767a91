"""Plot of false alarms over the share of words recognised."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from spokenwords.report.plots.style import BLUE, GREY, INK, ORANGE, VERMILION, heading, style

SPEECH = {
    "strangers": ("out-of-vocabulary words", VERMILION, "-"),
    "unknown": ("words trained as unknown", BLUE, "--"),
}
MARKED = 0.95  # share of correct validation answers that the marked threshold accepts


@style()
def false_alarms(table: pd.DataFrame) -> Figure:
    """False alarms on other words and on noise, over the share of words recognised.

    `table` is that of `false_alarms.table`. Bands are 95 % intervals; one threshold is marked.
    """
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    speech, noise = figure.subplots(1, 2)
    for name, (label, colour, line) in SPEECH.items():
        tested = table[f"{name}_tested"].iloc[0]
        _curve(speech, table, name, f"{label} ({tested:,.0f} recordings)", colour, line)
    hours = table["noise_tested"].iloc[0]
    _curve(noise, table, "noise", f"noise ({60 * hours:.3g} min)", ORANGE, "-")
    speech.set_ylabel("share predicted as one of the words")
    speech.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    noise.set_ylabel("false alarms per hour of noise")
    for axes in (speech, noise):
        axes.set_xlabel("share of the words' test recordings recognised")
        axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        axes.set_ylim(bottom=0)
        if axes.lines:
            axes.legend(loc="upper left")
        else:
            axes.text(0.5, 0.5, "no test recordings", transform=axes.transAxes, ha="center")
    usual = table.iloc[(table["share"] - MARKED).abs().argmin()]
    heading(
        speech,
        "False alarms over the share of words recognised",
        f"Marked: the threshold that accepts {100 * MARKED:.0f} % of the correct "
        f"validation answers, a probability of {usual['threshold']:.3f}. Bands: 95 % intervals.",
        GREY,
        distance=10,
    )
    return figure


def _curve(axes: Axes, table: pd.DataFrame, name: str, label: str, colour: str, line: str) -> None:
    if table[[name, "words"]].isna().any(axis=None):
        return
    axes.plot(table["words"], table[name], line, color=colour, label=label)
    axes.fill_between(
        table["words"], table[f"{name}_low"], table[f"{name}_high"], color=colour, alpha=0.15, lw=0
    )
    usual = table.iloc[(table["share"] - MARKED).abs().argmin()]
    axes.plot(usual["words"], usual[name], "o", color=INK, markersize=6, clip_on=False, zorder=3)
