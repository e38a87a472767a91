"""The data set's archive: checked, unpacked, and its folder put in place whole or not at all."""

import lzma
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path

from spokenwords import unfinished
from spokenwords.errors import UserError
from spokenwords.progress import Progress

MARKER = ".spoken-words"
MARKER_TEXT = (
    "The spoken-words workflow made this folder and replaces it as a whole when it has to make it\n"
    "again. Keep nothing of your own here.\n"
)
# Speech Commands v0.01 is 1.49 GB packed and about 2.1 GB unpacked (64,727 files of about 32 KB),
# 1.4 times as much; the rest is for the file system's own needs.
UNPACKED_PER_PACKED = 1.7
BYTES_PER_MB = 1_000_000


def verify(path: Path, sha256: str) -> None:
    """Make sure that the local archive `path` is there and has the checksum `sha256` (hex).

    Raises UserError where it has not.
    """
    if not path.is_file():
        raise UserError(
            f"`dataset.archive.path` names {path}, and there is no such file. Correct the path, or "
            "remove the key to have the archive downloaded."
        )
    found = checksum(path)
    if found != sha256.lower():
        raise UserError(
            f"The archive {path} has the SHA-256 checksum {found}, but `dataset.archive.sha256` is "
            f"{sha256.lower()}: the file is damaged, incomplete or another one. Get it again or, "
            "if it is the one you want, put its checksum into the config."
        )


def checksum(path: Path) -> str:
    """SHA-256 of a file's content, in lower-case hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar archive (plain, gzip, bzip2, xz) so that its word folders lie in `folder`.

    A single top folder that holds the word folders is left out. `folder` is made whole or left as
    it was, see `replaced_folder`.

    Raises UserError if the archive is damaged or holds an entry that would leave the folder, if
    the disk is too small, or if `folder` may not be replaced.
    """
    packed_bytes = archive.stat().st_size
    with replaced_folder(folder) as staging:
        require_space(staging, packed_bytes * UNPACKED_PER_PACKED, "unpacking the archive")
        try:
            _extract(archive, staging, packed_bytes)
        except tarfile.FilterError as error:
            raise _refusal(archive, error.tarinfo, _fault(error)) from error
        except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
            # gzip and bz2 report damaged data as an OSError without a number.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise UserError(
                f"The archive {archive} cannot be read to its end: it is truncated, damaged or no "
                "tar archive. Get it again; nothing was unpacked."
            ) from error
        _strip_top_folder(staging)


def _extract(archive: Path, folder: Path, packed_bytes: int) -> None:
    progress = megabytes_progress("Unpacking", packed_bytes)
    with archive.open("rb") as packed, tarfile.open(fileobj=packed, mode="r:*") as tar:
        for member in tar:
            # The filter would quietly make an absolute path a relative one; and before Python
            # 3.11.13, chains of symbolic links could lead it astray. Recordings need neither.
            if member.name.startswith("/"):
                raise _refusal(archive, member, "has an absolute path")
            if member.issym():
                raise _refusal(archive, member, "is a symbolic link")
            tar.extract(member, folder, filter="data")
            advance_to(progress, packed.tell())
        # tarfile takes an unreadable header for the end of the archive: two blocks of zeros are
        # the true one. Reading on to the end lets the decompressor check its own checksum.
        if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("no end of archive")
        while tar.fileobj.read(BYTES_PER_MB):
            pass


def _fault(error: tarfile.FilterError) -> str:
    if isinstance(error, tarfile.SpecialFileError):
        return "is a device or another special file"
    if isinstance(error, tarfile.AbsoluteLinkError | tarfile.LinkOutsideDestinationError):
        return "links to a place outside the folder"
    return "would lie outside the folder"


def _refusal(archive: Path, member: tarfile.TarInfo, fault: str) -> UserError:
    return UserError(
        f"The archive {archive} is refused: its entry '{member.name}' {fault}. Nothing was "
        "unpacked; take an archive that holds folders and recordings only."
    )


def _strip_top_folder(folder: Path) -> None:
    """Move the content of the only entry, a folder with folders in it, one level up.

    A single word's folder holds recordings and no folders, and stays.
    """
    entries = list(folder.iterdir())
    if len(entries) != 1 or not entries[0].is_dir():
        return
    if not any(entry.is_dir() for entry in entries[0].iterdir()):
        return
    # The top folder may hold an entry of its own name.
    top = entries[0].rename(folder / f"{entries[0].name}.top")
    for entry in list(top.iterdir()):
        entry.rename(folder / entry.name)
    top.rmdir()


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty staging folder that becomes `folder` if the block ends without an exception.

    It lies beside `folder`, on the same file system. A `folder` that is there stays untouched
    until then; after an exception it still is, and the staging folder is gone.

    Raises UserError if `folder` holds files and was not made by this function.
    """
    folder = folder.resolve()  # a link to a folder on another disk stays a link
    staging = unfinished.beside(folder)
    former = folder.with_name(f".{folder.name}.former")
    if former.exists() and not folder.exists():  # ended between the two renames below
        former.rename(folder)
    _require_replaceable(folder)
    if former.exists():
        shutil.rmtree(former)
    staging.mkdir(parents=True)
    try:
        yield staging
        (staging / MARKER).write_text(MARKER_TEXT)
        if folder.exists():
            folder.rename(former)
        try:
            staging.rename(folder)
        except BaseException:
            if former.exists():
                former.rename(folder)
            raise
    except BaseException:
        unfinished.remove(staging)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _require_replaceable(folder: Path) -> None:
    if not folder.exists() or (folder / MARKER).is_file():
        return
    if folder.is_mount():
        raise UserError(
            f"The folder {folder} is a mount point and cannot be replaced as a whole: choose a "
            "folder inside it as `dataset.folder`."
        )
    if not folder.is_dir() or any(not entry.is_dir() for entry in folder.rglob("*")):
        raise UserError(
            f"{folder} holds files that the workflow did not put there, and they would be lost: "
            "move them away or choose another `dataset.folder`."
        )


def require_space(place: Path, bytes_needed: float, purpose: str) -> None:
    """Make sure that `bytes_needed` are free on the disk of `place`, which exists.

    Raises UserError, a sentence with the `purpose` ("unpacking …") in it, where they are not.
    """
    free = shutil.disk_usage(place).free
    if free < bytes_needed:
        raise UserError(
            f"The disk of {place.parent} is too full: {purpose} needs "
            f"{bytes_needed / BYTES_PER_MB:,.1f} MB and {free / BYTES_PER_MB:,.1f} MB are free. "
            "Free some space there or choose a place on another disk."
        )


def megabytes_progress(task: str, total_bytes: int) -> Progress:
    """Progress of a task over `total_bytes`, told in MB."""
    return Progress(task, max(1, -(-total_bytes // BYTES_PER_MB)), "MB")


def advance_to(progress: Progress, position_bytes: int) -> None:
    """Bring a progress in MB to `position_bytes`, counted from the task's start."""
    megabytes = position_bytes // BYTES_PER_MB - progress.done
    if megabytes > 0:
        progress.advance(megabytes)
