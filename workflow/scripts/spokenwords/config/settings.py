"""The settings: type, range, default and meaning of each, and the rules that depend on it.

The schema, the messages about errors and the reference page (docs/settings.md) follow from these
definitions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_origin, get_type_hints

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


def setting(meaning: str = "", default: Any = REQUIRED, **others: Any) -> Any:
    """A `Setting`; for type checkers, a value of any type."""
    return Setting(meaning, default, **others)


class Section:
    """A section of the config. If it is not `total`, no setting in it is required or has a default.

    Annotations are the types of settings, and values are the definitions. Nested sections, and
    dictionaries of them by a name of the user's, need no value.
    """

    total: ClassVar[bool]

    def __init_subclass__(cls, total: bool = True):
        cls.total = total


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


class Pathvars(Section, total=False):
    """Snakemake's path variables."""

    results: OtherFolder = setting("Folder of the results.")
    logs: SomeText = setting("Folder of the jobs' logs.")
    benchmarks: SomeText = setting("Folder of the jobs' durations.")


class Archive(Section):
    """The archive of the recordings (source: archive)."""

    urls: list[Address] = setting("Addresses of the archive, tried in this order.", [])
    path: str | None = setting("A local copy of the archive, used instead of a download.", None)
    sha256: Checksum | None = setting(
        "The archive's SHA-256 checksum, verified before anything uses it.", None
    )


class Synthetic(Section):
    """The demo's synthesised recordings (source: synthetic)."""

    voices: int = setting("Number of synthesised voices.", 60, minimum=3)
    takes: int = setting("Number of times that each voice says each word.", 1, minimum=1)
    seed: int = setting(
        "Seed of voices, timing, level and noise.", 1, minimum=0, maximum=LARGEST_SEED
    )


class Dataset(Section):
    """The recordings."""

    source: Literal["archive", "folder", "synthetic"] = setting(
        "Where recordings come from: archive (downloaded, or a local copy), folder (your own) "
        "or synthetic (the demo's)."
    )
    folder: Path = setting(
        "The folder of recordings, with one folder per word. Archive and synthetic recordings "
        "are written there. All audio formats are read; the log counts files with other "
        "suffixes. Folders that are probably not words, such as `test` or `noise`, are "
        "reported."
    )
    words: Literal["all"] | list[Word] = setting(
        "Words to use: all (each folder is a word) or a list. One word is enough for runs with "
        "`silence`. A folder that is named like a set (such as `train`) or like a copy of "
        "another folder is refused unless it is listed.",
        "all",
        fewest=1,
    )
    min_recordings: int = setting(
        "If `words` is all, words with fewer recordings are left out.", 1, minimum=1
    )
    metadata: Path | None = setting(
        "A CSV table with the speaker of each recording (columns LINK and SPEAKER) and "
        "optionally its set (SET), such as `<language>_splits.csv` of the Multilingual Spoken "
        "Words Corpus. Fields are separated by commas, semicolons or tabs; LINK may be called "
        "`file` or `path`. File names are compared without their suffix and the folders above "
        "the word. Without a table, file names contain the speaker, and lists in the folder "
        "define the sets.",
        None,
    )
    negatives: Literal["synthetic"] | list[Path] = setting(
        "Sound in which none of the words is said, for runs with `negatives`: a list of folders "
        "with recordings of any length (other words, speech, music, a room; folders in them that "
        "are named like a word are left out), or synthetic (speech and words by eSpeak NG).",
        [],
    )
    on_unreadable: Literal["error", "skip"] = setting(
        "What to do about files that cannot be decoded: error (stop and list them) or skip. "
        "After a change of this, all recordings are checked again and all runs are retrained.",
        "error",
    )
    archive: Archive
    synthetic: Synthetic


class Audio(Section):
    """The part of each recording that is used."""

    sample_rate: int = setting(
        "Sample rate, Hz. Recordings of other rates are resampled.",
        16_000,
        minimum=1000,
        maximum=384_000,
    )
    seconds: float = setting(
        "Length of the network's input, s. Recordings are cut or zero-padded to it.",
        1.0,
        above=0,
        maximum=60,
    )
    window: Literal["loudest", "start"] = setting(
        "Part of a longer recording: loudest (with the most energy) or start.", "loudest"
    )


class Stft(Section):
    """The short-time Fourier transform."""

    n_fft: int = setting(
        "Samples per transform; half of them plus one is the number of frequency bins.",
        512,
        minimum=16,
        maximum=65_536,
    )
    window_seconds: float = setting("Length of the Hann window, s.", 0.03, above=0, maximum=10)
    stride_seconds: float = setting("Step from frame to frame, s.", 0.01, above=0, maximum=10)
    normalized: bool = setting("Whether to divide by the window's Euclidean norm.", True)


class Features(Section):
    """Complex spectrograms, which are computed once and cached. Add as many variants as you need; a
    run chooses one by its name."""

    stft: Stft
    rounding: int | Off = setting(
        "Values are rounded to multiples of 2^-rounding, which halves their size on disk. off: "
        "float16 without this rounding.",
        16,
        minimum=8,
        maximum=24,
    )
    chunk_length: int = setting("Recordings per chunk of a store.", 64, minimum=1, maximum=4096)
    compression: Literal["zstd", "lz4"] = setting(
        "zstd takes an eighth less space; lz4 is read twice as fast, which matters if the "
        "recordings do not fit into memory (see benchmarks/README.md).",
        "zstd",
    )


class Split(Section):
    """Divisions into training, validation and test set. Add as many variants as you need; a run
    chooses one by its name."""

    method: Literal["random", "speaker", "official"] = setting(
        "random (recordings at random, as published), speaker (speakers at random, so that "
        "sets are speaker-disjoint; recordings of unknown speakers are divided one by one) or "
        "official (the data set's own: validation_list.txt and testing_list.txt, or the table "
        "of `dataset.metadata`)."
    )
    train: float = setting("Share of all recordings that is trained on.", 0.6, above=0, below=1)
    valid: float = setting(
        "Share that is validated on; the rest is tested on.", 0.2, above=0, below=1
    )
    seed: int = setting("Seed of the random division.", 1, minimum=0, maximum=LARGEST_SEED)


class RangeTest(Section):
    """Learning rate range test: the learning rate rises from `lowest` to `highest` in `steps`
    batches."""

    lowest: float = setting("First learning rate.", 1e-6, above=0)
    highest: float = setting("Last learning rate.", 1.0, above=0)
    steps: int = setting("Number of batches.", 100, minimum=10)


class Ratios(Section):
    """Range of the signal-to-noise ratio, dB."""

    lowest: float = setting("Lowest ratio, dB.", 0, minimum=-60, maximum=100)
    highest: float = setting("Highest ratio, dB.", 30, minimum=-60, maximum=100)


class Augmentation(Section):
    """Random variation of training recordings, sampled each time they are used. The published
    experiment has none, so all are off. A run may override single settings."""

    time_stretch: float = setting(
        "Largest change of the speaking rate, as a share, such as 0.15.", 0, minimum=0, below=1
    )
    frequency_warp: float = setting(
        "Largest change of the frequency scale, as a share, such as 0.1: longer and shorter "
        "vocal tracts.",
        0,
        minimum=0,
        below=1,
    )
    gain_db: float = setting("Largest gain, up or down, dB.", 0, minimum=0, maximum=60)
    shift_seconds: float = setting(
        "Largest shift in time, either way, s. Shifts are whole steps of the transform.",
        0,
        minimum=0,
        maximum=60,
    )
    noise_share: float = setting(
        "Share of training recordings to which noise is added. The noise is from the first half "
        "of each recording in `_background_noise_`; the second half is for tests.",
        0,
        minimum=0,
        maximum=1,
    )
    noise_snr_db: Ratios
    mixup: float = setting(
        "Mixup: recordings are mixed in pairs. Their shares are sampled from the Beta "
        "distribution with this parameter, such as 0.2.",
        0,
        minimum=0,
        maximum=10,
    )
    polarity: bool = setting(
        "Whether the sign of the waveform is flipped, in half of the recordings.", False
    )
    time_masks: int = setting(
        "Number of time masks: intervals set to the recording's mean level.",
        0,
        minimum=0,
        maximum=100,
    )
    time_mask_seconds: float = setting("Longest time mask, s.", 0.1, above=0, maximum=60)
    frequency_masks: int = setting(
        "Number of frequency masks: bands set to the recording's mean level.",
        0,
        minimum=0,
        maximum=100,
    )
    frequency_mask_mels: float = setting(
        "Widest frequency mask, on the mel scale (8 kHz are 2840 mels).",
        500,
        above=0,
        maximum=10_000,
    )


class Training(Section):
    """Defaults of every run; a run can override each of them."""

    words: Literal["all"] | list[Word] = setting(
        "Words to classify: all (except those under `unknown`) or a list. The remaining words "
        "are used to measure false alarms. A single word needs `unknown` or `silence`.",
        "all",
        fewest=1,
        used_by=(*READING, CARD),
    )
    unknown: list[Word] = setting(
        "Words trained as one class, `unknown`.", [], used_by=(*READING, CARD)
    )
    silence: bool = setting(
        "Whether segments of the recordings in `_background_noise_` are a class, `silence`.",
        False,
        used_by=(*READING, CARD),
    )
    negatives: float = setting(
        "Share of training recordings that are negatives, trained as `unknown`: segments of "
        "`dataset.negatives`, and words of which at most half remains. With it, the model also "
        "contains its false alarms per hour, for `predict.false_alarms_per_hour`.",
        0,
        minimum=0,
        maximum=0.9,
        used_by=(*READING, CARD),
    )
    balanced: bool = setting(
        "Whether each class is trained on equally often, however many recordings it has.",
        False,
        used_by=("train", CARD),
    )
    model: Literal["published", "residual"] = setting(
        "The network: published (the experiment's) or residual (deeper, with fewer parameters).",
        "published",
        used_by=(*MAKING, CARD, *COMPARING),
    )
    device: Literal["auto", "cuda", "cpu"] = setting(
        "The device: auto (a GPU if there is one), cuda (required) or cpu. With several GPUs, "
        "training is data-parallel; `batch_size` is the total over all of them.",
        "auto",
        used_by=(*READING, "score_stream", "predict_words"),
    )
    precision: Literal["auto", "float32", "bfloat16"] = setting(
        "The network's arithmetic: auto (bfloat16 if the device supports it), float32 or bfloat16.",
        "auto",
        used_by=(*READING, "score_stream", "predict_words", CARD),
    )
    compile: Auto | bool = setting(
        "Whether to compile the training step: auto (on a GPU), on (required) or off.",
        "auto",
        used_by=("train",),
    )
    memory_budget: float | Auto = setting(
        "Memory for spectrograms, GB. If they need more, they are streamed from their stores. "
        "auto: half of the free memory, or 0.6 of a GPU's free memory.",
        "auto",
        above=0,
        used_by=READING,
    )
    epochs: int = setting(
        "Epochs of the one-cycle schedule.", 50, minimum=1, maximum=100_000, used_by=("train", CARD)
    )
    batch_size: int = setting(
        "Recordings per step.", 128, minimum=2, maximum=65_536, used_by=(*MAKING, CARD)
    )
    max_lr: float | Auto = setting(
        "Highest learning rate of the schedule. auto: the rate that the range test "
        "(`range_test`) suggests.",
        0.01,
        above=0,
        maximum=10,
        used_by=("train", "plot_learning_rates", CARD),
    )
    patience: int | Off = setting(
        "Stop after this many epochs that are not better (`select_by`), and keep the best epoch. "
        "off: train all epochs and keep the last.",
        3,
        minimum=1,
        used_by=("train", CARD),
    )
    select_by: Literal["loss", "false_alarms"] = setting(
        "How epochs are compared: by loss, the validation loss, or by false_alarms, the share of "
        "validation recordings without a word that are predicted as one if 95 % of the words are "
        "recognised. With false_alarms, the best epoch is kept even if `patience` is off.",
        "loss",
        used_by=("train", CARD),
    )
    seed: int | list[int] = setting(
        "Seed of initial weights, shuffling and dropout. With a list, the run is trained once "
        "per seed.",
        1,
        minimum=0,
        maximum=LARGEST_SEED,
        fewest=1,
        used_by=(*MAKING, CARD, "compare_runs"),
    )
    range_test: RangeTest = setting(used_by=("find_learning_rate", CARD))
    augmentation: Augmentation = setting(used_by=("train", CARD))
    label_smoothing: float = setting(
        "Share of each target that is spread evenly over all classes.",
        0,
        minimum=0,
        below=1,
        used_by=("train", CARD),
    )
    weight_averaging: float | Off = setting(
        "Decay of an exponential moving average of the weights, such as 0.995; off uses the "
        "last weights.",
        False,
        above=0,
        below=1,
        used_by=("train", CARD),
    )
    test_shift_seconds: float = setting(
        "Largest shift of a test recording in time, either way, s. Its probabilities are averaged "
        "over five shifts. 0: no shift. A change of this does not retrain.",
        0,
        minimum=0,
        maximum=60,
        used_by=("evaluate", CARD),
    )


class Run(Training, total=False):
    """Each run trains one model. It needs `features`, `split` and `representation`; any other
    setting overrides `training`. `like: <run>` inherits the settings of another run. An overlay
    removes a run with `<run>: off`."""

    like: Name = setting("A run from which this one inherits its settings.")
    features: str = setting("The features to train on.", used_by=(CARD, *COMPARING))
    split: str = setting("The split to train on.", used_by=(CARD, *COMPARING))
    representation: Literal[
        "complex",
        "power",
        "magnitude",
        "sqrt",
        "mel",
        "log",
        "log_mel",
        "compressed",
        "log_mel_complex",
    ] = setting(
        "The network's input: complex, power, magnitude, sqrt (of magnitude), log (of power), mel "
        "(128 bands) or compressed (complex with square-rooted magnitudes). The residual network "
        "also takes log_mel (40 bands) and log_mel_complex (with phases), which are too small "
        "for the published network.",
        used_by=(*MAKING, CARD, *COMPARING),
    )


class Explore(Section):
    """The plots of one recording."""

    recording: Recording = setting(
        "The recording to plot, `<word>/<file>`; auto is the first usable one.", "auto"
    )


class Predict(Section):
    """The recordings that `snakemake predict` recognises."""

    recordings: SomeText | None = setting(
        "A recording, a folder (with all folders in it), a text file that lists recordings, "
        "one per line, or a CSV table with a column `file`. Paths in a list are relative to its "
        "folder or, if they do not exist there, to the working folder.",
        None,
    )
    keep: float = setting(
        "Share of correct validation answers accepted. It sets the confidence threshold. Words "
        "with a lower probability are reported as `unknown`: a smaller share gives fewer wrong "
        "answers. Exported models have this threshold, too.",
        0.95,
        above=0,
        maximum=1,
    )
    false_alarms_per_hour: float | Off = setting(
        "Sets the confidence threshold instead of `keep`: the lowest with at most this many false "
        "alarms per hour in the validation part of the negatives. Needs a run with `negatives`.",
        False,
        above=0,
    )


class Stream(Section):
    """The stream of test recordings in which runs are tested for false alarms."""

    hours: float = setting("Length, hours.", 0.25, minimum=0.01, maximum=10)
    seed: int = setting(
        "Seed of order, places, levels and noise.", 1, minimum=0, maximum=LARGEST_SEED
    )


class Config(Section):
    """config.yaml and its overlays."""

    pathvars: Pathvars
    dataset: Dataset
    audio: Audio
    features: dict[str, Features]
    splits: dict[str, Split]
    training: Training
    runs: dict[str, Run]
    train: list[RunName] = setting("The runs that `snakemake` trains and reports.", fewest=1)
    explore: Explore
    predict: Predict
    stream: Stream


def types(section: type[Section]) -> dict[str, Any]:
    """The types of a section's settings, by name."""
    hints = get_type_hints(section, include_extras=True)
    return {name: hint for name, hint in hints.items() if get_origin(hint) is not ClassVar}


def definition(section: type[Section], name: str) -> Setting:
    """The definition of a section's setting; empty for nested sections without one."""
    return getattr(section, name, Setting())


def of_rule(rule: str, run: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run that a rule depends on. Raises `ValueError` if there are none."""
    return {name: run[name] for name in _names(rule)}


@cache
def _names(rule: str) -> list[str]:
    names = sorted(name for name in types(Run) if rule in definition(Run, name).used_by)
    if not names:
        raise ValueError(f"No setting of a run is used by a rule {rule!r}.")
    return names


def for_card(config: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a run's model depends on, with those of its features and its split."""
    features = config["features"][run["features"]]
    return of_rule(CARD, run) | {
        "features": {name: features[name] for name in ("stft", "rounding")},
        "split": config["splits"][run["split"]],
    }
