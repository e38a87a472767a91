"""Plots of a data set: its recordings, and how a split divides them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spokenwords.recordings import manifest
from spokenwords.recordings.described import described
from spokenwords.recordings.tables import speakers_known
from spokenwords.report.plots.style import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    SKY,
    grouped_numbers,
    heading,
    shortened,
    style,
)

MOST_WORDS = 60  # more rows are illegible
QUIETEST = -100  # dB; digital silence is plotted here
# Colours of the sets, and of the text on them.
SETS = {"train": (BLUE, "white"), "valid": (ORANGE, INK), "test": (GREEN, "white")}


@style()
def recordings(table: pd.DataFrame, oddities: pd.Series) -> Figure:
    """Number of recordings and speakers of each word, levels, and lengths.

    `table` has one row per usable recording: file, word, speaker, rms (full scale is 1), seconds.
    `oddities` has the kind of each odd recording (see `recordings.checks`). With more than 60 words
    the rarest and the most frequent are shown.
    """
    words, note = _words_shown(table["word"])
    figure = Figure(figsize=(12, max(5.0, 1.6 + 0.24 * len(words))), layout="constrained")
    grid = figure.add_gridspec(2, 3, width_ratios=(1.15, 1.15, 1))
    counts = figure.add_subplot(grid[:, 0])
    levels = figure.add_subplot(grid[:, 1], sharey=counts)
    of_word = dict(iter(table.groupby("word")))
    rows = np.arange(len(words))
    sizes = [len(of_word[word]) for word in words]
    known = table[speakers_known(table)]
    speakers = known.groupby("word")["speaker"].nunique().reindex(words, fill_value=0)
    counts.barh(rows, sizes, height=0.72, color=SKY, label="recordings")
    counts.plot(speakers, rows, "D", color=INK, markersize=4, label="speakers")
    counts.set(ylim=(len(words) - 0.4, -0.6), xlabel="number of the word's recordings")
    counts.set_yticks(rows, [shortened(word, 14) for word in words])
    counts.tick_params(axis="y", length=0)
    counts.grid(False, axis="y")
    counts.xaxis.set_major_formatter(grouped_numbers)
    counts.xaxis.set_major_locator(MaxNLocator(4))
    counts.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    _levels(levels, [of_word[word]["rms"] for word in words])
    _histogram(
        figure.add_subplot(grid[0, 2]), table["seconds"], "length of a recording (s)", "recordings"
    )
    of_speaker = known.groupby("speaker").size()
    _histogram(figure.add_subplot(grid[1, 2]), of_speaker, "recordings of one speaker", "speakers")
    odd = ", ".join(f"{count:,} {name}" for name, count in oddities.value_counts().items())
    text = (
        f"{table['word'].nunique():,} words, {described(table)}. Oddities: {odd or 'none'}. {note}"
    )
    heading(counts, "Recordings of the data set", text.strip(), GREY, distance=28)
    return figure


@style()
def split(manifests: dict[str, pd.DataFrame]) -> Figure:
    """How a split divides each word's recordings, and which speakers are also in the training set.

    `manifests` has the training, validation and test set by name (see `manifest.COLUMNS`).
    """
    everything = pd.concat(manifests.values())
    words, note = _words_shown(everything["word"])
    figure = Figure(figsize=(11, max(4.2, 1.5 + 0.24 * len(words))), layout="constrained")
    balance, voices = figure.subplots(1, 2, width_ratios=(1.6, 1))
    rows = np.arange(len(words))
    totals = everything.groupby("word").size().reindex(words).to_numpy()
    left = np.zeros(len(words))
    for name, table in manifests.items():
        colour, ink = SETS[name]
        sizes = table.groupby("word").size().reindex(words, fill_value=0).to_numpy()
        shares = 100 * sizes / totals
        balance.barh(rows, shares, left=left, height=0.78, color=colour, label=name)
        for row, (size, share, start) in enumerate(zip(sizes, shares, left, strict=True)):
            if share > 5:
                place = (start + share / 2, row)
                balance.annotate(f"{size:,}", place, color=ink, size=8, ha="center", va="center")
        left += shares
    balance.set(
        xlim=(0, 100), ylim=(len(words) - 0.4, -0.6), xlabel="share of the word's recordings (%)"
    )
    balance.set_yticks(rows, [shortened(word, 14) for word in words])
    balance.tick_params(axis="y", length=0)
    balance.grid(False)
    balance.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)

    speakers_of = {
        name: set(table.loc[speakers_known(table), "speaker"]) for name, table in manifests.items()
    }
    in_training = speakers_of["train"]
    most = max(1, *map(len, speakers_of.values()))
    for row, (name, speakers) in enumerate(speakers_of.items()):
        unknown = int((~speakers_known(manifests[name])).sum())
        shared = 0 if name == "train" else len(speakers & in_training)
        colour, _ = SETS[name]
        voices.barh(row, len(speakers) - shared, height=0.55, color=colour)
        voices.barh(
            row,
            shared,
            left=len(speakers) - shared,
            height=0.55,
            color=FAINT,
            hatch="///",
            edgecolor=GREY,
        )
        text = f"{len(speakers):,}"
        if unknown:
            text += f" known, {unknown:,} recordings of unknown speakers"
        elif name != "train":
            text += f", {shared:,} of them in the training set" if shared else ", none in training"
        voices.annotate(text, (0, row - 0.275), (2, 4), textcoords="offset points", size=9)
    voices.set(xlim=(0, 1.02 * most), ylim=(2.6, -0.7), xlabel="speakers")
    voices.set_yticks(range(3), manifests)
    voices.tick_params(axis="y", length=0)
    voices.grid(False, axis="y")
    voices.xaxis.set_major_formatter(grouped_numbers)
    voices.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    lacking = (
        f"The set {name} lacks {', '.join(shortened(word, 14) for word in missing[:5])}"
        f"{', …' if len(missing) > 5 else ''}."
        for name, missing in manifest.lacking(manifests).items()
        if missing
    )
    note = " ".join([note, *lacking]).strip()
    heading(balance, "How the split divides recordings and speakers", note, GREY, distance=28)
    return figure


def _words_shown(column: pd.Series) -> tuple[list[str], str]:
    """The words to show, in order, and a note if others are left out."""
    sizes = column.groupby(column).size()
    if len(sizes) <= MOST_WORDS:
        return sorted(sizes.index), ""
    ranked, half = sizes.sort_values(kind="stable").index, MOST_WORDS // 2
    return [*ranked[:half], *ranked[-half:]], (
        f"Shown: the {half} rarest and the {half} most frequent of {len(sizes):,} words."
    )


def _levels(axes: Axes, rms: list[pd.Series]) -> None:
    """Levels of each word: median, central 50 % and central 90 %."""
    floor = 10 ** (QUIETEST / 20)
    for row, values in enumerate(rms):
        decibels = 20 * np.log10(np.maximum(values, floor))
        low, quarter, middle, three_quarters, high = np.quantile(
            decibels, [0.05, 0.25, 0.5, 0.75, 0.95]
        )
        axes.plot([low, high], [row, row], color=FAINT, linewidth=1.5)
        axes.plot([quarter, three_quarters], [row, row], color=BLUE, linewidth=4)
        axes.plot(middle, row, "o", color="white", markeredgecolor=BLUE, markersize=5)
    axes.set_xlabel("level of a recording (RMS, dB re full scale):\nmedian, central 50 % and 90 %")
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0, labelleft=False)


def _histogram(axes: Axes, values: pd.Series, label: str, unit: str) -> None:
    bins = min(30, max(1, values.nunique()))
    axes.hist(values, bins=bins, color=SKY, edgecolor="white", linewidth=0.5, log=len(values) > 0)
    axes.set(xlabel=label, ylabel=f"{unit} (log scale)")
    axes.yaxis.set_major_formatter(grouped_numbers)
    axes.set_ylim(bottom=0.7)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.grid(False, axis="x")
