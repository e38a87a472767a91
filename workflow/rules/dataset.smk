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
    params:
        sha256=lookup(within=config, dpath="dataset/archive/sha256", default=None),
        code=code_of("download.py"),
    resources:
        # As resources, since another mirror or place is no reason to fetch the same file again.
        urls=" ".join(config["dataset"]["archive"]["urls"]),
        path=config["dataset"]["archive"]["path"] or "",
        download=f"{FOLDER}.archive",
    conda:
        ENVIRONMENT
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
    params:
        code=code_of("unpack.py"),
    conda:
        ENVIRONMENT
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
    params:
        synthetic=lookup(within=config, dpath="dataset/synthetic"),
        words=lookup(within=config, dpath="dataset/words"),
        code=code_of("synthesize.py"),
    conda:
        ENVIRONMENT
    script:
        "../scripts/synthesize.py"


rule inventory:
    """What each recording of one word is: format, speaker, loudness, content hash."""
    input:
        recordings_are_there,
    output:
        inventory="<results>/inventory/{word}.csv",
    log:
        "<logs>/inventory/{word}.log",
    benchmark:
        "<benchmarks>/inventory/{word}.tsv"
    params:
        recordings=digest_of_word,
        code=code_of("inventory.py"),
    resources:
        folder=str(FOLDER),
    conda:
        ENVIRONMENT
    script:
        "../scripts/inventory.py"


rule check_recordings:
    """All recordings taken together: sums, duplicates, oddities, and those that cannot be read."""
    input:
        inventories=inventories,
    output:
        summary=report(
            "<results>/recordings/summary.csv",
            caption="../report/recordings_summary.rst",
            category="Data",
            labels={"table": "recordings of each word"},
        ),
        duplicates=report(
            "<results>/recordings/duplicates.csv",
            caption="../report/recordings_duplicates.rst",
            category="Data",
            labels={"table": "identical recordings"},
        ),
        oddities=report(
            "<results>/recordings/oddities.csv",
            caption="../report/recordings_oddities.rst",
            category="Data",
            labels={"table": "odd recordings"},
        ),
        rejected="<results>/recordings/rejected.csv",
    log:
        "<logs>/check_recordings.log",
    benchmark:
        "<benchmarks>/check_recordings.tsv"
    params:
        on_unreadable=lookup(within=config, dpath="dataset/on_unreadable"),
        audio=lookup(within=config, dpath="audio"),
        code=code_of("check_recordings.py"),
    conda:
        ENVIRONMENT
    script:
        "../scripts/check_recordings.py"
