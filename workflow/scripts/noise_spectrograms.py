"""Write the complex spectrograms of the noise recordings at full length."""

from pathlib import Path

from spokenwords import names
from spokenwords.jobs.log import job_log
from spokenwords.spectrograms.stft import STFT
from spokenwords.spectrograms.write_noise import write_noise_store

with job_log(snakemake.log[0]):
    audio, rounding = snakemake.params.audio, snakemake.params.rounding
    rate = audio["sample_rate"]
    write_noise_store(
        Path(snakemake.output.store).parent,
        Path(snakemake.params.folder) / names.NOISE,
        list(snakemake.params.recordings),
        STFT(rate, **snakemake.params.stft),
        round(audio["seconds"] * rate),
        rounding or None,
    )
