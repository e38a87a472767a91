# From trained models to files for use elsewhere. Makes <results>/runs/<run>/export/.


rule export_model:
    """An ONNX model that takes waveforms, compared with PyTorch on the test set, and timed."""
    input:
        model="<results>/runs/{run}/model.pt",
        predictions="<results>/runs/{run}/predictions.csv",
    output:
        model="<results>/runs/{run}/export/model.onnx",
        classes="<results>/runs/{run}/export/classes.json",
        summary="<results>/runs/{run}/export/export.json",
    log:
        "<logs>/export_model/{run}.log",
    benchmark:
        "<benchmarks>/export_model/{run}.tsv"
    conda:
        ENVIRONMENT
    # All of them, so that no other job disturbs the timing.
    threads: workflow.cores
    resources:
        folder=str(FOLDER),
    params:
        keep=lookup(within=config, dpath="predict/keep"),
        window=lookup(within=config, dpath="audio/window"),
        code=code_of("export_model.py"),
    script:
        "../scripts/export_model.py"


rule write_model_card:
    """What an exported model is, how well it does, and what it is not for."""
    input:
        unpack(silence_of_run),
        stores=stores_of_run,
        summary="<results>/runs/{run}/export/export.json",
        metrics="<results>/runs/{run}/metrics.json",
        confusion="<results>/runs/{run}/confusion.csv",
        false_alarms=branch(
            lambda wildcards: may_meet_strangers(RUNS[wildcards.run]),
            then="<results>/runs/{run}/false_alarms.csv",
        ),
        train=manifest_of_run("train"),
        valid=manifest_of_run("valid"),
        test=manifest_of_run("test"),
    output:
        card="<results>/runs/{run}/export/model_card.md",
    log:
        "<logs>/write_model_card/{run}.log",
    benchmark:
        "<benchmarks>/write_model_card/{run}.tsv"
    conda:
        ENVIRONMENT
    resources:
        folder=str(FOLDER),
    params:
        settings=settings_of_card,
        data=facts_of_data,
        code=code_of("write_model_card.py"),
    script:
        "../scripts/write_model_card.py"
