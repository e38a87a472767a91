# From inventories to manifests of the training, validation and test set. Makes <results>/splits/.


rule split:
    """The recordings that a model is trained, validated and tested on."""
    input:
        inventories=collect(rules.inventory.output.inventory, word=words),
        # Unreadable recordings stop the workflow here, before hours of training.
        check="<results>/recordings/summary.csv",
    output:
        train="<results>/splits/{split}/train.csv",
        valid="<results>/splits/{split}/valid.csv",
        test="<results>/splits/{split}/test.csv",
        summary=report(
            "<results>/splits/{split}/summary.csv",
            caption="../report/split_summary.rst",
            category="Data",
            labels={"result": "split {split} (CSV)"},
        ),
    log:
        "<logs>/split/{split}.log",
    benchmark:
        "<benchmarks>/split/{split}.tsv"
    conda:
        ENVIRONMENT
    params:
        folder=untracked(DATA.folder),
        table=untracked(DATA.table),
        split=lookup(within=config["splits"], dpath="{split}"),
        lists=branch(
            lookup(within=config["splits"], dpath="{split}/method"),
            cases={"official": of_data(lambda wildcards: DATA.official_sets)},
            otherwise=[],
        ),
        code=code_of("split.py"),
    script:
        "../scripts/split.py"


rule plot_split:
    """Sets of each word's recordings, and speakers that are also in the training set."""
    input:
        train="<results>/splits/{split}/train.csv",
        valid="<results>/splits/{split}/valid.csv",
        test="<results>/splits/{split}/test.csv",
    output:
        plot=report(
            "<results>/splits/{split}/balance.svg",
            caption="../report/split_balance.rst",
            category="Data",
            labels={"result": "plot of split {split}"},
        ),
    log:
        "<logs>/plot_split/{split}.log",
    benchmark:
        "<benchmarks>/plot_split/{split}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code_of("plot_split.py"),
    script:
        "../scripts/plot_split.py"


rule measure_recordings:
    """Level, noise, voice, edges and spectrum of the test recordings."""
    input:
        # If a recording is replaced under its name, its inventory changes, but no manifest.
        inventories=collect(rules.inventory.output.inventory, word=words),
        train="<results>/splits/{split}/train.csv",
        test="<results>/splits/{split}/test.csv",
    output:
        properties="<results>/splits/{split}/test_properties.csv",
    log:
        "<logs>/measure_recordings/{split}.log",
    benchmark:
        "<benchmarks>/measure_recordings/{split}.tsv"
    conda:
        ENVIRONMENT
    params:
        folder=untracked(DATA.folder),
        audio=lookup(within=config, dpath="audio"),
        code=code_of("measure_recordings.py"),
    script:
        "../scripts/measure_recordings.py"
