# From recordings to complex spectrograms. Makes <results>/features/.


rule spectrograms:
    """Complex spectrograms of one word, in one Zarr store."""
    input:
        inventory="<results>/inventory/{word}.csv",
    output:
        # A directory as output would have no checksum, and Snakemake's stamp in it disturbs Zarr.
        store="<results>/features/{features}/{word}.zarr/zarr.json",
    log:
        "<logs>/spectrograms/{features}/{word}.log",
    benchmark:
        "<benchmarks>/spectrograms/{features}/{word}.tsv"
    conda:
        ENVIRONMENT
    resources:
        folder=str(FOLDER),
    params:
        audio=lookup(within=config, dpath="audio"),
        features=lookup(within=config, dpath="features/{features}"),
        code=code_of("spectrograms.py"),
    script:
        "../scripts/spectrograms.py"


rule measure_features:
    """What the stores take on disk."""
    input:
        stores=stores_of_features,
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
