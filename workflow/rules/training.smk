# From stores and manifests to trained models. Makes learning_rate.*, model.pt, log.csv,
# training.json and history.* in <results>/runs/<run>/.


rule find_learning_rate:
    """The learning rate range test: the loss of a short training with a rising rate."""
    input:
        stores=stores_of_run,
        silence=silence_of_run,
        segments=segments_of_run,
        negatives=negatives_of_run["negatives"],
        negative_segments=negatives_of_run["negative_segments"],
        train=file_of_split("train.csv"),
    output:
        rates="<results>/runs/{run}/learning_rate.csv",
    log:
        "<logs>/find_learning_rate/{run}.log",
    benchmark:
        "<benchmarks>/find_learning_rate/{run}.tsv"
    conda:
        ENVIRONMENT
    threads: workflow.cores
    resources:
        gpu=gpus_of_run,
        mem_mb=memory_of_run,
    params:
        settings=settings_for("find_learning_rate"),
        code=code_of("find_learning_rate.py"),
    script:
        "../scripts/find_learning_rate.py"


rule plot_learning_rates:
    """The range test as a plot, with the suggested rate and the one that the run uses."""
    input:
        rates="<results>/runs/{run}/learning_rate.csv",
    output:
        plot=report(
            "<results>/runs/{run}/learning_rate.svg",
            caption="../report/learning_rate.rst",
            category="Training",
            subcategory="{run}",
            labels={"result": "learning rate range test"},
        ),
    log:
        "<logs>/plot_learning_rates/{run}.log",
    benchmark:
        "<benchmarks>/plot_learning_rates/{run}.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=settings_for("plot_learning_rates"),
        code=code_of("plot_learning_rates.py"),
    script:
        "../scripts/plot_learning_rates.py"


rule train:
    """The model of a run, trained from the stores."""
    input:
        **negatives_of_run,
        stores=stores_of_run,
        noise=noise_of_run,
        silence=silence_of_run,
        segments=segments_of_run,
        train=file_of_split("train.csv"),
        valid=file_of_split("valid.csv"),
        rates=branch(
            of_run("max_lr"),
            cases={"auto": rules.find_learning_rate.output.rates},
            otherwise=[],
        ),
    output:
        model="<results>/runs/{run}/model.pt",
        log="<results>/runs/{run}/log.csv",
        summary="<results>/runs/{run}/training.json",
    log:
        "<logs>/train/{run}.log",
    benchmark:
        "<benchmarks>/train/{run}.tsv"
    conda:
        ENVIRONMENT
    threads: workflow.cores
    resources:
        gpu=gpus_of_run,
        mem_mb=memory_of_run,
    params:
        negatives=untracked(FOLDERS_OF_NEGATIVES),
        settings=settings_for("train"),
        code=code_of("train.py"),
    script:
        "../scripts/train.py"


rule plot_history:
    """Loss and accuracy over the epochs."""
    input:
        log="<results>/runs/{run}/log.csv",
        summary="<results>/runs/{run}/training.json",
    output:
        plot=report(
            "<results>/runs/{run}/history.svg",
            caption="../report/history.rst",
            category="Training",
            subcategory="{run}",
            labels={"result": "training history"},
        ),
    log:
        "<logs>/plot_history/{run}.log",
    benchmark:
        "<benchmarks>/plot_history/{run}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code_of("plot_history.py"),
    script:
        "../scripts/plot_history.py"
