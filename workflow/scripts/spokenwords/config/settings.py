"""The settings: type, range, default and meaning of each, and the rules whose results depend on it.

A section of the config is a dictionary of the class defined here. The schema, the messages about
errors and the reference page (docs/settings.md) follow from these definitions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypedDict, get_type_hints

REQUIRED = object()


@dataclass(frozen=True)
class Setting:
    """What a setting means, its default, and its limits, which hold for each number in it.

    `fewest` is the least length of a list. `used_by` names the rules that depend on a run's
    setting: each is given those that name it, and runs again if one of them changes.
    """

    meaning: str = ""  # a section's is its docstring
    default: Any = REQUIRED
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    below: float | None = None
    fewest: int = 0
    used_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """Texts that are not empty and match `pattern`; one of them, and several, in words."""

    form: str = "text"
    pattern: str = ""
    plural: str = "texts"


Name = Annotated[str, Text("letters, digits and _ . + -", r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]
SomeText = Annotated[str, Text()]
Path = Annotated[str, Text("a path without { } < >", r"^[^{}<>]*$")]
OtherFolder = Annotated[str, Text("a folder other than this one", r"[^./]")]
Address = Annotated[str, Text("an http or https address", r"^https?://", "addresses")]
Checksum = Annotated[str, Text("64 hexadecimal digits in lower case", r"^[0-9a-f]{64}$")]
Word = Annotated[
    str, Text("text without / that does not begin with _ or .", r"^[^/_.][^/]*$", "words")
]
RunName = Annotated[str, Text("the name of a run", plural="names of runs")]
Recording = Annotated[str, Text("auto, or <word>/<file>", r"^(auto|[^/]+/[^/]+)$")]
Auto = Literal["auto"]
Off = Literal[False]
LARGEST_SEED = 4_294_967_295

# Rules that read a run's recordings; that make a model; and those with the model's card, which
# lists what a model depends on.
READING = ("find_learning_rate", "train", "evaluate", "find_false_alarms")
MAKING = ("find_learning_rate", "train")
CARD = "write_model_card"
# Rules of figures over all runs, which name what a run is.
COMPARING = ("compare_runs", "headline")


class Pathvars(TypedDict, total=False):
    """Snakemake's path variables."""

    results: Annotated[OtherFolder, Setting("Folder of the results.")]
    logs: Annotated[SomeText, Setting("Folder of the jobs' logs.")]
    benchmarks: Annotated[SomeText, Setting("Folder of the jobs' durations.")]


class Archive(TypedDict):
    """The archive of the recordings (source: archive)."""

    urls: Annotated[
        list[Address], Setting("Addresses of the archive, tried in this order.", default=[])
    ]
    path: Annotated[
        str | None,
        Setting("A local copy of the archive, used instead of a download.", default=None),
    ]
    sha256: Annotated[
        Checksum | None,
        Setting("The archive's SHA-256 checksum, verified before anything uses it.", default=None),
    ]


class Synthetic(TypedDict):
    """The demo's synthesised recordings (source: synthetic)."""

    voices: Annotated[int, Setting("Number of synthesised voices.", default=60, minimum=3)]
    takes: Annotated[
        int, Setting("Number of times that each voice says each word.", default=1, minimum=1)
    ]
    seed: Annotated[
        int,
        Setting(
            "Seed of voices, timing, level and noise.", default=1, minimum=0, maximum=LARGEST_SEED
        ),
    ]


class Dataset(TypedDict):
    """The recordings."""

    source: Annotated[
        Literal["archive", "folder", "synthetic"],
        Setting(
            "Where recordings come from: archive (downloaded, or a local copy), folder (your own) "
            "or synthetic (the demo's)."
        ),
    ]
    folder: Annotated[
        Path,
        Setting(
            "The folder of recordings, with one folder per word. Archive and synthetic recordings "
            "are written there. All audio formats are read; the log counts files with other "
            "suffixes. Folders that are probably not words, such as `test` or `noise`, are "
            "reported."
        ),
    ]
    words: Annotated[
        Literal["all"] | list[Word],
        Setting(
            "Words to use: all that the folder has, or a list. One word is enough for runs with "
            "`silence`. Folders that look like sets or like copies of others are refused unless "
            "they are listed.",
            default="all",
            fewest=1,
        ),
    ]
    min_recordings: Annotated[
        int,
        Setting(
            "If `words` is all, words with fewer recordings are left out.", default=1, minimum=1
        ),
    ]
    metadata: Annotated[
        Path | None,
        Setting(
            "A CSV table with the speaker of each recording (columns LINK and SPEAKER) and "
            "optionally its set (SET), such as `<language>_splits.csv` of the Multilingual Spoken "
            "Words Corpus. Fields are separated by commas, semicolons or tabs; LINK may be called "
            "`file` or `path`. File names are compared without their suffix and the folders above "
            "the word. Without a table, file names contain the speaker, and lists in the folder "
            "define the sets.",
            default=None,
        ),
    ]
    on_unreadable: Annotated[
        Literal["error", "skip"],
        Setting(
            "What to do about files that cannot be decoded: error (stop and list them) or skip. "
            "Changing this checks all recordings and trains all runs again.",
            default="error",
        ),
    ]
    archive: Archive
    synthetic: Synthetic


class Audio(TypedDict):
    """The part of each recording that is used."""

    sample_rate: Annotated[
        int,
        Setting(
            "Sample rate, Hz. Recordings of other rates are resampled.",
            default=16_000,
            minimum=1000,
            maximum=384_000,
        ),
    ]
    seconds: Annotated[
        float,
        Setting(
            "Length, s. Recordings are cut or zero-padded to it.", default=1.0, above=0, maximum=60
        ),
    ]
    window: Annotated[
        Literal["loudest", "start"],
        Setting(
            "Part of a longer recording: loudest (with the most energy) or start.",
            default="loudest",
        ),
    ]


class Stft(TypedDict):
    """The short-time Fourier transform."""

    n_fft: Annotated[
        int,
        Setting(
            "Samples per transform; half of them plus one is the number of frequency bins.",
            default=512,
            minimum=16,
            maximum=65_536,
        ),
    ]
    window_seconds: Annotated[
        float, Setting("Length of the Hann window, s.", default=0.03, above=0, maximum=10)
    ]
    stride_seconds: Annotated[
        float, Setting("Step from frame to frame, s.", default=0.01, above=0, maximum=10)
    ]
    normalized: Annotated[
        bool, Setting("Whether to divide by the window's Euclidean norm.", default=True)
    ]


class Features(TypedDict):
    """Complex spectrograms, computed once and cached: any number of named settings."""

    stft: Stft
    rounding: Annotated[
        int | Off,
        Setting(
            "Values are rounded to multiples of 2^-rounding, which halves their size on disk; off "
            "keeps float16.",
            default=16,
            minimum=8,
            maximum=24,
        ),
    ]
    chunk_length: Annotated[
        int, Setting("Utterances per chunk of a store.", default=64, minimum=1, maximum=4096)
    ]
    compression: Annotated[
        Literal["zstd", "lz4"],
        Setting(
            "zstd takes an eighth less space; lz4 is read twice as fast, which matters if the "
            "recordings do not fit into memory (see benchmarks/README.md).",
            default="zstd",
        ),
    ]


class Split(TypedDict):
    """Divisions into training, validation and test set: any number of named settings."""

    method: Annotated[
        Literal["random", "speaker", "official"],
        Setting(
            "random (recordings at random, as published), speaker (speakers at random, so that "
            "sets are speaker-disjoint; recordings of unknown speakers are divided one by one) or "
            "official (the data set's own: validation_list.txt and testing_list.txt, or the table "
            "of `dataset.metadata`)."
        ),
    ]
    train: Annotated[
        float, Setting("Share of all recordings that is trained on.", default=0.6, above=0, below=1)
    ]
    valid: Annotated[
        float,
        Setting(
            "Share that is validated on; the rest is tested on.", default=0.2, above=0, below=1
        ),
    ]
    seed: Annotated[
        int,
        Setting("Seed of the random division.", default=1, minimum=0, maximum=LARGEST_SEED),
    ]


class RangeTest(TypedDict):
    """Learning rate range test: the rate rises from `lowest` to `highest` in `steps` batches."""

    lowest: Annotated[float, Setting("First learning rate.", default=1e-6, above=0)]
    highest: Annotated[float, Setting("Last learning rate.", default=1.0, above=0)]
    steps: Annotated[int, Setting("Number of batches.", default=100, minimum=10)]


class Ratios(TypedDict):
    """Range of the signal-to-noise ratio, dB."""

    lowest: Annotated[float, Setting("Lowest ratio, dB.", default=0, minimum=-60, maximum=100)]
    highest: Annotated[float, Setting("Highest ratio, dB.", default=30, minimum=-60, maximum=100)]


class Augmentation(TypedDict):
    """Random variation of training recordings, sampled each time they are used; all off as
    published. A run's settings are merged over these."""

    time_stretch: Annotated[
        float,
        Setting(
            "Largest change of the speaking rate, as a share, such as 0.15.",
            default=0,
            minimum=0,
            below=1,
        ),
    ]
    frequency_warp: Annotated[
        float,
        Setting(
            "Largest change of the frequency scale, as a share, such as 0.1: longer and shorter "
            "vocal tracts.",
            default=0,
            minimum=0,
            below=1,
        ),
    ]
    gain_db: Annotated[
        float, Setting("Largest gain, up or down, dB.", default=0, minimum=0, maximum=60)
    ]
    shift_seconds: Annotated[
        float,
        Setting(
            "Largest shift, either way, s; rounded to steps of the transform.",
            default=0,
            minimum=0,
            maximum=60,
        ),
    ]
    noise_share: Annotated[
        float,
        Setting(
            "Share of recordings that get noise. It is cut from the first half of the recordings "
            "in `_background_noise_`; the second half is for tests.",
            default=0,
            minimum=0,
            maximum=1,
        ),
    ]
    noise_snr_db: Ratios
    mixup: Annotated[
        float,
        Setting(
            "Recordings are mixed in pairs, in shares sampled from the Beta distribution with this "
            "parameter, such as 0.2.",
            default=0,
            minimum=0,
            maximum=10,
        ),
    ]
    polarity: Annotated[
        bool, Setting("Whether half of the recordings have their sign flipped.", default=False)
    ]
    time_masks: Annotated[
        int,
        Setting(
            "Number of time masks: intervals set to the recording's mean level.",
            default=0,
            minimum=0,
            maximum=100,
        ),
    ]
    time_mask_seconds: Annotated[
        float, Setting("Longest time mask, s.", default=0.1, above=0, maximum=60)
    ]
    frequency_masks: Annotated[
        int,
        Setting(
            "Number of frequency masks: bands set to the recording's mean level.",
            default=0,
            minimum=0,
            maximum=100,
        ),
    ]
    frequency_mask_mels: Annotated[
        float,
        Setting(
            "Widest frequency mask, on the mel scale (8 kHz are 2840 mels).",
            default=500,
            above=0,
            maximum=10_000,
        ),
    ]


class Training(TypedDict):
    """Defaults of every run; a run can override each of them."""

    words: Annotated[
        Literal["all"] | list[Word],
        Setting(
            "Words to classify: all (except those under `unknown`) or a list. The remaining words "
            "are used to measure false alarms. A single word needs `unknown` or `silence`.",
            default="all",
            fewest=1,
            used_by=(*READING, CARD),
        ),
    ]
    unknown: Annotated[
        list[Word],
        Setting(
            "Words trained as one class, `unknown`.",
            default=[],
            used_by=(*READING, CARD),
        ),
    ]
    silence: Annotated[
        bool,
        Setting(
            "Whether segments of the recordings in `_background_noise_` are a class, `silence`.",
            default=False,
            used_by=(*READING, CARD),
        ),
    ]
    model: Annotated[
        Literal["published", "residual"],
        Setting(
            "The network: published (the experiment's) or residual (deeper, with fewer "
            "parameters).",
            default="published",
            used_by=(*MAKING, CARD, *COMPARING),
        ),
    ]
    device: Annotated[
        Literal["auto", "cuda", "cpu"],
        Setting(
            "The device: auto (a GPU if there is one), cuda (required) or cpu. With several GPUs, "
            "training is data-parallel; `batch_size` is the total over all of them.",
            default="auto",
            used_by=(*READING, "predict_words"),
        ),
    ]
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        Setting(
            "The network's arithmetic: auto (bfloat16 if the device supports it), float32 or "
            "bfloat16.",
            default="auto",
            used_by=(*READING, "predict_words", CARD),
        ),
    ]
    compile: Annotated[
        Auto | bool,
        Setting(
            "Whether to compile the training step: auto (on a GPU), on (required) or off.",
            default="auto",
            used_by=("train",),
        ),
    ]
    memory_budget: Annotated[
        float | Auto,
        Setting(
            "Memory for spectrograms, GB; if they need more, they are streamed from their stores. "
            "auto is half of the free memory (on a GPU, 0.6).",
            default="auto",
            above=0,
            used_by=READING,
        ),
    ]
    epochs: Annotated[
        int,
        Setting(
            "Epochs of the one-cycle schedule.",
            default=50,
            minimum=1,
            maximum=100_000,
            used_by=("train", CARD),
        ),
    ]
    batch_size: Annotated[
        int,
        Setting(
            "Recordings per step.",
            default=128,
            minimum=2,
            maximum=65_536,
            used_by=(*MAKING, CARD),
        ),
    ]
    max_lr: Annotated[
        float | Auto,
        Setting(
            "Highest learning rate of the schedule; auto uses the range test's suggestion.",
            default=0.01,
            above=0,
            maximum=10,
            used_by=("train", "plot_learning_rates", CARD),
        ),
    ]
    patience: Annotated[
        int | Off,
        Setting(
            "Stop after this many epochs without a lower validation loss, and keep the best epoch. "
            "off: train all epochs and keep the last.",
            default=3,
            minimum=1,
            used_by=("train", CARD),
        ),
    ]
    seed: Annotated[
        int | list[int],
        Setting(
            "Seed of initial weights, shuffling and dropout. With a list, the run is trained once "
            "per seed.",
            default=1,
            minimum=0,
            maximum=LARGEST_SEED,
            fewest=1,
            used_by=(*MAKING, CARD, "compare_runs"),
        ),
    ]
    range_test: Annotated[RangeTest, Setting(used_by=("find_learning_rate", CARD))]
    augmentation: Annotated[Augmentation, Setting(used_by=("train", CARD))]
    label_smoothing: Annotated[
        float,
        Setting(
            "Share of each target that is spread evenly over all classes.",
            default=0,
            minimum=0,
            below=1,
            used_by=("train", CARD),
        ),
    ]
    weight_averaging: Annotated[
        float | Off,
        Setting(
            "Decay of an exponential moving average of the weights, such as 0.995; off uses the "
            "last weights.",
            default=False,
            above=0,
            below=1,
            used_by=("train", CARD),
        ),
    ]
    test_shift_seconds: Annotated[
        float,
        Setting(
            "Test probabilities are averaged over five shifts of up to this much either way, s; 0 "
            "uses the recordings as they are. Changing this does not retrain.",
            default=0,
            minimum=0,
            maximum=60,
            used_by=("evaluate", CARD),
        ),
    ]


class Run(Training, total=False):
    """Each run trains one model. It needs `features`, `split` and `representation`; any other
    setting overrides `training`. `like: <run>` inherits the settings of another run. An overlay
    removes a run with `<run>: off`."""

    like: Annotated[Name, Setting("A run from which this one inherits its settings.")]
    features: Annotated[str, Setting("The features to train on.", used_by=(CARD, *COMPARING))]
    split: Annotated[str, Setting("The split to train on.", used_by=(CARD, *COMPARING))]
    representation: Annotated[
        Literal[
            "complex",
            "power",
            "magnitude",
            "sqrt",
            "mel",
            "log",
            "log_mel",
            "compressed",
            "log_mel_complex",
        ],
        Setting(
            "What the network is given: complex, power, magnitude, sqrt, log (of power), mel (128 "
            "bands) or compressed (complex with square-rooted magnitudes). For the residual "
            "network also log_mel (40 bands) and log_mel_complex (with phases), which are too "
            "small for the published one.",
            used_by=(*MAKING, CARD, *COMPARING),
        ),
    ]


class Explore(TypedDict):
    """The plots of one recording."""

    recording: Annotated[
        Recording,
        Setting(
            "The recording to plot, `<word>/<file>`; auto is the first usable one.", default="auto"
        ),
    ]


class Predict(TypedDict):
    """The recordings that `snakemake predict` recognises."""

    recordings: Annotated[
        SomeText | None,
        Setting(
            "A recording, a folder (with all folders in it), a text file that lists recordings, "
            "one per line, or a CSV table with a column `file`. Paths in a list are relative to "
            "its folder or, if they do not exist there, to the working folder.",
            default=None,
        ),
    ]
    keep: Annotated[
        float,
        Setting(
            "Share of correct answers accepted. It sets the confidence threshold: less probable "
            "words are reported as `unknown`, so a smaller share gives fewer wrong answers. "
            "Exported models have this threshold, too.",
            default=0.95,
            above=0,
            maximum=1,
        ),
    ]


class Config(TypedDict):
    """config.yaml and its overlays."""

    pathvars: Pathvars
    dataset: Dataset
    audio: Audio
    features: dict[str, Features]
    splits: dict[str, Split]
    training: Training
    runs: dict[str, Run]
    train: Annotated[list[RunName], Setting("The runs that `snakemake` builds.", fewest=1)]
    explore: Explore
    predict: Predict


@cache
def hints(section: type) -> dict[str, Any]:
    """The annotations of a section's settings, by name."""
    return get_type_hints(section, include_extras=True)


def definition(section: type, name: str) -> Setting:
    """The definition of a section's setting."""
    return hints(section)[name].__metadata__[-1]


@cache
def names_for(rule: str) -> list[str]:
    """The names of a run's settings that a rule depends on. Raises `ValueError` if it has none."""
    names = sorted(name for name in hints(Run) if rule in definition(Run, name).used_by)
    if not names:
        raise ValueError(f"No setting of a run is used by a rule {rule!r}.")
    return names


def for_card(config: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a run's model depends on, with those of its features and its split."""
    features = config["features"][run["features"]]
    return {name: run[name] for name in names_for(CARD)} | {
        "features": {name: features[name] for name in ("stft", "rounding")},
        "split": config["splits"][run["split"]],
    }
