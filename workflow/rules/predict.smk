# From any recordings to the words in them. Makes <results>/predicted/.


rule predict_words:
    """Words in the recordings that `predict` names, found by the model of one run."""
    input:
        # Checked before a model is trained for them.
        lambda wildcards: recordings_to_predict() and [],
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
        recordings=lambda wildcards: recordings_to_predict(),
        keep=lookup(within=config, dpath="predict/keep"),
        false_alarms_per_hour=lookup(
            within=config, dpath="predict/false_alarms_per_hour"
        ),
        settings=settings_for("predict_words"),
        code=code_of("predict_words.py"),
    script:
        "../scripts/predict_words.py"
