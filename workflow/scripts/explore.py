"""One recording's waveform, Fourier transform, spectrogram and complex spectrogram."""

from pathlib import Path

from spokenwords.jobs.log import job_log
from spokenwords.recordings import audio, checks
from spokenwords.report.plots import recording, style
from spokenwords.spectrograms.stft import STFT

with job_log(snakemake.log[0]):
    rate, window = (snakemake.params.audio[key] for key in ("sample_rate", "window"))
    length = round(snakemake.params.audio["seconds"] * rate)
    table = checks.read(snakemake.input.inventory)
    file = checks.recording(table, snakemake.params.recording)
    samples = audio.load(Path(snakemake.params.folder) / file, rate, length, window)
    figures = recording.figures(samples, STFT(rate, **snakemake.params.stft), file)
    for name, figure in figures.items():
        style.save(figure, snakemake.output[name])
