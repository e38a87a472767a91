# Needs common.smk. Makes the functions that say which files targets and reports are made of.

from itertools import chain

FILES_OF_RECORDINGS = [
    *("summary.csv", "duplicates.csv", "oddities.csv", "rejected.csv", "overview.svg"),
    "tables.html",
]
FILES_OF_SPLIT = [
    *("train.csv", "valid.csv", "test.csv", "summary.csv"),
    *("balance.svg", "test_properties.csv"),
]
FILES_OF_RUN = [
    *("learning_rate.csv", "learning_rate.svg"),
    *("model.pt", "log.csv", "training.json", "history.svg"),
    *("predictions.csv", "metrics.json", "confusion.csv", "confusion.svg"),
    *("alluvial.svg", "alluvial.png", "alluvial.html", "gallery.html"),
    *("reliability.csv", "coverage.csv", "calibration.svg"),
    *("difficulty.csv", "difficulty_model.csv", "difficulty.svg", "tables.html"),
]
FILES_OF_EXPORT = ["model.onnx", "classes.json", "export.json", "model_card.md"]
FILES_OF_COMPARISON = [
    *("accuracy.svg", "histories.svg", "pairs.svg", "words.svg"),
    *("runs.csv", "seeds.csv", "pairs.csv", "words.csv", "tables.html"),
]


# Compared are all runs, with the first that the config trains: the others gain or lose on it.
COMPARED = [*TRAINED, *(run for run in RUNS if run not in TRAINED)]


def used_by(runs, key):
    """The features, or splits, that these runs use."""
    return sorted({RUNS[run][key] for run in runs})


def published_accuracy(run):
    split = config["splits"][RUNS[run]["split"]]
    return published.accuracy(config["dataset"], split, RUNS[run])


def noise_of_runs(runs):
    """The stores of noise that these runs are trained with."""
    noisy = [run for run in runs if RUNS[run]["augmentation"]["noise_share"]]
    return expand(
        "<results>/features/{features}/{noise}.zarr/zarr.json",
        features=used_by(noisy, "features"),
        noise=names.NOISE,
    )


def silence_of_runs(runs):
    """The stores of segments of noise, and their tables, that these runs are trained with."""
    silent = used_by([run for run in runs if RUNS[run]["silence"]], "features")
    return [
        expand(
            "<results>/features/{features}/{silence}{file}",
            features=silent,
            silence=names.SILENCE_SEGMENTS,
            file=file,
        )
        for file in (".zarr/zarr.json", ".csv")
    ]


# Intermediate files are targets too: a failed job's output is deleted, and Snakemake does not miss
# a deleted file whose descendants exist.


def targets_of_source(wildcards):
    # Apart from those that wait for a checkpoint: a checkpoint whose input is missing counts as
    # done unless something else asks for that input.
    if config["dataset"]["source"] == "archive":
        return [rules.download.output.receipt]
    return []


def targets_of_dataset(runs):
    """A function of wildcards: what these runs are made from, and tables and plots of it."""
    return lambda wildcards: [
        *inventories(wildcards),
        *expand("<results>/recordings/{file}", file=FILES_OF_RECORDINGS),
        *expand(
            "<results>/features/{features}/{file}",
            features=used_by(runs, "features"),
            file=["sizes.csv", *expand("{word}.zarr/zarr.json", word=digests())],
        ),
        *noise_of_runs(runs),
        *chain.from_iterable(silence_of_runs(runs)),
        *expand(
            "<results>/splits/{split}/{file}",
            split=used_by(runs, "split"),
            file=FILES_OF_SPLIT,
        ),
    ]


def files_of_runs(runs):
    return [
        *expand("<results>/runs/{run}/{file}", run=runs, file=FILES_OF_RUN),
        *false_alarms(runs, "csv", "svg"),
    ]


def false_alarms(runs, *kinds):
    """The table of false alarms, or its plot, of those of the runs that have one."""
    guarded = [run for run in runs if may_meet_strangers(RUNS[run])]
    return expand("<results>/runs/{run}/false_alarms.{kind}", run=guarded, kind=kinds)


def may_meet_strangers(settings):
    """Whether a run is made for sounds that are none of its words."""
    return settings["words"] != "all" or settings["unknown"] or settings["silence"]


def targets_of_explore(wildcards):
    return expand("<results>/explore/{name}.svg", name=EXPLORATIONS)


def targets_of_predict(wildcards):
    own_rates = [run for run in TRAINED if RUNS[run]["max_lr"] == "auto"]
    return [
        *expand("<results>/runs/{run}/learning_rate.csv", run=own_rates),
        *expand("<results>/runs/{run}/model.pt", run=TRAINED),
        *expand("<results>/predicted/{run}.csv", run=TRAINED),
    ]


def files_of_export(runs):
    return expand("<results>/runs/{run}/export/{file}", run=runs, file=FILES_OF_EXPORT)


def files_of_comparison():
    return expand("<results>/comparison/{file}", file=FILES_OF_COMPARISON)


def settings_of_runs(runs, rule):
    """Of each of these runs the settings that a rule depends on."""
    names = settings.names_for(rule)
    return {run: {name: RUNS[run][name] for name in names} for run in runs}


def facts_of(runs):
    """What the opening page says of these runs beside their figures."""
    return {
        run: facts | {"published": published_accuracy(run)}
        for run, facts in settings_of_runs(runs, "headline").items()
    }


def inputs_of_headline(runs):
    return {
        "metrics": expand("<results>/runs/{run}/metrics.json", run=runs),
        "splits": expand(
            "<results>/splits/{split}/summary.csv", split=used_by(runs, "split")
        ),
        "features": expand(
            "<results>/features/{features}/sizes.csv",
            features=used_by(runs, "features"),
        ),
        "recordings": "<results>/recordings/summary.csv",
    }
