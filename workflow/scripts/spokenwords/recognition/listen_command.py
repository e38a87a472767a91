"""The command `listen.py`: from a model and a source of sound to words, as they are spoken."""

import argparse
import sys
from pathlib import Path
from typing import Any

from spokenwords.errors import UserError
from spokenwords.jobs.machine_errors import TOO_MANY_OPEN, is_out_of_memory
from spokenwords.recognition import command, sources

DESCRIPTION = """\
Print the words in a stream of sound as they are spoken: one line per word with its start (s) and
probability. The stream is a microphone, standard input, or a file. Examples:
  listen.py model.pt
  arecord --format S16_LE --rate 16000 | listen.py model.pt -
Messages, and a level meter on a terminal, are written to standard error."""
EXIT_STATUS = """\
exit status:
  0  the source ended, or Ctrl-C was pressed while listening
  2  the reason is printed, or the reader of the words has ended"""


def listen() -> int:
    """Run the command with the arguments of the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION,
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="a run's model.pt")
    parser.add_argument(
        "source",
        metavar="SOURCE",
        nargs="?",
        help="a sound file, or `-` for standard input (default: the microphone)",
    )
    command.add_threshold(parser)
    parser.add_argument(
        "--rate",
        metavar="HZ",
        type=command.count,
        help="SOURCE has 16-bit samples of one channel at this rate, without a header",
    )
    parser.add_argument(
        "--microphone",
        metavar="NAME",
        help="number of a microphone, or a part of its name (default: the system's default)",
    )
    parser.add_argument(
        "--list-devices", action=_List, nargs=0, help="print the microphones, and exit"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print each word as a line of JSON: word, start and end of its window (s), "
        "probability",
    )
    arguments = parser.parse_intermixed_args()
    if arguments.rate and not arguments.source:
        parser.error("--rate needs a SOURCE without a header, such as `-`")
    if arguments.microphone and arguments.source:
        parser.error("name either a SOURCE or a --microphone")
    return command.exit_status(lambda: _print_words(arguments))


class _List(argparse.Action):
    """List the microphones and exit, without other arguments."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        parser.exit(command.exit_status(sources.list_microphones))


def _print_words(arguments: argparse.Namespace) -> int:
    command.require_readable(arguments.model)
    if sys.stdout is None:
        raise UserError("Standard output is closed: open it for the words.")
    # Importing PyTorch takes seconds: errors in the arguments are reported before.
    from spokenwords.model import device
    from spokenwords.recognition import listening

    # One thread: the network works for a small part of the time.
    classifier = device.load_classifier(arguments.model, "cpu", "auto", 1, advice=command.ADVICE)
    threshold = classifier.threshold(arguments.keep, arguments.false_alarms_per_hour)
    if arguments.source:
        source = sources.of_file(arguments.source, arguments.rate)
    else:
        source = sources.of_microphone(arguments.microphone, classifier.transform.sample_rate)
    try:
        # Not sys.stdout: Python would try to write the rest again when it exits.
        with open(1, "w", 1, encoding="utf-8", closefd=False) as file:
            listening.listen(classifier, threshold, source, file, arguments.json)
    except BrokenPipeError:
        sys.exit(command.FAILED)  # The reader of standard output, such as `head`, has ended.
    except OSError as error:
        # Sources raise no others.
        if is_out_of_memory(error) or error.errno in TOO_MANY_OPEN:
            raise
        problem = error.strerror or error
        raise UserError(f"Words cannot be written to standard output ({problem}).") from None
    return 0
