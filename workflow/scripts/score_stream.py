"""Words found and false alarms in a labelled stream, over the confidence threshold."""

from pathlib import Path

from spokenwords import names
from spokenwords.evaluation import stream_scores
from spokenwords.jobs.log import job_log
from spokenwords.model import device
from spokenwords.recognition import sliding_window
from spokenwords.report import stream_page
from spokenwords.report.plots import streams, style

with job_log(snakemake.log[0]):
    params, settings = snakemake.params, snakemake.params.settings
    classifier = device.load_classifier(
        Path(snakemake.input.model), settings["device"], settings["precision"], snakemake.threads
    )
    folder = Path(params.folder)
    sound, spoken, others = stream_scores.of_test_set(
        classifier,
        folder,
        Path(snakemake.input.test),
        [folder / names.NOISE / name for name in params.noise],
        list(snakemake.input.parts),
        [Path(path) for path in params.negatives],
        params.stream,
        params.window,
    )
    [scan] = sliding_window.scan(classifier, [sound])
    used = classifier.threshold(params.keep, params.false_alarms_per_hour)
    table = stream_scores.score(classifier, scan, len(sound), spoken, used)
    table.to_csv(snakemake.output.table, index=False)
    style.save(streams.stream(table), snakemake.output.plot)
    template = Path(snakemake.scriptdir).parent / "report/stream.html"
    page = stream_page.page(
        template.read_text(encoding="utf-8"),
        snakemake.wildcards.run,
        classifier,
        sound,
        scan,
        (spoken, others),
        table,
    )
    Path(snakemake.output.page).write_text(page, encoding="utf-8")
