# From trained models to files for use elsewhere. Makes <results>/web_runtime.json and
# <results>/runs/<run>/export/.

WEB = SCRIPTS.parents[1] / "envs/web"


rule export_model:
    """An ONNX model of waveforms, compared with PyTorch on the test set, and timed."""
    input:
        model="<results>/runs/{run}/model.pt",
        predictions="<results>/runs/{run}/predictions.csv",
        train=file_of_split("train.csv"),
    output:
        # Next to it, `model.int8.onnx`, if that is accurate; outputs of a rule are never optional.
        model="<results>/runs/{run}/export/model.onnx",
        classes="<results>/runs/{run}/export/classes.json",
        summary="<results>/runs/{run}/export/export.json",
    log:
        "<logs>/export_model/{run}.log",
    benchmark:
        "<benchmarks>/export_model/{run}.tsv"
    conda:
        ENVIRONMENT
    # All cores, so that no other job disturbs the timing.
    threads: workflow.cores
    params:
        folder=untracked(DATA.folder),
        keep=lookup(within=config, dpath="predict/keep"),
        false_alarms_per_hour=lookup(
            within=config, dpath="predict/false_alarms_per_hour"
        ),
        window=lookup(within=config, dpath="audio/window"),
        code=code_of("export_model.py"),
    script:
        "../scripts/export_model.py"


rule fetch_web_runtime:
    """ONNX Runtime for browsers, by npm; without npm, the reason why it is missing."""
    output:
        runtime="<results>/web_runtime.json",
    log:
        "<logs>/fetch_web_runtime.log",
    benchmark:
        "<benchmarks>/fetch_web_runtime.tsv"
    conda:
        ENVIRONMENT
    params:
        locked=fingerprint.of_files([WEB / "package-lock.json"]),
        code=code_of("fetch_web_runtime.py"),
    script:
        "../scripts/fetch_web_runtime.py"


rule write_listen_page:
    """A page that recognises words from the microphone."""
    input:
        runtime=rules.fetch_web_runtime.output.runtime,
        model=rules.export_model.output.model,
        classes=rules.export_model.output.classes,
    output:
        # Next to it, `listen.html`, if there is a runtime.
        summary="<results>/runs/{run}/export/listen.json",
    log:
        "<logs>/write_listen_page/{run}.log",
    benchmark:
        "<benchmarks>/write_listen_page/{run}.tsv"
    conda:
        ENVIRONMENT
    params:
        template=content_of("listen.html", "listen_decoder.js"),
        code=code_of("write_listen_page.py"),
    script:
        "../scripts/write_listen_page.py"


rule write_model_card:
    """The card of an exported model: data, training, metrics, and limits."""
    input:
        stores=stores_of_run,
        segments=segments_of_run,
        summary="<results>/runs/{run}/export/export.json",
        page=rules.write_listen_page.output.summary,
        metrics="<results>/runs/{run}/metrics.json",
        confusion="<results>/runs/{run}/confusion.csv",
        false_alarms=branch(
            lambda wildcards: wildcards.run in with_false_alarms(RUNS),
            then=rules.find_false_alarms.output.table,
        ),
        train=file_of_split("train.csv"),
        valid=file_of_split("valid.csv"),
        test=file_of_split("test.csv"),
    output:
        card="<results>/runs/{run}/export/model_card.md",
    log:
        "<logs>/write_model_card/{run}.log",
    benchmark:
        "<benchmarks>/write_model_card/{run}.tsv"
    conda:
        ENVIRONMENT
    params:
        folder=untracked(DATA.folder),
        settings=lambda wildcards: settings.for_card(config, RUNS[wildcards.run]),
        data=of_data(lambda wildcards: DATA.origin),
        code=code_of("write_model_card.py"),
    script:
        "../scripts/write_model_card.py"
