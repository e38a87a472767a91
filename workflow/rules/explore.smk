# From one recording to plots of it. Makes <results>/explore/.


rule explore:
    """A recording's waveform, Fourier transform, spectrogram and complex spectrogram."""
    input:
        inventory=of_data(
            lambda wildcards: "<results>/inventory/{}.csv".format(
                DATA.word_of(config["explore"]["recording"])
            )
        ),
    output:
        **{
            name: report(
                f"<results>/explore/{name}.svg",
                caption=f"../report/explore_{name}.rst",
                category="Features",
                labels={"result": name.replace("_", " ")},
            )
            for name in (
                *("waveform", "fourier_transform"),
                *("spectrogram", "complex_spectrogram"),
            )
        },
    log:
        "<logs>/explore.log",
    benchmark:
        "<benchmarks>/explore.tsv"
    conda:
        ENVIRONMENT
    params:
        folder=untracked(DATA.folder),
        recording=lookup(within=config, dpath="explore/recording"),
        audio=lookup(within=config, dpath="audio"),
        # As the network of the first trained run gets it.
        stft=config["features"][next(iter(TRAINED.values()))["features"]]["stft"],
        code=code_of("explore.py"),
    script:
        "../scripts/explore.py"
