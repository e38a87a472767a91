"""The report's opening page: what was trained on what, and how well it did."""

from collections.abc import Mapping

import pandas as pd

from spokenwords.progress import duration

PURPOSES = ("train", "validate", "test")


def page(
    runs: Mapping[str, Mapping[str, str]],
    metrics: Mapping[str, Mapping],
    splits: Mapping[str, pd.DataFrame],
    recordings: pd.DataFrame,
    origin: str,
) -> str:
    """The page in reStructuredText.

    `runs` gives each run's split and representation; `metrics` what `evaluation` made of
    it; `splits` the summary of each split; `recordings` that of `inventories.check`; `origin` says
    where the recordings come from.
    """
    usable = recordings["usable"].sum()
    lines = [
        f"**{usable:,} recordings of {len(recordings)} words** ({recordings['hours'].sum():.2f} "
        f"hours of sound), {origin}.",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "",
    ]
    rows = [("run", "representation", "test accuracy (95 % interval)", "loss", "macro F1")]
    for name, run in runs.items():
        result = metrics[name]
        low, high = result["accuracy_interval"]
        rows.append(
            (
                f"**{_escaped(name)}**",
                run["representation"],
                f"**{result['accuracy']:.2%}** ({low:.2%} to {high:.2%})",
                f"{result['loss']:.4f}",
                f"{result['macro_f1']:.4f}",
            )
        )
    for first, *others in rows:
        lines += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
    lines.append("")
    for name, run in runs.items():
        training = metrics[name]["training"]
        lines += [
            f"**{_escaped(name)}**: split *{_escaped(run['split'])}*, {training['epochs']} epochs "
            f"(the best: {training['best_epoch']}) in {duration(training['seconds'])} on "
            f"{_escaped(training['device'])}. {_escaped(training['warning'])}".rstrip(),
            "",
        ]
    for name, summary in splits.items():
        sets = ", ".join(
            f"{row.recordings:,} to {purpose} ({row.speakers:,} speakers)"
            for row, purpose in zip(summary.itertuples(), PURPOSES, strict=True)
        )
        heard = summary.set_index("set").loc["test", "speakers_in_training"]
        lines += [
            f"Split *{_escaped(name)}*: {sets}; {heard:,} of the test speakers are heard in "
            "training too.",
            "",
        ]
    lines += [
        "The published experiment on the 64,721 recordings of Speech Commands v0.01, split at "
        "random, reached 93.24 % (loss 0.2373) with complex, 88.98 % with power and 85.55 % with "
        "128-band mel spectrograms: figures to compare with where the data are the same.",
        "",
    ]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Text without meaning to reStructuredText."""
    return "".join(f"\\{char}" if char in r"\*`|_<>" else char for char in text)
