"""Spoken words from complex spectrograms: from recordings to report."""

from snakemake.utils import min_version

min_version("9.27")


configfile: f"{workflow.current_basedir}/config.yaml"


pathvars:
    logs="<results>/logs",
    benchmarks="<results>/benchmarks",


include: "workflow/rules/common.smk"
include: "workflow/rules/recordings.smk"
include: "workflow/rules/spectrograms.smk"
include: "workflow/rules/splits.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/explore.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/endings.smk"


rule all:
    """Everything for the runs that `train` lists: data, features, splits, models, report."""
    default_target: True
    input:
        *files_of_data(TRAINED),
        *files_of_runs(TRAINED),
        rules.explore.output,
        rules.headline.output,
        rules.html_report.output,
    localrule: True


rule compare:
    """The same for all runs, and their comparison."""
    input:
        *files_of_data(COMPARED),
        *files_of_runs(COMPARED),
        rules.explore.output,
        *(rule.output for rule in OF_COMPARISON),
        rules.headline_of_comparison.output,
        rules.html_comparison.output,
    localrule: True


rule predict:
    """Words in the recordings that `predict` names, found by the model of each trained run."""
    input:
        collect(rules.predict_words.output, run=TRAINED),
        collect(rules.train.output.model, run=TRAINED),
        collect(
            rules.find_learning_rate.output,
            run=[run for run in TRAINED if RUNS[run]["max_lr"] == "auto"],
        ),
        *files_of_data(TRAINED),
    localrule: True


rule export:
    """Trained models as files for use elsewhere, each with a model card."""
    input:
        *files_of_data(TRAINED),
        *files_of_runs(TRAINED),
        rules.fetch_web_runtime.output,
        collect(rules.export_model.output, run=TRAINED),
        collect(rules.write_listen_page.output, run=TRAINED),
        collect(rules.write_model_card.output, run=TRAINED),
    localrule: True
