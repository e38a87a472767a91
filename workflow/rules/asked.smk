# Needs common.smk. Makes the functions that say what `snakemake predict` is asked to recognise.

from spokenwords import listing


@cache
def recordings_to_recognize():
    """The place that the config names, and a digest of the recordings that it stands for now."""
    if config["predict"]["recordings"] is None:
        raise UserError(
            "Config key predict.recordings is empty: name a recording, a folder, or a text file "
            "that lists recordings, as in --config 'predict={recordings: my/recordings}'."
        )
    place = os.path.expanduser(config["predict"]["recordings"])
    try:
        digest = listing.digest(Path(place), RESULTS / "predicted" / ".scan.json")
    except UserError as error:
        raise UserError(f"{error} Config key predict.recordings names it.") from None
    return {"place": place, "digest": digest}


def asked_recordings(wildcards):
    with faults_told(SystemExit):
        return recordings_to_recognize()


def targets_of_predict(wildcards):
    asked_recordings(wildcards)  # Before anything is trained for them.
    own_rates = [run for run in TRAINED if RUNS[run]["max_lr"] == "auto"]
    return [
        *expand("<results>/runs/{run}/learning_rate.csv", run=own_rates),
        *expand("<results>/runs/{run}/model.pt", run=TRAINED),
        *expand("<results>/predicted/{run}.csv", run=TRAINED),
    ]
