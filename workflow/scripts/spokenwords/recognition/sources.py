"""Sources of sound for `listen.py`: a microphone, standard input, or a file."""

import logging
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spokenwords.errors import UserError
from spokenwords.recordings import audio, decoding

# Sound is read from a microphone in pieces of this length, s.
PIECE = 0.1
# If a microphone sends nothing for this time, in s, it is taken for unplugged.
PATIENCE = 5.0

logger = logging.getLogger("spokenwords")


@dataclass
class Source:
    """Sound at a sample rate (Hz): pieces of its channels, mixed down, float32 [n].

    Pieces are at most `patience` seconds apart; None is any time.
    """

    name: str
    rate: int
    pieces: Generator[np.ndarray, None, None]
    patience: float | None = None


def of_file(place: str, raw_rate: int | None) -> Source:
    """Open a file, or standard input if `place` is `-`, of any format that FFmpeg decodes.

    With `raw_rate` (Hz), it has 16-bit samples of one channel, without a header. Raises
    `UserError`, also while pieces are read.
    """
    import av

    name = "standard input" if place == "-" else place
    options = {"format_whitelist": decoding.FORMATS}
    if raw_rate:
        options = {"sample_rate": str(raw_rate), "ch_layout": "mono"}
    try:
        # Without a buffer, samples are available as soon as they are written to a pipe.
        file = open(0 if place == "-" else place, "rb", buffering=0)  # noqa: PTH123, SIM115
        form = "s16le" if raw_rate else None
        container = av.open(file, "r", format=form, options=options, buffer_size=4096)
        stream = container.streams.audio[0]
    except (av.FFmpegError, ValueError, IndexError):
        raise UserError(
            f"{name.capitalize() if place == '-' else name} is not sound of a supported kind. If "
            "it has 16-bit samples without a header, name their rate (--rate)."
        ) from None
    except OSError as error:
        raise UserError(f"{name} is not readable ({error.strerror}).") from None

    def pieces() -> Generator[np.ndarray, None, None]:
        to_float = av.AudioResampler(format="fltp")
        try:
            for frame in container.decode(stream):
                for converted in to_float.resample(frame):
                    yield audio.mix_down(converted.to_ndarray().T)
        except (av.FFmpegError, ValueError):
            raise UserError(f"The sound from {name} is damaged.") from None

    return Source(name, stream.rate, pieces())


def of_microphone(wanted: str | None, rate: int) -> Source:
    """Open a microphone, at the sample rate `rate` (Hz) if it has it, else at its own.

    `wanted` is its number or a part of its name; None is the system's default. Raises `UserError`,
    also while pieces are read.
    """
    sounddevice = _sounddevice()
    device = int(wanted) if wanted and wanted.isdigit() else wanted
    try:
        found = sounddevice.query_devices(device, "input")
    except (ValueError, sounddevice.PortAudioError):
        raise UserError(
            f"There is no microphone {wanted}: --list-devices lists them (--microphone)."
            if wanted
            else "There is no microphone: connect one, or name another source, such as `-`."
        ) from None
    choices: list[dict[str, Any]] = [
        {"device": device, "samplerate": own, "channels": channels, "dtype": "float32"}
        for own in (rate, int(found["default_samplerate"]))
        for channels in (1, found["max_input_channels"])
    ]
    form = next((choice for choice in choices if _accepts(sounddevice, choice)), choices[-1])
    try:
        stream = sounddevice.InputStream(**form)
        stream.start()
    except sounddevice.PortAudioError as error:
        raise UserError(
            f"The microphone {found['name']} cannot be opened ({_reason(error)}): end programs "
            "that use it, or name another one (--microphone)."
        ) from None

    def pieces() -> Generator[np.ndarray, None, None]:
        complete = True
        try:
            with stream:
                while True:
                    samples, lost = stream.read(round(PIECE * form["samplerate"]))
                    if lost and complete:
                        logger.warning(
                            f"Warning: sound from {found['name']} was lost, so that words may be "
                            "missed: end programs that use the processor."
                        )
                        complete = False
                    yield audio.mix_down(samples)
        except sounddevice.PortAudioError as error:
            raise stopped(found["name"], _reason(error)) from None

    return Source(found["name"], form["samplerate"], pieces(), PATIENCE)


def stopped(name: str, reason: str) -> UserError:
    """Return the error about a microphone that stopped."""
    return UserError(f"The microphone {name} stopped ({reason}): check whether it is connected.")


def list_microphones() -> int:
    """Print number, name, channels and sample rate of each microphone; returns the exit status 0.

    Raises `UserError` if PortAudio is missing.
    """
    for device in _sounddevice().query_devices():
        if channels := device["max_input_channels"]:
            rate = device["default_samplerate"]
            print(f"{device['index']:3}  {device['name']} ({channels} channels, {rate:,.0f} Hz)")
    return 0


def _accepts(sounddevice: Any, form: dict[str, Any]) -> bool:
    try:
        sounddevice.check_input_settings(**form)
    except sounddevice.PortAudioError:
        return False
    return True


def _sounddevice() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError):
        raise UserError(
            "A microphone needs the package sounddevice and the library PortAudio: "
            "`pip install -r envs/listen.txt` and, on Debian or Ubuntu, "
            "`apt install libportaudio2`."
        ) from None
    return sounddevice


def _reason(error: Exception) -> str:
    """PortAudio's own words in an error of sounddevice, without its number."""
    return str(error.args[0]).split(" [PaErrorCode")[0]
