# From any recordings to the words in them. Makes <results>/predicted/.


rule recognize:
    """The words in the recordings that the config names, by one run's model."""
    input:
        model="<results>/runs/{run}/model.pt",
    output:
        words="<results>/predicted/{run}.csv",
    log:
        "<logs>/recognize/{run}.log",
    benchmark:
        "<benchmarks>/recognize/{run}.tsv"
    conda:
        ENVIRONMENT
    threads: workflow.cores
    resources:
        gpu=1,
    params:
        recordings=asked_recordings,
        keep=lookup(within=config, dpath="predict/keep"),
        settings=settings_of_run("device", "precision"),
        code=code_of("recognize.py"),
    script:
        "../scripts/recognize.py"
