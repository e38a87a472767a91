# From all results to what is read first. Makes headline.rst, report.html and config.yaml in
# <results>/, and of all runs comparison/headline.rst, comparison/config.yaml and comparison.html.


import snakemake_report


# The Snakemake that makes a report is given the report's opening page by this variable.
report: os.environ.get(snakemake_report.OPENING, f"{RESULTS.absolute()}/headline.rst")


rule headline:
    """The opening page of the report: data, training and metrics of each run."""
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
        page="opening_report.rst",
        content=content_of("opening_report.rst"),
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
        page="opening_comparison.rst",
        content=content_of("opening_comparison.rst"),
        code=code_of("headline.py"),


rule html_report:
    """All plots and tables with their captions, in one HTML file."""
    input:
        *files_of_data(TRAINED),
        *files_of_runs(TRAINED),
        rules.explore.output,
        headline=rules.headline.output.page,
    output:
        # And config.yaml next to the headline, which is no output: it may be this run's own config.
        page="<results>/report.html",
    log:
        "<logs>/html_report.log",
    benchmark:
        "<benchmarks>/html_report.tsv"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        # Captions; the opening page is an input.
        texts=fingerprint.of_files(
            [
                *set(REPORT.glob("*.rst")).difference(REPORT.glob("opening_*")),
                REPORT / "report.css",
            ]
        ),
        code=code_of("html_report.py"),
    script:
        "../scripts/html_report.py"


use rule html_report as html_comparison with:
    input:
        *files_of_data(COMPARED),
        rules.explore.output,
        # Without galleries and interactive plots: of many runs they would make a page too heavy.
        collect(rules.plot_history.output.plot, run=COMPARED),
        collect(rules.plot_confusion.output.plot, run=COMPARED),
        collect(rules.calibrate.output.plot, run=COMPARED),
        collect(rules.difficulty.output.plot, run=COMPARED),
        collect(rules.find_false_alarms.output.plot, run=with_false_alarms(COMPARED)),
        collect(rules.score_stream.output.plot, run=with_false_alarms(COMPARED)),
        *(rule.output for rule in OF_COMPARISON),
        headline=rules.headline_of_comparison.output.page,
    output:
        page="<results>/comparison.html",
    log:
        "<logs>/html_comparison.log",
    benchmark:
        "<benchmarks>/html_comparison.tsv"
