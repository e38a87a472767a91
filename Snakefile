"""Spoken words from complex spectrograms: from recordings to report."""

from snakemake.utils import min_version

min_version("9.27")


configfile: f"{workflow.basedir}/config.yaml"


pathvars:
    logs="<results>/logs",
    benchmarks="<results>/benchmarks",


include: "workflow/rules/common.smk"
include: "workflow/rules/targets.smk"
include: "workflow/rules/recordings.smk"
include: "workflow/rules/spectrograms.smk"
include: "workflow/rules/splits.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/explore.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/endings.smk"


report: "workflow/report/workflow.rst"


rule all:
    """Everything that the config asks for: data, features, splits, runs and their report."""
    default_target: True
    input:
        targets_of_source,
        targets_of_dataset(TRAINED),
        targets_of_explore,
        files_of_runs(TRAINED),
        "<results>/headline.rst",
        "<results>/report.html",
    localrule: True


rule compare:
    """All runs of the catalogue, laid side by side."""
    input:
        targets_of_source,
        targets_of_dataset(COMPARED),
        targets_of_explore,
        files_of_runs(COMPARED),
        files_of_comparison(),
        "<results>/comparison/headline.rst",
        "<results>/comparison.html",
    localrule: True


rule predict:
    """The words in the recordings that the config names, by the model of each run."""
    input:
        targets_of_predict,
        targets_of_source,
        targets_of_dataset(TRAINED),
    localrule: True


rule export:
    """Trained models as files for use elsewhere, with a card of each."""
    input:
        targets_of_source,
        targets_of_dataset(TRAINED),
        files_of_runs(TRAINED),
        files_of_export(TRAINED),
    localrule: True
