# From recordings to complex spectrograms. Makes <results>/features/.

# Recordings of noise are not cut to a window.
AUDIO_OF_NOISE = {key: config["audio"][key] for key in ("sample_rate", "seconds")}


rule spectrograms:
    """Complex spectrograms of one word, in one Zarr store."""
    input:
        inventory="<results>/inventory/{word}.csv",
    output:
        # A folder as output would have no checksum, and Snakemake's file in it would disturb Zarr.
        store="<results>/features/{features}/{word}.zarr/zarr.json",
    log:
        "<logs>/spectrograms/{features}/{word}.log",
    benchmark:
        "<benchmarks>/spectrograms/{features}/{word}.tsv"
    conda:
        ENVIRONMENT
    params:
        folder=untracked(DATA.folder),
        audio=lookup(within=config, dpath="audio"),
        features=lookup(within=config["features"], dpath="{features}"),
        code=code_of("spectrograms.py"),
    script:
        "../scripts/spectrograms.py"


rule noise_spectrograms:
    """Complex spectrograms of the recordings of noise, at their full length."""
    input:
        recordings_are_there,
    output:
        store=f"<results>/features/{{features}}/{names.NOISE}.zarr/zarr.json",
    log:
        "<logs>/noise_spectrograms/{features}.log",
    benchmark:
        "<benchmarks>/noise_spectrograms/{features}.tsv"
    conda:
        ENVIRONMENT
    params:
        folder=untracked(DATA.folder),
        recordings=of_data(lambda wildcards: DATA.noise),
        audio=AUDIO_OF_NOISE,
        stft=lookup(within=config["features"], dpath="{features}/stft"),
        rounding=lookup(within=config["features"], dpath="{features}/rounding"),
        code=code_of("noise_spectrograms.py"),
    script:
        "../scripts/noise_spectrograms.py"


rule silence_spectrograms:
    """Complex spectrograms of silence: segments of the recordings of noise."""
    input:
        recordings_are_there,
    output:
        store=f"<results>/features/{{features}}/{names.SILENCE_SEGMENTS}.zarr/zarr.json",
        segments=f"<results>/features/{{features}}/{names.SILENCE_SEGMENTS}.csv",
    log:
        "<logs>/silence_spectrograms/{features}.log",
    benchmark:
        "<benchmarks>/silence_spectrograms/{features}.tsv"
    conda:
        ENVIRONMENT
    params:
        folder=untracked(DATA.folder),
        recordings=of_data(lambda wildcards: DATA.noise),
        audio=AUDIO_OF_NOISE,
        features=lookup(within=config["features"], dpath="{features}"),
        code=code_of("silence_spectrograms.py"),
    script:
        "../scripts/silence_spectrograms.py"


rule negative_spectrograms:
    """Complex spectrograms of negatives: segments of sound without any of the words."""
    input:
        recordings_are_there,
        branch(SYNTHETIC_NEGATIVES, then=rules.synthesize_negatives.output.contents),
    output:
        store=f"<results>/features/{{features}}/{names.NEGATIVES}.zarr/zarr.json",
        segments=f"<results>/features/{{features}}/{names.NEGATIVES}.csv",
        parts=f"<results>/features/{{features}}/{names.NEGATIVES}parts.csv",
    log:
        "<logs>/negative_spectrograms/{features}.log",
    benchmark:
        "<benchmarks>/negative_spectrograms/{features}.tsv"
    conda:
        ENVIRONMENT
    threads: workflow.cores
    params:
        folders=untracked(FOLDERS_OF_NEGATIVES),
        digest=of_data(lambda wildcards: DATA.negatives),
        # The digest is that of the files which are left.
        words=lambda wildcards, output: list(DATA.words),
        on_unreadable=lookup(within=config, dpath="dataset/on_unreadable"),
        audio=AUDIO_OF_NOISE,
        features=lookup(within=config["features"], dpath="{features}"),
        code=code_of("negative_spectrograms.py"),
    script:
        "../scripts/negative_spectrograms.py"


rule measure_features:
    """Sizes of the stores on disk."""
    input:
        stores=collect(rules.spectrograms.output.store, word=words, allow_missing=True),
    output:
        sizes=report(
            "<results>/features/{features}/sizes.csv",
            caption="../report/features_sizes.rst",
            category="Features",
            labels={"result": "sizes of {features} (CSV)"},
        ),
    log:
        "<logs>/measure_features/{features}.log",
    benchmark:
        "<benchmarks>/measure_features/{features}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code_of("measure_features.py"),
    script:
        "../scripts/measure_features.py"


# The stores that a run needs.

stores_of_run = collect(
    rules.spectrograms.output.store, features=of_run("features"), word=words
)
noise_of_run = branch(
    lambda wildcards: RUNS[wildcards.run]["augmentation"]["noise_share"],
    then=collect(rules.noise_spectrograms.output.store, features=of_run("features")),
)
silence_of_run = branch(
    of_run("silence"),
    then=collect(rules.silence_spectrograms.output.store, features=of_run("features")),
)
segments_of_run = branch(
    of_run("silence"),
    then=collect(
        rules.silence_spectrograms.output.segments, features=of_run("features")
    ),
)
negatives_of_run = {
    kind: branch(of_run("negatives"), then=collect(output, features=of_run("features")))
    for kind, output in {
        "negatives": rules.negative_spectrograms.output.store,
        "negative_segments": rules.negative_spectrograms.output.segments,
        "negative_parts": rules.negative_spectrograms.output.parts,
    }.items()
}
