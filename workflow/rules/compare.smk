# From all runs of the catalogue to how they differ. Makes <results>/comparison/.


rule compare_runs:
    """All runs side by side: figures, spread over seeds, significance, words."""
    input:
        metrics=expand("<results>/runs/{run}/metrics.json", run=RUNS),
        predictions=expand("<results>/runs/{run}/predictions.csv", run=RUNS),
    output:
        runs=report(
            "<results>/comparison/runs.csv",
            caption="../report/comparison_runs.rst",
            category="Comparison",
            labels={"result": "figures of all runs"},
        ),
        seeds=report(
            "<results>/comparison/seeds.csv",
            caption="../report/comparison_seeds.rst",
            category="Comparison",
            labels={"result": "mean and spread over seeds"},
        ),
        pairs=report(
            "<results>/comparison/pairs.csv",
            caption="../report/comparison_pairs.rst",
            category="Comparison",
            labels={"result": "differences and their significance"},
        ),
        words=report(
            "<results>/comparison/words.csv",
            caption="../report/comparison_words.rst",
            category="Comparison",
            labels={"result": "recall of each word"},
        ),
    log:
        "<logs>/compare_runs.log",
    benchmark:
        "<benchmarks>/compare_runs.tsv"
    conda:
        ENVIRONMENT
    params:
        runs=settings_of_runs(
            RUNS, "run", "split", "features", "representation", "seed"
        ),
        code=code_of("compare_runs.py"),
    script:
        "../scripts/compare_runs.py"


rule plot_comparison:
    """All runs side by side, drawn."""
    input:
        runs="<results>/comparison/runs.csv",
        seeds="<results>/comparison/seeds.csv",
        pairs="<results>/comparison/pairs.csv",
        words="<results>/comparison/words.csv",
        logs=expand("<results>/runs/{run}/log.csv", run=RUNS),
    output:
        accuracy=report(
            "<results>/comparison/accuracy.svg",
            caption="../report/comparison_accuracy.rst",
            category="Comparison",
            labels={"result": "accuracy, loss and macro F1"},
        ),
        words=report(
            "<results>/comparison/words.svg",
            caption="../report/comparison_words_plot.rst",
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
            caption="../report/comparison_pairs_plot.rst",
            category="Comparison",
            labels={"result": "which differences are real"},
        ),
    log:
        "<logs>/plot_comparison.log",
    benchmark:
        "<benchmarks>/plot_comparison.tsv"
    conda:
        ENVIRONMENT
    params:
        runs=settings_of_runs(
            RUNS, "run", "split", "features", "representation", "seed"
        ),
        published={
            settings["run"]: accuracy
            for run, settings in RUNS.items()
            if (accuracy := published_accuracy(run))
        },
        code=code_of("plot_comparison.py"),
    script:
        "../scripts/plot_comparison.py"
