"""Plot of words found in a labelled stream, over false alarms per hour."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from spokenwords.report.plots.style import BLUE, GREY, INK, heading, style


@style()
def stream(table: pd.DataFrame) -> Figure:
    """Words found over false alarms per hour, in a labelled stream.

    `table` is that of `stream_scores.score`; its first row is marked.
    """
    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    axes = figure.subplots()
    first, table = table.iloc[0], table.sort_values("threshold")
    axes.plot(table["per_hour"], table["recall"], color=BLUE)
    axes.fill_between(
        table["per_hour"], table["recall_low"], table["recall_high"], color=BLUE, alpha=0.15, lw=0
    )
    axes.plot(first["per_hour"], first["recall"], "o", color=INK, markersize=6, clip_on=False)
    axes.set_xlabel("false alarms per hour")
    # One false alarm in the whole stream is the smallest rate that it can show.
    axes.set_xscale("symlog", linthresh=1 / first["hours"])
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.4g}"))
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1)
    axes.set_ylabel("share of words found")
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    heading(
        axes,
        f"{first['words']:,.0f} words in a stream of {60 * first['hours']:.3g} min",
        f"Marked: threshold {first['threshold']:.3f}. Band: 95 % interval.",
        GREY,
        distance=10,
    )
    return figure
