"""Recognise words in recordings with a trained model alone: see predict.py --help."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from spokenwords.config import settings
from spokenwords.errors import UserError
from spokenwords.jobs import atomic
from spokenwords.jobs.machine_errors import TOO_MANY_OPEN, is_out_of_memory
from spokenwords.recognition import inputs

DESCRIPTION = """\
Write a table of the words that are said in recordings, as CSV. Recordings are sound files of any
kind (WAV, FLAC, Ogg, Opus, MP3, M4A, WebM, 3GP, WMA ...), sample rate and length; long ones are
searched for words. Columns: see results/README.md."""
SOME_UNREADABLE, NO_TABLE, INTERRUPTED = 1, 2, 130
EXITS = """\
exit status:
  0  every recording was read
  1  some were not: the table has their faults, and all the others
  2  there is no table, and why is told"""


def main() -> int:
    """Do what the command line says; returns the exit status."""
    asked = _command_line()
    logger = logging.getLogger("spokenwords")
    logger.setLevel(logging.INFO)
    logger.addHandler(logging.StreamHandler())
    try:
        faults = _recognize(asked)
    except UserError as error:
        logger.error(f"Error: {error}")
        return NO_TABLE
    except KeyboardInterrupt:
        logger.error("Interrupted.")
        return INTERRUPTED
    except Exception as error:
        if is_out_of_memory(error):
            what = "There is not enough memory: end other programs, or lower --threads."
        elif not isinstance(error, OSError):
            raise
        elif error.errno in TOO_MANY_OPEN:
            what = "Too many files are open: raise the limit with `ulimit -n 8192`."
        else:
            place = asked.output or "standard output"
            what = f"The table cannot be written to {place} ({error.strerror or error})."
            if not asked.output:
                # Else Python would try once more at its end, and fail with a message of its own.
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        logger.error(f"Error: {what}")
        return NO_TABLE
    return SOME_UNREADABLE if faults else 0


def _command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=DESCRIPTION,
        epilog=EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="a run's model.pt")
    parser.add_argument(
        "recordings",
        metavar="RECORDING",
        type=Path,
        nargs="+",
        help="a recording, a folder, a text file that lists recordings, one per line, or a CSV "
        "table with a column `file`; paths count from the list's folder or else from this one",
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="default: standard output")
    parser.add_argument(
        "--keep",
        metavar="SHARE",
        type=_share,
        default=settings.definition(settings.Predict, "keep").default,
        help="share of right answers to keep (0 to 1); the less, the more of the others are "
        "`unknown` instead of wrong (default: %(default)s)",
    )
    parser.add_argument(
        "--device",
        choices=["auto", "cuda", "cpu"],
        default="auto",
        help="auto takes a GPU where there is one (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        metavar="N",
        type=_count,
        help="of the network, and as many that read ahead (default: one a core)",
    )
    return parser.parse_args()


def _share(text: str) -> float:
    if not 0 < (share := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return share


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return count


def _recognize(asked: argparse.Namespace) -> int:
    """Write the table; returns how many recordings were unreadable."""
    paths = [path for place in asked.recordings for path in inputs.recordings(place)]
    try:
        asked.model.open("rb").close()
    except OSError as error:
        raise UserError(
            f"The model {asked.model} cannot be read ({error.strerror}): name a run's model.pt."
        ) from None
    # What takes a second or two to import comes after what may be wrong with the command line.
    import torch

    from spokenwords.model import device
    from spokenwords.model.classifier import Classifier
    from spokenwords.recognition import table

    threads = asked.threads or torch.get_num_threads()
    with _table(asked.output) as file:
        place = device.choose(asked.device, threads, "--device")
        classifier = Classifier.load(asked.model, "name a run's model.pt").to(place)
        classifier.precision = device.precision("auto", place)
        rows = table.recognize(classifier, paths, asked.keep, threads)
        return table.write(rows, file)


@contextmanager
def _table(output: Path | None) -> Iterator[TextIO]:
    """The file for the table; one that is named appears when it is complete."""
    if output is None:
        if sys.stdout is None:
            raise UserError("Standard output is closed: name a file for the table (--output).")
        # Whoever reads may stop, as `head` does: that ends this program too, as it ends others.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        sys.stdout.reconfigure(encoding="utf-8", newline="", line_buffering=True)
        yield sys.stdout
        return
    if output.is_dir():
        raise UserError(f"{output} is a folder: name a file for the table.")
    if output.exists() and not output.is_file():  # a pipe or a device, which is not to be replaced
        with output.open("w", newline="", encoding="utf-8") as file:
            yield file
        return
    target = output.resolve()
    partial = atomic.beside(target)
    try:
        with partial.open("w", newline="", encoding="utf-8") as file:
            yield file
        partial.replace(target)
    finally:
        atomic.remove(partial)


def _terminate(number: int, frame: object) -> None:
    """End as this signal would, but by an exception: that takes away a part of a table."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(main())
