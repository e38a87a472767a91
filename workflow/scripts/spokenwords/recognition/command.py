"""The command `predict.py`: from a model and recordings to a table of words."""

import argparse
import logging
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from spokenwords.config import settings
from spokenwords.errors import UserError
from spokenwords.jobs import atomic
from spokenwords.jobs.machine_errors import TOO_MANY_OPEN, is_out_of_memory
from spokenwords.recognition import inputs

ADVICE = "name a run's model.pt"  # about a model that is not one
SOME_UNREADABLE, FAILED, INTERRUPTED = 1, 2, 130
DESCRIPTION = """\
Write a table of the words in recordings, as CSV. Recordings are sound files of any format (WAV,
FLAC, Ogg, Opus, MP3, M4A, WebM, 3GP, WMA ...), sample rate and length; long ones are searched for
words. Columns: see results/README.md."""
EXIT_STATUS = """\
exit status:
  0  all recordings were read
  1  some recordings were unreadable; the table contains the errors, and all other recordings
  2  there is no complete table: the reason is printed, or the reader of the table has ended"""

logger = logging.getLogger("spokenwords")


def predict() -> int:
    """Run the command with the arguments of the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION,
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="a run's model.pt")
    parser.add_argument(
        "recordings",
        metavar="RECORDING",
        type=Path,
        nargs="+",
        help="a recording, a folder, a text file that lists one recording per line, or a CSV table "
        "with a column `file`; paths are relative to the list's folder or else to this one",
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="the table (default: standard output)"
    )
    add_threshold(parser)
    parser.add_argument(
        "--device",
        choices=["auto", "cuda", "cpu"],
        default="auto",
        help="auto uses a GPU if there is one (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        metavar="N",
        type=count,
        help="threads of the network, and threads that read ahead (default: one per core)",
    )
    arguments = parser.parse_args()
    return exit_status(lambda: _write_table(arguments))


def add_threshold(parser: argparse.ArgumentParser) -> None:
    """Add the arguments `--keep` and `--false-alarms-per-hour`, of which one may be given."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--false-alarms-per-hour",
        metavar="N",
        type=rate,
        help="false alarms per hour to accept, as measured after a training with negatives",
    )
    choice.add_argument(
        "--keep",
        metavar="SHARE",
        type=share,
        default=settings.definition(settings.Predict, "keep").default,
        help="share of correct answers to accept (0 to 1); with a smaller share, more of the other "
        "answers are `unknown` instead of wrong (default: %(default)s)",
    )


def exit_status(work: Callable[[], int]) -> int:
    """Do the work and return its exit status; errors are printed as one sentence.

    Errors of the code itself are raised.
    """
    logger.setLevel(logging.INFO)
    logger.addHandler(logging.StreamHandler())
    try:
        return work()
    except KeyboardInterrupt:
        logger.error("Interrupted.")
        return INTERRUPTED
    except UserError as error:
        logger.error(f"Error: {error}")
        return FAILED
    except Exception as error:
        if is_out_of_memory(error):
            problem = "There is not enough memory: end other programs, or lower --threads."
        elif getattr(error, "errno", None) in TOO_MANY_OPEN:
            problem = "Too many files are open: raise the limit with `ulimit -n 8192`."
        else:
            raise
        logger.error(f"Error: {problem}")
        return FAILED


def share(text: str) -> float:
    """Return an argument that is a share, above 0 and at most 1."""
    if not 0 < (value := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return value


def rate(text: str) -> float:
    """Return an argument that is above 0."""
    if not 0 < (value := float(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def count(text: str) -> int:
    """Return an argument that is a whole number from 1 on."""
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def require_readable(model: Path) -> None:
    """Raise a `UserError` if the file of a model is not readable."""
    try:
        model.open("rb").close()
    except OSError as error:
        raise UserError(
            f"The model {model} is not readable ({error.strerror}): {ADVICE}."
        ) from None


def _write_table(arguments: argparse.Namespace) -> int:
    paths = [path for place in arguments.recordings for path in inputs.recordings(place)]
    require_readable(arguments.model)
    # Importing PyTorch takes seconds: errors in the arguments are reported before.
    import torch

    from spokenwords.model import device
    from spokenwords.recognition import table

    threads = arguments.threads or torch.get_num_threads()
    classifier = device.load_classifier(
        arguments.model, arguments.device, "auto", threads, "--device", ADVICE
    )
    threshold = classifier.threshold(arguments.keep, arguments.false_alarms_per_hour)
    with _table(arguments.output) as file:
        rows = table.recognize(classifier, paths, threshold, threads)
        return SOME_UNREADABLE if table.write(rows, file) else 0


@contextmanager
def _table(output: Path | None) -> Iterator[TextIO]:
    """The file for the table: standard output, or a file that appears when it is complete."""
    if output and os.path.exists(output) and not os.path.isfile(output):  # noqa: PTH110, PTH113
        raise UserError(f"{output} is not a regular file: name a file for the table (--output).")
    if not output and sys.stdout is None:
        raise UserError("Standard output is closed: name a file for the table (--output).")
    try:
        if output:
            with (
                atomic.written(output.resolve()) as partial,
                partial.open("w", newline="", encoding="utf-8") as file,
            ):
                yield file
        else:
            # Not sys.stdout: Python would try to write the rest again when it exits.
            with open(1, "w", 1, newline="", encoding="utf-8", closefd=False) as file:
                yield file
    except BrokenPipeError:
        sys.exit(FAILED)  # The reader of standard output, such as `head`, has ended.
    except OSError as error:
        # Others come from reading a recording: decoders raise these, and no others.
        if is_out_of_memory(error) or error.errno in TOO_MANY_OPEN:
            raise
        place = output or "standard output"
        raise UserError(
            f"The table cannot be written to {place} ({error.strerror or error})."
        ) from None
