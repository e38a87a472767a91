"""The data set's archive: checked, unpacked, and its folder put in place whole or not at all."""

import lzma
import tarfile
import zlib
from pathlib import Path

from spokenwords.errors import UserError
from spokenwords.jobs.disk_space import require_space
from spokenwords.jobs.hashing import hash_of
from spokenwords.jobs.progress import BYTES_PER_MB, advance_to, megabytes_progress
from spokenwords.jobs.replaced_folder import replaced_folder

# Speech Commands v0.01 is 1.49 GB packed and about 2.1 GB unpacked (64,727 files of about 32 KB),
# 1.4 times as much; the rest is for the file system's own needs.
UNPACKED_PER_PACKED = 1.7


def verify(path: Path, sha256: str) -> None:
    """Make sure that the local archive `path` is there and has the checksum `sha256` (hex).

    Raises UserError where it has not.
    """
    if not path.is_file():
        raise UserError(
            f"`dataset.archive.path` names {path}, and there is no such file. Correct the path, or "
            "remove the key to have the archive downloaded."
        )
    found = hash_of(path)
    if found != sha256.lower():
        raise UserError(
            f"The archive {path} has the SHA-256 checksum {found}, but `dataset.archive.sha256` is "
            f"{sha256.lower()}: the file is damaged, incomplete or another one. Get it again or, "
            "if it is the one you want, put its checksum into the config."
        )


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
