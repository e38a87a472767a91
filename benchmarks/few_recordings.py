"""Plot accuracy by recordings per word: python few_recordings.py --results DIR.

The results are those of `snakemake compare` with few_recordings.yaml. Writes few_recordings.svg
next to this file, and prints its points.
"""

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, PercentFormatter

from spokenwords.evaluation import comparison
from spokenwords.recordings import manifest
from spokenwords.report.plots import style
from spokenwords.report.plots.style import BLUE, GREY, INK, heading, plain_numbers


def points(results: Path) -> pd.DataFrame:
    """A row a trained model: recordings a word, and its accuracy on speakers never heard."""
    runs = comparison.read(results / "comparison" / "runs.csv")
    sizes = {}
    for split in runs["split"].unique():
        table = manifest.read(results / "splits" / split / "train.csv")
        sizes[split] = len(table) / table["word"].nunique()
    return runs.assign(recordings_a_word=runs["split"].map(sizes)).sort_values("recordings_a_word")


@style.style()
def draw(table: pd.DataFrame) -> Figure:
    """Each model a dot, and a line through the means."""
    figure, axes = style.one_panel("How many recordings does a word take?", (7, 4.6))
    sizes = table["split"].str.rpartition("-")[0]
    means = table.groupby(sizes)[["recordings_a_word", "accuracy"]].mean()
    means = means.sort_values("recordings_a_word")
    axes.plot(means["recordings_a_word"], means["accuracy"], color=BLUE)
    axes.plot(table["recordings_a_word"], table["accuracy"], "o", color=BLUE, alpha=0.5, mew=0)
    for row in means.itertuples():
        axes.annotate(
            f"{100 * row.accuracy:.1f} %",
            (row.recordings_a_word, row.accuracy),
            (8, -12),
            textcoords="offset points",
            color=INK,
        )
    axes.set_xscale("log")
    axes.set_xticks(means["recordings_a_word"].round())
    axes.xaxis.set_major_formatter(plain_numbers)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.set(
        xlabel="recordings of each word that are trained on",
        ylabel="accuracy on speakers never heard",
        xlim=(means["recordings_a_word"].min() * 0.85, means["recordings_a_word"].max() * 1.35),
    )
    words = "eleven words of Speech Commands; dots: single trainings, line: their mean"
    heading(axes, "How many recordings does a word take?", words, GREY)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    table = points(parser.parse_args().results)
    print(table[["run", "seed", "recordings_a_word", "recordings", "accuracy"]].to_string())
    style.save(draw(table), Path(__file__).with_suffix(".svg"))


if __name__ == "__main__":
    main()
