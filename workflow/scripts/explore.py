"""A recording's waveform, Fourier transform, spectrogram and complex spectrogram."""

from pathlib import Path

import numpy as np

from spokenwords.jobs.log import job_log
from spokenwords.recordings import audio, checks
from spokenwords.report.plots import recording, style
from spokenwords.spectrograms.stft import STFT

WINDOW = 512  # samples, with steps of half a window, as in the published exploration

with job_log(snakemake.log[0]):
    rate = snakemake.params.audio["sample_rate"]
    length = round(snakemake.params.audio["seconds"] * rate)
    table = checks.read(snakemake.input.inventory)
    file = checks.recording(table, snakemake.params.recording)
    path, window = Path(snakemake.params.folder) / file, snakemake.params.audio["window"]
    samples = audio.load(path, rate, length, window)

    coarse = STFT(rate, WINDOW, WINDOW / rate, WINDOW / 2 / rate, normalized=False)
    as_seen = STFT(rate, **snakemake.params.stft)
    magnitudes = np.hypot(*coarse.complex_spectrogram(samples))
    values = as_seen.complex_spectrogram(samples)

    figures = {
        "waveform": recording.waveform(samples, rate, file),
        "fourier_transform": recording.fourier_magnitude(samples, rate, file),
        "spectrogram": recording.spectrogram(
            magnitudes, coarse.frequency(), coarse.time(length), file
        ),
        "complex_spectrogram": recording.complex_spectrogram(
            values, as_seen.frequency(), as_seen.time(length), file
        ),
    }
    for name, figure in figures.items():
        style.save(figure, snakemake.output[name])
