# From all runs to how they differ. Makes <results>/comparison/.


rule compare_runs:
    """Metrics of all runs, their spread over seeds, significance of differences, and words."""
    input:
        metrics=expand("<results>/runs/{run}/metrics.json", run=COMPARED),
        predictions=expand("<results>/runs/{run}/predictions.csv", run=COMPARED),
        streams=expand(
            "<results>/runs/{run}/stream.csv", run=with_false_alarms(COMPARED)
        ),
    output:
        runs="<results>/comparison/runs.csv",
        seeds="<results>/comparison/seeds.csv",
        pairs="<results>/comparison/pairs.csv",
        words="<results>/comparison/words.csv",
    log:
        "<logs>/compare_runs.log",
    benchmark:
        "<benchmarks>/compare_runs.tsv"
    conda:
        ENVIRONMENT
    params:
        runs={
            name: settings.of_rule("compare_runs", run) | {"run": run["run"]}
            for name, run in COMPARED.items()
        },
        code=code_of("compare_runs.py"),
    script:
        "../scripts/compare_runs.py"


rule plot_comparison:
    """Metrics, words, learning curves and differences of all runs, as plots."""
    input:
        runs="<results>/comparison/runs.csv",
        seeds="<results>/comparison/seeds.csv",
        pairs="<results>/comparison/pairs.csv",
        words="<results>/comparison/words.csv",
        logs=expand("<results>/runs/{run}/log.csv", run=COMPARED),
    output:
        accuracy=report(
            "<results>/comparison/accuracy.svg",
            caption="../report/comparison_accuracy.rst",
            category="Comparison",
            labels={"result": "accuracy, loss and macro F1"},
        ),
        words=report(
            "<results>/comparison/words.svg",
            caption="../report/comparison_words.rst",
            category="Comparison",
            labels={"result": "words gained and lost"},
        ),
        histories=report(
            "<results>/comparison/histories.svg",
            caption="../report/comparison_histories.rst",
            category="Comparison",
            labels={"result": "learning curves"},
        ),
        pairs=report(
            "<results>/comparison/pairs.svg",
            caption="../report/comparison_pairs.rst",
            category="Comparison",
            labels={"result": "differences between models"},
        ),
    log:
        "<logs>/plot_comparison.log",
    benchmark:
        "<benchmarks>/plot_comparison.tsv"
    conda:
        ENVIRONMENT
    params:
        runs=list(COMPARED),
        published={RUNS[run]["run"]: PUBLISHED[run] for run in RUNS if PUBLISHED[run]},
        code=code_of("plot_comparison.py"),
    script:
        "../scripts/plot_comparison.py"


rule tabulate_comparison:
    """Metrics, seeds, pairs and words of all runs, as tables on one page."""
    input:
        runs="<results>/comparison/runs.csv",
        seeds="<results>/comparison/seeds.csv",
        pairs="<results>/comparison/pairs.csv",
        words="<results>/comparison/words.csv",
    output:
        page=report(
            "<results>/comparison/tables.html",
            caption="../report/comparison_tables.rst",
            category="Comparison",
            labels={"result": "tables"},
        ),
    log:
        "<logs>/tabulate_comparison.log",
    benchmark:
        "<benchmarks>/tabulate_comparison.tsv"
    conda:
        ENVIRONMENT
    params:
        page="tables_comparison.yaml",
        content=content_of("tables.html", "tables_comparison.yaml"),
        code=code_of("write_tables.py"),
    script:
        "../scripts/write_tables.py"
