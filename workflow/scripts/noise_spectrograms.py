"""Complex spectrograms of the recordings of noise, as long as they are."""

from pathlib import Path

from spokenwords import names, noise, progress
from spokenwords.stft import STFT

with progress.job_log(snakemake.log[0]):
    audio, rounding = snakemake.params.audio, snakemake.params.rounding
    rate = audio["sample_rate"]
    noise.write(
        Path(snakemake.output.store).parent,
        Path(snakemake.resources.folder) / names.NOISE,
        list(snakemake.params.recordings),
        STFT(rate, **snakemake.params.stft),
        round(audio["seconds"] * rate),
        rounding or None,
    )
