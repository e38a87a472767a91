# From everything that there is to what is read first. Makes <results>/headline.rst and report.html.


rule headline:
    """The report's opening page: what was trained on what, and how well it did."""
    input:
        metrics=expand("<results>/runs/{run}/metrics.json", run=config["train"]),
        splits=expand(
            "<results>/splits/{split}/summary.csv", split=splits_of_trained_runs()
        ),
        recordings="<results>/recordings/summary.csv",
    output:
        page="<results>/headline.rst",
    log:
        "<logs>/headline.log",
    benchmark:
        "<benchmarks>/headline.tsv"
    conda:
        ENVIRONMENT
    params:
        runs={
            run: {key: config["runs"][run][key] for key in ("split", "representation")}
            for run in config["train"]
        },
        source=lookup(within=config, dpath="dataset/source"),
        code=code_of("headline.py"),
    script:
        "../scripts/headline.py"


rule html_report:
    """All plots and tables with their captions, in one HTML file."""
    input:
        targets_of_source,
        targets_of_dataset,
        targets_of_runs,
        targets_of_explore,
        rules.headline.output.page,
    output:
        # And config.yaml beside it, which is no output: it may be the config of this very run.
        page="<results>/report.html",
    log:
        "<logs>/html_report.log",
    benchmark:
        "<benchmarks>/html_report.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    resources:
        snakefile=str(workflow.main_snakefile),
    params:
        captions=fingerprint.of_files(CAPTIONS),
        code=code_of("html_report.py"),
    script:
        "../scripts/html_report.py"
