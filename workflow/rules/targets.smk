# Needs the rules of all stages. Makes the lists of files that targets and reports are made of.

# Intermediate files are targets too: the output of a failed job is deleted, and Snakemake does not
# miss a deleted file whose descendants exist.

OF_RUN = [
    rules.find_learning_rate,
    rules.plot_learning_rates,
    rules.train,
    rules.plot_history,
    rules.evaluate,
    rules.plot_confusion,
    rules.plot_alluvial,
    rules.calibrate,
    rules.difficulty,
    rules.gallery,
    rules.tabulate_run,
]
OF_COMPARISON = [rules.compare_runs, rules.plot_comparison, rules.tabulate_comparison]


def files_of_data(runs):
    """What these runs are made from, with tables and plots of it."""
    features, splits = used(runs, "features"), used(runs, "split")
    noisy, silent, negative = with_noise(runs), with_silence(runs), with_negatives(runs)
    return [
        # A checkpoint whose input is missing counts as done unless a target asks for the input.
        branch(
            config["dataset"]["source"] == "archive", then=rules.download.output.receipt
        ),
        collect(rules.inventory.output, word=words),
        rules.check_recordings.output,
        rules.plot_recordings.output,
        rules.tabulate_recordings.output,
        collect(rules.spectrograms.output, features=features, word=words),
        collect(rules.measure_features.output, features=features),
        collect(rules.noise_spectrograms.output, features=used(noisy, "features")),
        collect(rules.silence_spectrograms.output, features=used(silent, "features")),
        collect(
            rules.negative_spectrograms.output, features=used(negative, "features")
        ),
        branch(
            SYNTHETIC_NEGATIVES and negative,
            then=rules.synthesize_negatives.output.contents,
        ),
        collect(rules.split.output, split=splits),
        collect(rules.plot_split.output, split=splits),
        collect(rules.measure_recordings.output, split=splits),
    ]


def files_of_runs(runs):
    made = [collect(rule.output, run=runs) for rule in OF_RUN]
    alarmed = with_false_alarms(runs)
    return [
        *made,
        collect(rules.find_false_alarms.output, run=alarmed),
        collect(rules.score_stream.output, run=alarmed),
    ]


def inputs_of_headline(runs):
    features, splits = used(runs, "features"), used(runs, "split")
    return {
        "metrics": collect(rules.evaluate.output.metrics, run=runs),
        "splits": collect(rules.split.output.summary, split=splits),
        "features": collect(rules.measure_features.output.sizes, features=features),
        "recordings": rules.check_recordings.output.summary,
        "streams": collect(
            rules.score_stream.output.table, run=with_false_alarms(runs)
        ),
    }


def facts_of(runs):
    """What the opening page states about these runs next to their figures."""
    return {
        name: settings.of_rule("headline", run) | {"published": PUBLISHED[name]}
        for name, run in runs.items()
    }
