# One recording, drawn in every way that it is looked at. Makes <results>/explore/.


rule explore:
    """A recording's waveform, Fourier transform, spectrogram and complex spectrogram."""
    input:
        unpack(inventory_of_explored_word),
    output:
        **{
            name: report(
                f"<results>/explore/{name}.svg",
                caption=f"../report/explore_{name}.rst",
                category="Features",
                labels={"result": name.replace("_", " ")},
            )
            for name in EXPLORATIONS
        },
    log:
        "<logs>/explore.log",
    benchmark:
        "<benchmarks>/explore.tsv"
    conda:
        ENVIRONMENT
    resources:
        folder=str(FOLDER),
    params:
        recording=lookup(within=config, dpath="explore/recording"),
        audio=lookup(within=config, dpath="audio"),
        # As the network of the first run sees it.
        stft=config["features"][RUNS[TRAINED[0]]["features"]]["stft"],
        code=code_of("explore.py"),
    script:
        "../scripts/explore.py"
