"""Listening: to standard input and files in a process of its own, and to microphones."""

import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import tones
from copies import REPOSITORY
from tones import sound

from spokenwords.errors import UserError
from spokenwords.recognition import listen_command, listening, sources
from spokenwords.recognition.sources import Source

SCRIPT = REPOSITORY / "workflow/scripts/listen.py"
# The command with the classifier of tones instead of a model from a file.
WITH_TONES = """
import sys, tones
from spokenwords.model import device
from spokenwords.recognition import listen_command
device.load_classifier = lambda *_, **named: tones.classifier()
sys.exit(listen_command.listen())
"""
SAID = [("low", 1.2, 1.6), ("high", 3.1, 3.5), ("unknown", 4.2, 4.5), ("low", 5.0, 5.4)]
SECONDS = 6.5
TONES = tones.classifier()


@pytest.fixture
def model(tmp_path):
    """A file in the place of the model."""
    path = tmp_path / "model.pt"
    path.touch()
    return str(path)


def start(*arguments, **options):
    """Start the command."""
    paths = os.pathsep.join([str(REPOSITORY / "workflow/scripts"), str(REPOSITORY / "tests")])
    options["env"] = {**os.environ, "PYTHONPATH": paths, **options.get("env", {})}
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    return subprocess.Popen([sys.executable, "-c", WITH_TONES, *arguments], **pipes | options)


def listen(*arguments, sent=None):
    """Run the command to the end; returns its status, its output and its messages."""
    with start(*arguments) as process:
        output, messages = process.communicate(sent, timeout=120)
    return process.returncode, output.decode(), messages.decode()


def raw(samples):
    return np.round(32_767 * samples).astype("<i2").tobytes()


def header(rate, channels=1):
    """The beginning of a WAV file as recorders write it to a pipe: without its length."""
    form = (b"fmt ", 16, 1, channels, rate, 2 * channels * rate, 2 * channels, 16, b"data", 0)
    return struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 0, b"WAVE", *form)


def wav(rate, channels):
    samples = np.repeat(sound(SECONDS, SAID, rate), channels)
    return header(rate, channels) + raw(samples)


def assert_words(events):
    words = [one for one in SAID if one[0] != "unknown"]
    assert [event["word"] for event in events] == [word for word, _, _ in words]
    for event, (_, first, last) in zip(events, words, strict=True):
        assert event["start"] - 0.05 <= first
        assert event["end"] + 0.05 >= last
        assert event["end"] - event["start"] == pytest.approx(1)
        assert tones.THRESHOLD <= event["probability"] <= 1


def test_wav_on_standard_input(model):
    status, output, messages = listen(model, "-", "--json", sent=wav(16_000, 2))
    assert status == 0
    assert_words(list(map(json.loads, output.splitlines())))
    assert "Listening to standard input, 16,000 Hz" in messages
    assert messages.endswith("6.5 s heard, 3 words: low 2, high 1.\n")
    assert "Warning" not in messages


def test_raw_samples_on_standard_input(model):
    samples = raw(sound(SECONDS, SAID, 8000))
    status, output, messages = listen(model, "-", "--rate", "8000", sent=samples)
    assert status == 0
    assert re.sub(r"\d\.\d+", "#", output) == "".join(
        f"     # s  {word}  (#)\n" for word in ("low", "high", "low")
    )
    # The meter is for terminals.
    assert "dBFS" not in messages


def heard(path, content, rate=None):
    """The events in a file with this content."""
    path.write_bytes(content)
    file = io.StringIO()
    listening.listen(TONES, tones.THRESHOLD, sources.of_file(str(path), rate), file, as_json=True)
    return list(map(json.loads, file.getvalue().splitlines()))


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("rate", [1000, 22_050, 44_100])
def test_files_of_any_rate_and_channels(tmp_path, messages, rate, channels):
    assert_words(heard(tmp_path / "a.wav", wav(rate, channels)))
    assert messages[-2:] == [
        f"Listening to {tmp_path}/a.wav, {rate:,} Hz; Ctrl-C ends it.",
        "6.5 s heard, 3 words: low 2, high 1.",
    ]


@pytest.mark.parametrize("form", ["FLAC", "OGG", "AIFF"])
def test_files_of_other_formats(tmp_path, form):
    soundfile.write(tmp_path / "a", sound(SECONDS, SAID, 16_000), 16_000, format=form)
    assert_words(heard(tmp_path / "a", (tmp_path / "a").read_bytes()))


def test_channels_that_cancel_are_heard(tmp_path):
    samples = sound(SECONDS, SAID, 16_000)
    soundfile.write(tmp_path / "a.wav", np.stack([samples, -samples], axis=1), 16_000)
    assert_words(heard(tmp_path / "a.wav", (tmp_path / "a.wav").read_bytes()))


def test_samples_that_are_not_finite_are_the_sources_fault(tmp_path):
    samples = sound(2, rate=16_000)
    samples[20_000] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(UserError, match=r"The sound from .*a\.wav has samples that are not finite"):
        heard(tmp_path / "a.wav", (tmp_path / "a.wav").read_bytes())


def test_output_that_cannot_be_written_is_reported(model):
    with Path("/dev/full").open("w") as full:
        process = start(model, "--rate", "1000", "-", stdout=full)
        _, messages = process.communicate(raw(sound(SECONDS, SAID)), timeout=120)
    assert process.returncode == 2
    assert "Error: Words cannot be written to standard output (No space left" in messages.decode()
    assert "Traceback" not in messages.decode()


def test_without_words_there_are_no_lines(tmp_path, messages):
    assert heard(tmp_path / "a", raw(sound(3)), 1000) == []
    assert messages[-1] == "3.0 s heard, 0 words."


def test_a_lower_sample_rate_is_reported(tmp_path, messages):
    heard(tmp_path / "a", raw(sound(3)), 500)
    assert f"Warning: the sample rate of {tmp_path}/a, 500 Hz, is lower than" in messages[1]


def test_words_are_printed_while_the_source_goes_on_and_ctrl_c_ends_it(model):
    with start(model, "-", "--rate", "1000", "--json") as process:
        process.stdin.write(raw(sound(4, SAID)))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["word"] == "low"
        process.send_signal(signal.SIGINT)
        process.wait(timeout=120)
        messages = process.stderr.read().decode()
    assert process.returncode == 0
    assert re.search(r"\n\d\.\d s heard, \d words?: low 1", messages)
    assert "Traceback" not in messages


def test_a_reader_that_has_ended_ends_the_command(model):
    with start(model, "-", "--rate", "1000") as process:
        process.stdout.close()
        process.stdin.write(raw(sound(4, SAID)))
        process.stdin.flush()
        process.wait(timeout=120)
        messages = process.stderr.read().decode()
        # The end of what is written is not waited for.
        assert process.returncode == 2
    assert "Traceback" not in messages


def test_the_script_is_the_command():
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, timeout=120)
    assert done.returncode == 0
    assert b"--list-devices" in done.stdout


@pytest.fixture
def ask(tmp_path, monkeypatch, run_command):
    """A function that runs the command in this process; returns its status and messages."""

    def ask(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("spokenwords.model.device.load_classifier", lambda *_, **named: TONES)
        status, printed = run_command(listen_command.listen, *arguments)
        return status, printed.err

    return ask


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "the following arguments are required: MODEL"),
        (["missing.pt"], "model missing.pt is not readable (No such file or directory)"),
        (["model.pt", "missing.wav"], "missing.wav is not readable (No such file or directory)"),
        (["model.pt", "text.wav"], "text.wav is not sound of a supported kind. If it has 16-bit"),
        (["model.pt", "--rate", "8000"], "--rate needs a SOURCE"),
        (["model.pt", "-", "--microphone", "usb"], "either a SOURCE or a --microphone"),
        (["model.pt", "-", "--keep", "2"], "--keep: 2 is not above 0 and at most 1"),
    ],
)
def test_wrong_arguments_are_reported(model, tmp_path, ask, arguments, expected):
    (tmp_path / "text.wav").write_text("no sound")
    status, said = ask(*arguments)
    assert (status, expected in said) == (2, True)


@pytest.mark.parametrize("arguments", [["model.pt"], ["--list-devices"]])
@pytest.mark.parametrize("missing", ["package", "library"])
def test_what_a_microphone_needs_is_named(model, tmp_path, ask, monkeypatch, arguments, missing):
    if missing == "package":
        monkeypatch.setitem(sys.modules, "sounddevice", None)
    else:
        monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
        (tmp_path / "sounddevice.py").write_text('raise OSError("PortAudio library not found")')
        monkeypatch.syspath_prepend(tmp_path)
    status, said = ask(*arguments)
    assert status == 2
    assert "`pip install -r envs/listen.txt` and, on Debian or Ubuntu, `apt install libp" in said


# Microphones.


class PortAudioError(Exception):
    pass


class Microphones:
    """The part of sounddevice that is used, with one microphone that takes only some forms."""

    PortAudioError = PortAudioError

    def __init__(self, rates=(1000,), channels=(1,), pieces=(), problem=None):
        self.rates, self.channels = rates, channels
        self.pieces, self.problem, self.closed = iter(pieces), problem, False
        self.device = {"index": 3, "name": "USB microphone", "max_input_channels": channels[-1]}
        self.device["default_samplerate"] = float(rates[0])

    def query_devices(self, device=None, kind=None):
        if kind is None:
            speaker = {"index": 0, "name": "Speaker", "max_input_channels": 0}
            return [speaker | {"default_samplerate": 1.0}, self.device]
        if device not in (None, 3, "usb"):
            raise ValueError("No input device matching")
        return self.device

    def check_input_settings(self, device, samplerate, channels, dtype):
        if samplerate not in self.rates or channels not in self.channels:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]", -9997)

    def InputStream(self, **form):  # noqa: N802
        if self.problem:
            raise PortAudioError(f"{self.problem} [PaErrorCode -9985]", -9985)
        self.check_input_settings(**form)
        self.form = form
        return self

    def start(self):
        pass

    def read(self, count):
        if (piece := next(self.pieces, None)) is None:
            raise PortAudioError("Unanticipated host error [PaErrorCode -9999]", -9999, "", 0)
        return piece, True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True


@pytest.fixture
def connect(monkeypatch):
    """A function that replaces sounddevice."""

    def connect(**options):
        connected = Microphones(**options)
        monkeypatch.setitem(sys.modules, "sounddevice", connected)
        return connected

    return connect


@pytest.mark.parametrize(
    ("rates", "channels", "chosen"),
    [
        ((48_000, 1000), (1, 2), (1000, 1)),
        ((48_000,), (1, 2), (48_000, 1)),
        ((48_000, 1000), (2,), (1000, 2)),
        ((44_100,), (4,), (44_100, 4)),
    ],
)
def test_a_microphone_gets_the_models_rate_and_one_channel_or_its_own(
    connect, rates, channels, chosen
):
    piece = np.stack([np.arange(3)] * chosen[1], axis=1).astype(np.float32)
    connected = connect(rates=rates, channels=channels, pieces=[piece])
    source = sources.of_microphone("usb", 1000)
    assert (connected.form["samplerate"], connected.form["channels"]) == chosen
    assert (source.name, source.rate) == ("USB microphone", chosen[0])
    assert next(source.pieces).tolist() == [0, 1, 2]


def test_words_from_a_microphone_that_is_unplugged(connect, ask, model):
    samples = np.split(sound(4, SAID)[:, None], 40)
    connected = connect(pieces=samples)
    status, said = ask(model, "--microphone", "3")
    assert status == 2
    assert said.endswith(
        "4.0 s heard, 1 word: low 1.\n"
        "Error: The microphone USB microphone stopped (Unanticipated host error): check whether it "
        "is connected.\n"
    )
    assert said.count("Warning: sound from USB microphone was lost") == 1
    assert connected.closed


@pytest.mark.parametrize(
    ("arguments", "problem", "expected"),
    [
        (["--microphone", "webcam"], None, "There is no microphone webcam: --list-devices lists"),
        (["--microphone", "7"], None, "There is no microphone 7: --list-devices"),
        ([], "Device unavailable", "USB microphone cannot be opened (Device unavailable): end"),
    ],
)
def test_a_missing_or_busy_microphone_is_reported(
    connect, ask, model, arguments, problem, expected
):
    connect(problem=problem)
    status, said = ask(model, *arguments)
    assert (status, expected in said) == (2, True)


def test_microphones_are_listed(connect, run_command):
    connect(channels=(2,), rates=(48_000,))
    status, printed = run_command(listen_command.listen, "--list-devices")
    assert (status, printed.out) == (0, "  3  USB microphone (2 channels, 48,000 Hz)\n")


def test_a_microphone_that_sends_nothing_is_reported():
    unplugged = threading.Event()

    def pieces():
        yield sound(0.1)
        unplugged.wait()

    source = Source("USB", 1000, pieces(), patience=0.05)
    with pytest.raises(UserError, match=r"The microphone USB stopped \(it sends nothing\)"):
        listening.listen(TONES, tones.THRESHOLD, source, io.StringIO(), as_json=False)
    unplugged.set()


def test_a_meter_is_shown_on_a_terminal_and_cleared_for_words(monkeypatch):
    """Both go to the same terminal."""
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(listening, "sys", SimpleNamespace(stderr=terminal))
    pieces = (part for part in np.split(sound(3, [("low", 0, 1)]), 60))
    listening.listen(TONES, tones.THRESHOLD, Source("USB", 1000, pieces), terminal, as_json=False)
    shown = re.split(r"[\r\n]", terminal.getvalue())
    # A sine of amplitude 0.5 has -9 dBFS: 0.85 of the columns from -60 to 0.
    assert shown[1] == f"{'#' * 34:40}   -9 dBFS"
    assert f"{'':40} -120 dBFS" in shown
    assert next(line for line in shown if "low" in line).startswith("\x1b[K     0.0 s  low")
    assert shown[-1] == "\x1b[K"


@pytest.fixture
def portaudio(tmp_path):
    """The environment of a PortAudio with one microphone, ALSA's `file`: 32-bit floating point."""
    try:
        import sounddevice  # noqa: F401
    except (ImportError, OSError):
        if os.environ.get("REQUIRE_PORTAUDIO"):
            raise
        pytest.skip("PortAudio is missing")
    sound(SECONDS, SAID).tofile(tmp_path / "said.raw")
    (tmp_path / "asound.conf").write_text(f"""
        </usr/share/alsa/alsa.conf>
        pcm.microphone {{
            type file
            slave.pcm {{ type null }}
            file "/dev/null"
            infile "{tmp_path}/said.raw"
            format "raw"
        }}
    """)
    return {"ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")}


def test_a_stream_of_portaudio(model, portaudio):
    with start(model, "--microphone", "microphone", "--json", env=portaudio) as process:
        events = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGINT)  # After the file, silence goes on.
        process.wait(timeout=120)
        messages = process.stderr.read().decode()
    assert process.returncode == 0, messages
    assert_words(events)
    assert messages.endswith("3 words: low 2, high 1.\n")
    assert "Listening to microphone, 1,000 Hz" in messages
