"""Downloading the data set's archive from the first mirror that works, with resume."""

import logging
from collections.abc import Sequence
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3 import exceptions as urllib3_errors

from spokenwords.errors import UserError
from spokenwords.jobs.disk_space import require_space
from spokenwords.jobs.hashing import hash_of
from spokenwords.jobs.progress import BYTES_PER_MB, advance_to, megabytes_progress

logger = logging.getLogger("spokenwords")

# An unreachable mirror is given up after about 2 s of waiting between tries. A server's Retry-After
# is ignored: it may be an hour, while the next mirror may work now.
RETRIES = Retry(
    total=3,
    connect=2,
    read=1,
    backoff_factor=0.3,
    status_forcelist=(500, 502, 503, 504),
    allowed_methods={"GET"},
    raise_on_status=False,
    respect_retry_after_header=False,
)
CONNECT_SECONDS = 6
ANSWER_SECONDS = 20  # until an answer starts, and between two pieces of it
FRUITLESS_TRIES = 2  # interrupted transfers without progress, before a mirror is given up
CHUNK_BYTES = 65_536
NO_ADDRESS = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
)


class _MirrorError(Exception):
    """A mirror that does not provide the file; its message is a short reason."""


class _BrokenTransferError(_MirrorError):
    """An interrupted transfer; the part received is kept."""


def fetch(locations: Sequence[str], sha256: str, destination: Path) -> Path:
    """Download the file with the checksum `sha256` (hex) from the first of the http(s) `locations`.

    It is received as `<destination>.partial`, which a later call resumes. After its checksum has
    been verified, it is renamed to `destination`, which is returned. An existing `destination` with
    this checksum is not downloaded again.

    Raises UserError if no location provides the file, or if the disk is too small.
    """
    sha256 = sha256.lower()
    if destination.exists():
        if hash_of(destination) == sha256:
            return destination
        logger.info(f"{destination} has a different checksum and is downloaded again.")
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_name(f"{destination.name}.partial")
    causes = []
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=RETRIES))
        session.mount("https://", HTTPAdapter(max_retries=RETRIES))
        for location in locations:
            try:
                _complete(session, location, sha256, partial)
            except _MirrorError as failure:
                causes.append(f"{location} ({failure})")
                logger.info(f"Download from {location} failed: {failure}")
            else:
                return partial.replace(destination)
    raise UserError(
        f"The archive could not be downloaded from {', nor from '.join(causes)}. Check the network "
        f"and run the workflow again{' (the download resumes)' if _size(partial) else ''}, enter "
        "the path of a local copy as `dataset.archive.path`, or try the demo with `make demo`, "
        "which needs no download."
    )


def _complete(session: requests.Session, location: str, sha256: str, partial: Path) -> None:
    """Complete `partial` from one location, and verify it."""
    inherited = _size(partial) > 0
    longest = fruitless = 0
    while True:
        try:
            _receive(session, location, partial)
        except _BrokenTransferError:
            size = _size(partial)
            fruitless = 0 if size > longest else fruitless + 1
            longest = max(longest, size)
            if fruitless == FRUITLESS_TRIES:
                raise
            continue
        found = hash_of(partial)
        if found == sha256:
            return
        partial.unlink()
        if not inherited:
            raise _MirrorError(f"wrong checksum: got {found}, expected {sha256}")
        # The error may be in the part from another mirror or an earlier call: start again.
        inherited, longest = False, 0


def _receive(session: requests.Session, location: str, partial: Path) -> None:
    """Receive the rest of `partial`, or all of it if the server does not support ranges."""
    start = _size(partial)
    # Without compression by the server, Content-Length is the size of the archive.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        response = session.get(
            location, headers=headers, stream=True, timeout=(CONNECT_SECONDS, ANSWER_SECONDS)
        )
    except requests.RequestException as error:
        raise _MirrorError(_cause(error)) from error
    with response:
        if start and response.status_code == requests.codes.range_not_satisfiable:
            return  # The file is complete; only the checksum remains.
        if not response.ok:
            raise _MirrorError(f"HTTP {response.status_code}")
        if response.status_code != requests.codes.partial_content:
            start = 0
        length = int(response.headers.get("Content-Length", 0))
        with partial.open("ab" if start else "wb") as file:
            require_space(partial, length, f"the download of {location}")
            kept = f" ({start / BYTES_PER_MB:,.1f} MB already received)" if start else ""
            logger.info(f"Downloading {location}{kept}")
            progress = megabytes_progress("Downloading", length)
            received = 0
            broken = None
            try:
                for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
                    file.write(chunk)
                    received += len(chunk)
                    if length:
                        advance_to(progress, received)
            except urllib3_errors.HTTPError as error:
                broken = error
        if broken or received < length:
            whole = f"{(start + length) / BYTES_PER_MB:,.1f}" if length else "an unknown number of"
            raise _BrokenTransferError(
                f"truncated: {(start + received) / BYTES_PER_MB:,.1f} of {whole} MB"
            ) from broken


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _cause(error: requests.RequestException) -> str:
    """Return a short reason for a missing answer."""
    # After the last try, requests wraps its error.
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, NO_ADDRESS):
        return "not an http or https address"
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS} s"
    if isinstance(error, requests.Timeout) or isinstance(reason, urllib3_errors.ReadTimeoutError):
        return f"no answer within {ANSWER_SECONDS} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection: TLS handshake or certificate rejected"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy is unreachable or refuses the connection"
    if isinstance(reason, urllib3_errors.NameResolutionError):
        return "no network, or the host name does not exist"
    if isinstance(reason, urllib3_errors.NewConnectionError):
        cause = getattr(reason.__cause__, "strerror", None)
        return cause.lower() if cause else "no connection"
    if isinstance(error, requests.ConnectionError):
        return "connection closed without an answer"
    return type(error).__name__
