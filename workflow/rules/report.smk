# From everything that there is to what is read first. Makes <results>/headline.rst, report.html and
# config.yaml, and of all runs of the catalogue comparison/headline.rst and comparison.html.


rule headline:
    """The report's opening page: what was trained on what, and how well it did."""
    input:
        **inputs_of_headline(TRAINED),
    output:
        page="<results>/headline.rst",
    log:
        "<logs>/headline.log",
    benchmark:
        "<benchmarks>/headline.tsv"
    conda:
        ENVIRONMENT
    params:
        runs=facts_of(TRAINED),
        source=lookup(within=config, dpath="dataset/source"),
        code=code_of("headline.py"),
    script:
        "../scripts/headline.py"


use rule headline as headline_of_comparison with:
    input:
        **inputs_of_headline(COMPARED),
    output:
        page="<results>/comparison/headline.rst",
    log:
        "<logs>/headline_of_comparison.log",
    benchmark:
        "<benchmarks>/headline_of_comparison.tsv"
    params:
        runs=facts_of(COMPARED),
        source=lookup(within=config, dpath="dataset/source"),
        code=code_of("headline.py"),


rule html_report:
    """All plots and tables with their captions, in one HTML file."""
    input:
        targets_of_source,
        targets_of_dataset(TRAINED),
        targets_of_explore,
        files_of_runs(TRAINED),
        headline=rules.headline.output.page,
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
        stylesheet=str(STYLESHEET),
    params:
        texts=fingerprint.of_files([*CAPTIONS, STYLESHEET]),
        code=code_of("html_report.py"),
    script:
        "../scripts/html_report.py"


use rule html_report as html_comparison with:
    input:
        targets_of_source,
        targets_of_dataset(COMPARED),
        targets_of_explore,
        # Without galleries and interactive plots: of many runs they would make a page too heavy.
        expand(
            "<results>/runs/{run}/{file}",
            run=COMPARED,
            file=["history.svg", "confusion.svg", "calibration.svg", "difficulty.svg"],
        ),
        false_alarms(COMPARED, "svg"),
        files_of_comparison(),
        headline=rules.headline_of_comparison.output.page,
    output:
        page="<results>/comparison.html",
    log:
        "<logs>/html_comparison.log",
    benchmark:
        "<benchmarks>/html_comparison.tsv"
