# From trained models to what they get right and wrong. Makes predictions.csv, metrics.json,
# confusion.* and alluvial.* in <results>/runs/<run>/.


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
