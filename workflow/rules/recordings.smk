# From an archive, a folder or a synthesiser to recordings, and what each of them is.
# Makes <folder>/, <results>/inventory/ and <results>/recordings/.


rule download:
    """The data set's archive, fetched or found, its checksum verified."""
    output:
        # The archive itself is no output: it stays when this job fails, to be resumed, and may be
        # deleted to save space once it is unpacked.
        receipt=f"{FOLDER}.archive.txt",
    log:
        "<logs>/download.log",
    benchmark:
        "<benchmarks>/download.tsv"
    # On a cluster, the other machines may have no way out.
    localrule: True
    conda:
        ENVIRONMENT
    resources:
        # As resources, since another mirror or place is no reason to fetch the same file again.
        urls=" ".join(config["dataset"]["archive"]["urls"]),
        path=config["dataset"]["archive"]["path"] or "",
        download=f"{FOLDER}.archive",
    params:
        sha256=lookup(within=config, dpath="dataset/archive/sha256", default=None),
        code=code_of("download.py"),
    script:
        "../scripts/download.py"


checkpoint unpack:
    """The archive's recordings, in a folder of their own."""
    input:
        receipt=rules.download.output.receipt,
    output:
        contents=f"{FOLDER}/unpacked.txt",
    log:
        "<logs>/unpack.log",
    benchmark:
        "<benchmarks>/unpack.tsv"
    conda:
        ENVIRONMENT
    resources:
        # Other words, or the same archive in another place, are no reason to unpack it again.
        archive=config["dataset"]["archive"]["path"] or f"{FOLDER}.archive",
        words=json.dumps(config["dataset"]["words"]),
        min_recordings=config["dataset"]["min_recordings"],
    params:
        sha256=lookup(within=config, dpath="dataset/archive/sha256", default=None),
        code=code_of("unpack.py"),
    script:
        "../scripts/unpack.py"


checkpoint synthesize:
    """The demo's recordings, spoken by eSpeak NG."""
    output:
        contents=f"{FOLDER}/synthesized.txt",
    log:
        "<logs>/synthesize.log",
    benchmark:
        "<benchmarks>/synthesize.tsv"
    conda:
        ENVIRONMENT
    params:
        synthetic=lookup(within=config, dpath="dataset/synthetic"),
        words=lookup(within=config, dpath="dataset/words"),
        code=code_of("synthesize.py"),
    script:
        "../scripts/synthesize.py"


rule inventory:
    """What each recording of one word is: format, speaker, loudness, content hashes."""
    input:
        recordings_are_there,
    output:
        inventory="<results>/inventory/{word}.csv",
    log:
        "<logs>/inventory/{word}.log",
    benchmark:
        "<benchmarks>/inventory/{word}.tsv"
    conda:
        ENVIRONMENT
    resources:
        folder=str(FOLDER),
        metadata=str(METADATA or ""),
    params:
        recordings=digest_of_word,
        speakers=digest_of_speakers,
        audio=lookup(within=config, dpath="audio"),
        code=code_of("inventory.py"),
    script:
        "../scripts/inventory.py"


rule check_recordings:
    """All recordings taken together: sums, duplicates, oddities, and those that cannot be read."""
    input:
        inventories=inventories,
    output:
        summary="<results>/recordings/summary.csv",
        duplicates="<results>/recordings/duplicates.csv",
        oddities="<results>/recordings/oddities.csv",
        rejected="<results>/recordings/rejected.csv",
    log:
        "<logs>/check_recordings.log",
    benchmark:
        "<benchmarks>/check_recordings.tsv"
    conda:
        ENVIRONMENT
    resources:
        folder=str(FOLDER),
    params:
        on_unreadable=lookup(within=config, dpath="dataset/on_unreadable"),
        audio=lookup(within=config, dpath="audio"),
        code=code_of("check_recordings.py"),
    script:
        "../scripts/check_recordings.py"


rule plot_recordings:
    """All recordings at a glance: how many, how loud, how long, of how many speakers."""
    input:
        inventories=inventories,
        oddities="<results>/recordings/oddities.csv",
    output:
        plot=report(
            "<results>/recordings/overview.svg",
            caption="../report/recordings_overview.rst",
            category="Data",
            labels={"result": "all recordings at a glance"},
        ),
    log:
        "<logs>/plot_recordings.log",
    benchmark:
        "<benchmarks>/plot_recordings.tsv"
    conda:
        ENVIRONMENT
    params:
        code=code_of("plot_recordings.py"),
    script:
        "../scripts/plot_recordings.py"


rule tabulate_recordings:
    """Each word's recordings, and those that are odd, on a page to be sorted and filtered."""
    input:
        summary="<results>/recordings/summary.csv",
        oddities="<results>/recordings/oddities.csv",
        duplicates="<results>/recordings/duplicates.csv",
        rejected="<results>/recordings/rejected.csv",
    output:
        page=report(
            "<results>/recordings/tables.html",
            caption="../report/recordings_tables.rst",
            category="Data",
            labels={"result": "words, odd and identical recordings"},
        ),
    log:
        "<logs>/tabulate_recordings.log",
    benchmark:
        "<benchmarks>/tabulate_recordings.tsv"
    conda:
        ENVIRONMENT
    resources:
        template=str(TABLES),
    params:
        title="Recordings",
        tables={
            "summary": (
                "Words",
                "How many recordings of each there are and can be decoded, of how many it is known who "
                "speaks, how many known speakers say it, hours of sound, and the median root mean square "
                "of the samples (full scale is 1).",
            ),
            "oddities": (
                "Odd recordings",
                "Silent (what the network gets is no louder than the last bits), clipped (samples at "
                "full scale), short (under half the model's window), long (cut to the window), cut "
                "(more than a tenth of their energy is outside the window), of another rate "
                "(resampled), with several channels (mixed down), or opposed (the channels cancel: "
                "the loudest one is taken). All of them are used.",
            ),
            "duplicates": (
                "Identical recordings",
                "Files with the same samples, also in different formats or under different words. "
                "Those of a group always land in the same set of a split.",
            ),
            "rejected": ("Unreadable files", "They are left out."),
        },
        template=fingerprint.of_files([TABLES]),
        code=code_of("write_tables.py"),
    script:
        "../scripts/write_tables.py"
