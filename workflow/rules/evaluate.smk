# From trained models to what they get right and wrong. Makes predictions.csv, metrics.json,
# confusion.*, alluvial.*, reliability.csv, coverage.csv, calibration.svg, difficulty* and gallery.html
# in <results>/runs/<run>/.


rule evaluate:
    """Predictions for the test set, metrics, and the confusion table."""
    input:
        stores=stores_of_run,
        test=manifest_of_run("test"),
        model="<results>/runs/{run}/model.pt",
        training="<results>/runs/{run}/training.json",
    output:
        predictions="<results>/runs/{run}/predictions.csv",
        metrics="<results>/runs/{run}/metrics.json",
        confusion=report(
            "<results>/runs/{run}/confusion.csv",
            caption="../report/confusion_table.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "confusion table"},
        ),
    log:
        "<logs>/evaluate/{run}.log",
    benchmark:
        "<benchmarks>/evaluate/{run}.tsv"
    conda:
        ENVIRONMENT
    threads: workflow.cores
    resources:
        gpu=1,
    params:
        settings=settings_of_run("device", "precision", "memory_budget"),
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
    """Predictions flowing into targets."""
    input:
        confusion="<results>/runs/{run}/confusion.csv",
    output:
        plot=report(
            "<results>/runs/{run}/alluvial.svg",
            caption="../report/alluvial.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "alluvial plot"},
        ),
        image="<results>/runs/{run}/alluvial.png",
        interactive=report(
            "<results>/runs/{run}/alluvial.html",
            caption="../report/alluvial_interactive.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "alluvial plot, interactive"},
        ),
    log:
        "<logs>/plot_alluvial/{run}.log",
    benchmark:
        "<benchmarks>/plot_alluvial/{run}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code_of("plot_alluvial.py"),
    script:
        "../scripts/plot_alluvial.py"


rule calibrate:
    """Whether probabilities can be believed, and what is gained by not answering."""
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


rule difficulty:
    """What makes a recording hard: errors over its properties, one by one and together."""
    input:
        predictions="<results>/runs/{run}/predictions.csv",
        properties=properties_of_run,
    output:
        rates=report(
            "<results>/runs/{run}/difficulty.csv",
            caption="../report/difficulty_rates.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "error rates over properties"},
        ),
        model=report(
            "<results>/runs/{run}/difficulty_model.csv",
            caption="../report/difficulty_model.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "properties taken together"},
        ),
        plot=report(
            "<results>/runs/{run}/difficulty.svg",
            caption="../report/difficulty.rst",
            category="Evaluation",
            subcategory="{run}",
            labels={"result": "what makes a recording hard"},
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
    """Mistakes to look at and listen to, in one HTML file."""
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
    resources:
        folder=str(FOLDER),
        template=str(GALLERY),
    params:
        audio=lookup(within=config, dpath="audio"),
        template=fingerprint.of_files([GALLERY]),
        code=code_of("gallery.py"),
    script:
        "../scripts/gallery.py"
