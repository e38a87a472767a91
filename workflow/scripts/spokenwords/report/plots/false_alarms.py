"""Plot of false alarms: what no longer being fooled costs in words."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from spokenwords.model import thresholds
from spokenwords.report.plots.style import BLUE, GREY, INK, ORANGE, VERMILION, heading, style

SPEECH = {
    "strangers": ("words never trained on", VERMILION, "-"),
    "unknown": ("words trained as unknown", BLUE, "--"),
}


@style()
def false_alarms(table: pd.DataFrame) -> Figure:
    """Words and noise taken for words, over the share of words recognised.

    `table` is that of `false_alarms.table`. Bands are 95 % intervals; the threshold that `predict`
    takes unless told otherwise is marked.
    """
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    speech, noise = figure.subplots(1, 2)
    for name, (label, colour, line) in SPEECH.items():
        tested = table[f"{name}_tested"].iloc[0]
        _curve(speech, table, name, f"{label} ({tested:,.0f} recordings)", colour, line)
    hours = table["noise_tested"].iloc[0]
    _curve(noise, table, "noise", f"noise ({60 * hours:.3g} min)", ORANGE, "-")
    speech.set_ylabel("share taken for one of the words")
    speech.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    noise.set_ylabel("words found in an hour that has none")
    for axes in (speech, noise):
        axes.set_xlabel("share of test recordings of its words that are recognised")
        axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        axes.set_ylim(bottom=0)
        if axes.lines:
            axes.legend(loc="upper left")
        else:
            axes.text(0.5, 0.5, "nothing to test on", transform=axes.transAxes, ha="center")
    usual = table.iloc[(table["share"] - thresholds.KEPT).abs().argmin()]
    heading(
        speech,
        "What is taken for a word and is none, over the share of words recognised",
        f"Marked: the threshold that keeps {100 * thresholds.KEPT:.0f} % of right answers on the "
        f"validation set, a probability of {usual['threshold']:.3f}. Bands: 95 % intervals.",
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
    usual = table.iloc[(table["share"] - thresholds.KEPT).abs().argmin()]
    axes.plot(usual["words"], usual[name], "o", color=INK, markersize=6, clip_on=False, zorder=3)
