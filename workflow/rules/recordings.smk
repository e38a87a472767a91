# From an archive, a folder or a synthesiser to recordings, and to tables of them.
# Makes <folder>/, <results>/inventory/ and <results>/recordings/.


rule download:
    """The archive of the data set, downloaded or local, with its checksum verified."""
    output:
        # The archive itself is no output: a download that fails is resumed, and once the archive is
        # unpacked, it may be deleted to save space.
        receipt=f"{DATA.folder}.archive.txt",
    log:
        "<logs>/download.log",
    benchmark:
        "<benchmarks>/download.tsv"
    # Nodes of a cluster may have no access to the internet.
    localrule: True
    conda:
        ENVIRONMENT
    params:
        archive=untracked(config["dataset"]["archive"]),
        download=untracked(f"{DATA.folder}.archive"),
        sha256=lookup(within=config, dpath="dataset/archive/sha256", default=None),
        code=code_of("download.py"),
    script:
        "../scripts/download.py"


checkpoint unpack:
    """The recordings of the archive, in the data folder."""
    input:
        receipt=rules.download.output.receipt,
    output:
        contents=f"{DATA.folder}/unpacked.txt",
    log:
        "<logs>/unpack.log",
    benchmark:
        "<benchmarks>/unpack.tsv"
    conda:
        ENVIRONMENT
    params:
        archive=untracked(
            config["dataset"]["archive"]["path"] or f"{DATA.folder}.archive"
        ),
        words=untracked(config["dataset"]["words"]),
        min_recordings=untracked(config["dataset"]["min_recordings"]),
        sha256=lookup(within=config, dpath="dataset/archive/sha256", default=None),
        code=code_of("unpack.py"),
    script:
        "../scripts/unpack.py"


checkpoint synthesize:
    """The demo's recordings, spoken by eSpeak NG."""
    output:
        contents=f"{DATA.folder}/synthesized.txt",
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


rule synthesize_negatives:
    """Negatives spoken by eSpeak NG: running speech, and words that are not classified."""
    input:
        recordings_are_there,
    output:
        contents="<results>/negatives/synthesized.txt",
    log:
        "<logs>/synthesize_negatives.log",
    benchmark:
        "<benchmarks>/synthesize_negatives.tsv"
    conda:
        ENVIRONMENT
    params:
        words=of_data(lambda wildcards: negative_texts.spoken(DATA.words)),
        code=code_of("synthesize_negatives.py"),
    script:
        "../scripts/synthesize_negatives.py"


rule inventory:
    """Format, speaker, level and content hashes of each recording of one word."""
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
    params:
        folder=untracked(DATA.folder),
        table=untracked(DATA.table),
        recordings=of_data(lambda wildcards: DATA.recordings(wildcards.word)),
        speakers=of_data(lambda wildcards: DATA.speakers(wildcards.word)),
        audio=lookup(within=config, dpath="audio"),
        code=code_of("inventory.py"),
    script:
        "../scripts/inventory.py"


rule check_recordings:
    """Summary, duplicates, oddities and unreadable files of all recordings."""
    input:
        inventories=collect(rules.inventory.output.inventory, word=words),
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
    params:
        folder=untracked(DATA.folder),
        on_unreadable=lookup(within=config, dpath="dataset/on_unreadable"),
        audio=lookup(within=config, dpath="audio"),
        code=code_of("check_recordings.py"),
    script:
        "../scripts/check_recordings.py"


rule plot_recordings:
    """Numbers, levels and lengths of all recordings, and their speakers, as a plot."""
    input:
        inventories=collect(rules.inventory.output.inventory, word=words),
        oddities="<results>/recordings/oddities.csv",
    output:
        plot=report(
            "<results>/recordings/overview.svg",
            caption="../report/recordings_overview.rst",
            category="Data",
            labels={"result": "overview of all recordings"},
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
    """Words, and odd, identical and unreadable recordings, as tables on one page."""
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
    params:
        page="tables_recordings.yaml",
        content=content_of("tables.html", "tables_recordings.yaml"),
        code=code_of("write_tables.py"),
    script:
        "../scripts/write_tables.py"
