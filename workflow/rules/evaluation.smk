# From trained models to their correct predictions and errors. Makes predictions.csv, metrics.json,
# confusion.*, alluvial.*, reliability.csv, coverage.csv, calibration.svg, false_alarms.*, stream.*,
# difficulty*, tables.html and gallery.html in <results>/runs/<run>/.


rule evaluate:
    """Predictions of the test set, metrics, and the confusion table."""
    input:
        stores=stores_of_run,
        test=file_of_split("test.csv"),
        model="<results>/runs/{run}/model.pt",
        training="<results>/runs/{run}/training.json",
    output:
        predictions="<results>/runs/{run}/predictions.csv",
        metrics="<results>/runs/{run}/metrics.json",
        confusion="<results>/runs/{run}/confusion.csv",
    log:
        "<logs>/evaluate/{run}.log",
    benchmark:
        "<benchmarks>/evaluate/{run}.tsv"
    conda:
        ENVIRONMENT
    threads: workflow.cores
    resources:
        gpu=gpus_of_run,
        mem_mb=memory_of_run,
    params:
        settings=settings_for("evaluate"),
        code=code_of("evaluate.py"),
    script:
        "../scripts/evaluate.py"


rule plot_confusion:
    """The confusion table as a heat map."""
    input:
        confusion="<results>/runs/{run}/confusion.csv",
    output:
        plot=report(
            "<results>/runs/{run}/confusion.svg",
            caption="../report/confusion.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "confusion heat map"},
        ),
    log:
        "<logs>/plot_confusion/{run}.log",
    benchmark:
        "<benchmarks>/plot_confusion/{run}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code_of("plot_confusion.py"),
    script:
        "../scripts/plot_confusion.py"


rule plot_alluvial:
    """Predicted words flowing into spoken words: the alluvial plot."""
    input:
        confusion="<results>/runs/{run}/confusion.csv",
    output:
        plot="<results>/runs/{run}/alluvial.svg",
        image="<results>/runs/{run}/alluvial.png",
        # The only one in the report: it shows what the plot shows, and counts.
        page=report(
            "<results>/runs/{run}/alluvial.html",
            caption="../report/alluvial.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "alluvial plot"},
        ),
    log:
        "<logs>/plot_alluvial/{run}.log",
    benchmark:
        "<benchmarks>/plot_alluvial/{run}.tsv"
    conda:
        ENVIRONMENT
    params:
        template=content_of("alluvial.html"),
        code=code_of("plot_alluvial.py"),
    script:
        "../scripts/plot_alluvial.py"


rule calibrate:
    """Calibration of probabilities, and accuracy with selective answers."""
    input:
        predictions="<results>/runs/{run}/predictions.csv",
    output:
        reliability="<results>/runs/{run}/reliability.csv",
        coverage="<results>/runs/{run}/coverage.csv",
        plot=report(
            "<results>/runs/{run}/calibration.svg",
            caption="../report/calibration.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "calibration"},
        ),
    log:
        "<logs>/calibrate/{run}.log",
    benchmark:
        "<benchmarks>/calibrate/{run}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code_of("calibrate.py"),
    script:
        "../scripts/calibrate.py"


rule find_false_alarms:
    """False accepts on other words and on noise, over the share of words recognised."""
    input:
        stores=stores_of_run,
        test=file_of_split("test.csv"),
        model="<results>/runs/{run}/model.pt",
    output:
        table="<results>/runs/{run}/false_alarms.csv",
        plot=report(
            "<results>/runs/{run}/false_alarms.svg",
            caption="../report/false_alarms.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "false alarms"},
        ),
    log:
        "<logs>/find_false_alarms/{run}.log",
    benchmark:
        "<benchmarks>/find_false_alarms/{run}.tsv"
    conda:
        ENVIRONMENT
    threads: workflow.cores
    resources:
        gpu=gpus_of_run,
        mem_mb=memory_of_run,
    params:
        folder=untracked(DATA.folder),
        settings=settings_for("find_false_alarms"),
        noise=of_data(lambda wildcards: DATA.noise),
        code=code_of("find_false_alarms.py"),
    script:
        "../scripts/find_false_alarms.py"


rule score_stream:
    """Words found and false alarms in a labelled stream, over the threshold."""
    input:
        # If a recording is replaced under its name, its inventory changes, but no manifest.
        inventories=collect(rules.inventory.output.inventory, word=words),
        test=file_of_split("test.csv"),
        parts=negatives_of_run["negative_parts"],
        model="<results>/runs/{run}/model.pt",
    output:
        table="<results>/runs/{run}/stream.csv",
        plot=report(
            "<results>/runs/{run}/stream.svg",
            caption="../report/stream.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "labelled stream"},
        ),
        page=report(
            "<results>/runs/{run}/stream.html",
            caption="../report/stream_page.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "labelled stream, with sound"},
        ),
    log:
        "<logs>/score_stream/{run}.log",
    benchmark:
        "<benchmarks>/score_stream/{run}.tsv"
    conda:
        ENVIRONMENT
    threads: workflow.cores
    resources:
        gpu=gpus_of_run,
    params:
        folder=untracked(DATA.folder),
        negatives=untracked(FOLDERS_OF_NEGATIVES),
        noise=of_data(lambda wildcards: DATA.noise),
        window=lookup(within=config, dpath="audio/window"),
        stream=lookup(within=config, dpath="stream"),
        keep=lookup(within=config, dpath="predict/keep"),
        false_alarms_per_hour=of_target,
        settings=settings_for("score_stream"),
        template=content_of("stream.html"),
        code=code_of("score_stream.py"),
    script:
        "../scripts/score_stream.py"


rule difficulty:
    """Errors by properties of recordings, one by one and together."""
    input:
        predictions="<results>/runs/{run}/predictions.csv",
        properties=file_of_split("test_properties.csv"),
    output:
        rates="<results>/runs/{run}/difficulty.csv",
        model="<results>/runs/{run}/difficulty_model.csv",
        plot=report(
            "<results>/runs/{run}/difficulty.svg",
            caption="../report/difficulty.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "errors by properties"},
        ),
    log:
        "<logs>/difficulty/{run}.log",
    benchmark:
        "<benchmarks>/difficulty/{run}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code_of("difficulty.py"),
    script:
        "../scripts/difficulty.py"


rule gallery:
    """Spectrograms and sounds of mistakes, in one HTML file."""
    input:
        predictions="<results>/runs/{run}/predictions.csv",
        metrics="<results>/runs/{run}/metrics.json",
    output:
        page=report(
            "<results>/runs/{run}/gallery.html",
            caption="../report/gallery.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "error gallery"},
        ),
    log:
        "<logs>/gallery/{run}.log",
    benchmark:
        "<benchmarks>/gallery/{run}.tsv"
    conda:
        ENVIRONMENT
    params:
        folder=untracked(DATA.folder),
        audio=lookup(within=config, dpath="audio"),
        template=content_of("gallery.html"),
        code=code_of("gallery.py"),
    script:
        "../scripts/gallery.py"


rule tabulate_run:
    """Confusions, and errors by properties, as tables on one page."""
    input:
        confusion="<results>/runs/{run}/confusion.csv",
        rates="<results>/runs/{run}/difficulty.csv",
        model="<results>/runs/{run}/difficulty_model.csv",
    output:
        page=report(
            "<results>/runs/{run}/tables.html",
            caption="../report/run_tables.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "tables"},
        ),
    log:
        "<logs>/tabulate_run/{run}.log",
    benchmark:
        "<benchmarks>/tabulate_run/{run}.tsv"
    conda:
        ENVIRONMENT
    params:
        page="tables_run.yaml",
        content=content_of("tables.html", "tables_run.yaml"),
        code=code_of("write_tables.py"),
    script:
        "../scripts/write_tables.py"
