# From inventories to manifests of the training, validation and test set. Makes <results>/splits/.


rule split:
    """Which recordings a model is trained, validated and tested on."""
    input:
        inventories=inventories,
        # Bad recordings stop the workflow here, before hours of training.
        check="<results>/recordings/summary.csv",
    output:
        train="<results>/splits/{split}/train.csv",
        valid="<results>/splits/{split}/valid.csv",
        test="<results>/splits/{split}/test.csv",
        summary=report(
            "<results>/splits/{split}/summary.csv",
            caption="../report/split_summary.rst",
            category="Data",
            labels={"result": "split {split}"},
        ),
    log:
        "<logs>/split/{split}.log",
    benchmark:
        "<benchmarks>/split/{split}.tsv"
    conda:
        ENVIRONMENT
    resources:
        folder=str(FOLDER),
    params:
        split=lookup(within=config, dpath="splits/{split}"),
        lists=digest_of_lists,
        code=code_of("split.py"),
    script:
        "../scripts/split.py"
