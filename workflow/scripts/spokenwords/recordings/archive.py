"""Verifying and unpacking the data set's archive."""

import lzma
import tarfile
import zlib
from pathlib import Path

from spokenwords.errors import UserError
from spokenwords.jobs.disk_space import require_space
from spokenwords.jobs.hashing import hash_of
from spokenwords.jobs.progress import BYTES_PER_MB, advance_to, megabytes_progress
from spokenwords.jobs.replaced_folder import replaced_folder

# Speech Commands v0.01 has 1.49 GB packed and about 2.1 GB unpacked (64,727 files of about 32 KB).
# That is a factor of 1.4; the rest is for the file system.
UNPACKED_PER_PACKED = 1.7


def verify(path: Path, sha256: str) -> None:
    """Check that the archive `path` exists and has the checksum `sha256` (hex).

    Raises UserError if not.
    """
    if not path.is_file():
        raise UserError(
            f"`dataset.archive.path` is {path}, but this file does not exist. Correct the path, or "
            "remove the key to download the archive."
        )
    found = hash_of(path)
    if found != sha256.lower():
        raise UserError(
            f"The archive {path} has the SHA-256 checksum {found}, but `dataset.archive.sha256` is "
            f"{sha256.lower()}. The file is damaged, incomplete or a different archive: download "
            "it again or, if it is the right one, correct the checksum in the config."
        )


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the word folders of a tar archive (plain, gzip, bzip2, xz) into `folder`.

    A single top folder that contains the word folders is removed. On an error, `folder` stays
    unchanged (see `replaced_folder`).

    Raises UserError if the archive is damaged or has an entry outside the folder, if the disk is
    too small, or if `folder` cannot be replaced.
    """
    packed_bytes = archive.stat().st_size
    with replaced_folder(folder) as staging:
        require_space(staging, packed_bytes * UNPACKED_PER_PACKED, "unpacking the archive")
        try:
            _extract(archive, staging, packed_bytes)
        except tarfile.FilterError as error:
            raise _refusal(archive, error.tarinfo, _reason(error)) from error
        except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
            # gzip and bz2 report damaged data as an OSError without a number.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise UserError(
                f"The archive {archive} cannot be read to its end: it is truncated, damaged or not "
                "a tar archive. Nothing was unpacked; download it again."
            ) from error
        _strip_top_folder(staging)


def _extract(archive: Path, folder: Path, packed_bytes: int) -> None:
    progress = megabytes_progress("Unpacking", packed_bytes)
    with archive.open("rb") as packed, tarfile.open(fileobj=packed, mode="r:*") as tar:
        for member in tar:
            # The filter would silently make an absolute path relative. Before Python 3.11.13,
            # chains of symbolic links could also escape it. Recordings need neither.
            if member.name.startswith("/"):
                raise _refusal(archive, member, "has an absolute path")
            if member.issym():
                raise _refusal(archive, member, "is a symbolic link")
            tar.extract(member, folder, filter="data")
            advance_to(progress, packed.tell())
        # tarfile treats an unreadable header as the end of the archive, but the real end is two
        # blocks of zeros. Reading the rest lets the decompressor verify its checksum.
        if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("the end of the archive is missing")
        while tar.fileobj.read(BYTES_PER_MB):
            pass


def _reason(error: tarfile.FilterError) -> str:
    if isinstance(error, tarfile.SpecialFileError):
        return "is a device or another special file"
    if isinstance(error, tarfile.AbsoluteLinkError | tarfile.LinkOutsideDestinationError):
        return "links to a path outside the folder"
    return "would be outside the folder"


def _refusal(archive: Path, member: tarfile.TarInfo, reason: str) -> UserError:
    return UserError(
        f"The archive {archive} was rejected: its entry '{member.name}' {reason}. Nothing was "
        "unpacked; use an archive that contains only folders and recordings."
    )


def _strip_top_folder(folder: Path) -> None:
    """Move the content of the only entry, a folder that contains folders, one level up.

    The folder of a single word contains only recordings, and stays.
    """
    entries = list(folder.iterdir())
    if len(entries) != 1 or not entries[0].is_dir():
        return
    if not any(entry.is_dir() for entry in entries[0].iterdir()):
        return
    # The top folder may contain an entry with its own name.
    top = entries[0].rename(folder / f"{entries[0].name}.top")
    for entry in list(top.iterdir()):
        entry.rename(folder / entry.name)
    top.rmdir()
