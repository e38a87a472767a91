"""The data set of a config: its folder, its table of speakers, and digests of both."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from spokenwords.errors import UserError
from spokenwords.jobs import hashing
from spokenwords.recordings import data_folder, lists, negatives, speaker_table, spelling


class DataSet:
    """The data set of a config; each part is read once, when it is needed.

    All methods and properties raise `UserError` if files are missing or cannot be used.
    """

    def __init__(self, settings: Mapping[str, Any], caches: Path, remembered: str = "") -> None:
        """Prepare a data set; `settings` is the config's section `dataset`, `caches` a folder.

        `remembered` is the result of `remember` in another process, whose digests of words are used
        unless the data set has been read again since.
        """
        self._settings, self._caches, self._remembered = settings, caches, remembered
        self.folder = Path(settings["folder"]).expanduser()
        self.table = Path(settings["metadata"]).expanduser() if settings["metadata"] else None

    @cached_property
    def listed(self) -> dict[str, speaker_table.Digest]:
        """Digests of the table's rows, keyed by word; empty without a table."""
        if self.table is None:
            return {}
        return speaker_table.digests(self.table, self._caches / ".metadata.json")

    def check_table(self) -> None:
        """Check the table before a download, unless it comes with the data folder."""
        if self.table and self.folder.absolute() not in self.table.absolute().parents:
            _ = self.listed

    @cached_property
    def words(self) -> dict[str, str]:
        """A digest of each word's recordings, keyed by word."""
        known = hashing.remembered(self._remembered, self._caches / ".words.json")
        if known is not None:
            return known
        wanted, fewest = self._settings["words"], self._settings["min_recordings"]
        found = data_folder.scan(self.folder, wanted, fewest, self._caches / ".scan.json")
        if self.table:
            speaker_table.refuse_unlisted(self.table, self.listed, self.folder, found)
        return found

    def remember(self) -> str:
        """Write the digests of words to a file, for another process; return the file's digest."""
        return hashing.remember(self.words, self._caches / ".words.json")

    def recordings(self, word: str) -> str:
        """Return the digest of a word's recordings."""
        if word not in self.words:
            raise UserError(
                f"{word!r} is not one of the words in {self.folder} (config keys dataset.words and "
                "dataset.min_recordings)."
            )
        return self.words[word]

    def word_of(self, recording: str) -> str:
        """Return the word of the recording to explore; for `auto`, the first word."""
        word = next(iter(self.words)) if recording == "auto" else recording.partition("/")[0]
        if word not in self.words:
            raise UserError(
                f"Config key explore.recording is {recording!r}; it must be a recording of one of "
                f"the words {', '.join(self.words)}."
            )
        return word

    def speakers(self, word: str) -> str | None:
        """Return a digest of a word's speakers in the table, or None without a table."""
        listed = self.listed.get(spelling.composed(word))
        return listed and listed.speakers

    @cached_property
    def official_sets(self) -> str:
        """A digest of the data set's own sets, from the table or else from the lists."""
        if self.table:
            sets = [self.listed[spelling.composed(word)].sets for word in self.words]
            if any(sets):
                return hashing.digest_of_lines(map(str, sets))
        return lists.digest_of_lists(self.folder)

    @cached_property
    def noise(self) -> dict[str, str]:
        """The recordings of noise, each with its content hash."""
        return data_folder.noise(self.folder)

    @property
    def folders_of_negatives(self) -> list[Path]:
        """The folders of negatives; none if they are synthetic."""
        named = self._settings["negatives"]
        return [] if named == "synthetic" else [Path(name).expanduser() for name in named]

    @cached_property
    def negatives(self) -> list[str]:
        """A digest of the negatives in each of their folders."""
        folders = {str(folder): folder for folder in self.folders_of_negatives}
        files = {name: (path, negatives.files(path, self.words)) for name, path in folders.items()}
        return list(hashing.digests(files, self._caches / ".negatives.json").values())

    @cached_property
    def origin(self) -> dict[str, Any]:
        """Facts for model cards: source, checksum and names of licence files."""
        source, archive = self._settings["source"], self._settings["archive"]
        names = sorted(path.name for path in self.folder.iterdir() if path.is_file())
        return {
            "source": source,
            "checksum": archive["sha256"] if source == "archive" else None,
            "licences": [name for name in names if name.upper().startswith(("LICENSE", "LICENCE"))],
        }
