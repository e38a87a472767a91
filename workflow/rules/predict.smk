# From any recordings to the words in them. Makes <results>/predicted/.


rule predict_words:
    """The words in the recordings that the config names, by one run's model."""
    input:
        # That they are not is told here, before a model is trained for them.
        asked_recordings_are_there,
        model="<results>/runs/{run}/model.pt",
    output:
        words="<results>/predicted/{run}.csv",
    log:
        "<logs>/predict_words/{run}.log",
    benchmark:
        "<benchmarks>/predict_words/{run}.tsv"
    conda:
        ENVIRONMENT
    threads: workflow.cores
    resources:
        gpu=gpus_of_run,
    params:
        recordings=lambda wildcards: asked_recordings(),
        keep=lookup(within=config, dpath="predict/keep"),
        settings=settings_for("predict_words"),
        code=code_of("predict_words.py"),
    script:
        "../scripts/predict_words.py"
