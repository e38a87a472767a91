"""The data set's archive, fetched from the first mirror that has it, and resumed where it broke."""

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

# A mirror that cannot be reached is given up after about 2 s of waiting between the tries. A
# server's Retry-After is not obeyed: it may ask for an hour, and the next mirror may answer now.
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
ANSWER_SECONDS = 20  # to begin an answer, and between two pieces of it
FRUITLESS_TRIES = 2  # transfers that break without bringing more, before a mirror is given up
CHUNK_BYTES = 65_536
NO_ADDRESS = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
)


class _MirrorError(Exception):
    """Why a mirror did not give the file, in a few words."""


class _BrokenTransferError(_MirrorError):
    """The file came in part; what came is kept."""


def fetch(locations: Sequence[str], sha256: str, destination: Path) -> Path:
    """Get the file with the checksum `sha256` (hex) from the first of the http(s) `locations`.

    It gets its name `destination` only when whole and right, and is returned by it; until then it
    is `<destination>.partial`, which a later call resumes. A right `destination` is not fetched.

    Raises UserError if no location gives the file, or if the disk is too small.
    """
    sha256 = sha256.lower()
    if destination.exists():
        if hash_of(destination) == sha256:
            return destination
        logger.info(f"{destination} has another checksum than expected and is fetched anew")
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
                logger.info(f"Not fetched from {location}: {failure}")
            else:
                return partial.replace(destination)
    raise UserError(
        f"The archive could not be fetched from {', nor from '.join(causes)}. Check the network "
        f"and run again{' (what has arrived is kept and resumed)' if _size(partial) else ''}, put "
        "the path of a local copy into `dataset.archive.path`, or try the demo with `make demo`, "
        "which needs no download."
    )


def _complete(session: requests.Session, location: str, sha256: str, partial: Path) -> None:
    """Bring `partial` to its end from one location, and check it."""
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
        # The fault may be in what another mirror or an earlier call left: once more, from nothing.
        inherited, longest = False, 0


def _receive(session: requests.Session, location: str, partial: Path) -> None:
    """Receive what `partial` lacks, or all of it where the server cannot begin in the middle."""
    start = _size(partial)
    # The archive's own bytes, not unpacked on the way; then Content-Length is its size.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        response = session.get(
            location, headers=headers, stream=True, timeout=(CONNECT_SECONDS, ANSWER_SECONDS)
        )
    except requests.RequestException as error:
        raise _MirrorError(_cause(error)) from error
    with response:
        if start and response.status_code == requests.codes.range_not_satisfiable:
            return  # nothing comes after what is here: all that is left is the checksum
        if not response.ok:
            raise _MirrorError(f"HTTP {response.status_code}")
        if response.status_code != requests.codes.partial_content:
            start = 0
        length = int(response.headers.get("Content-Length", 0))
        with partial.open("ab" if start else "wb") as file:
            require_space(partial, length, f"the download of {location}")
            kept = f", {start / BYTES_PER_MB:,.1f} MB are already here" if start else ""
            logger.info(f"Fetching {location}{kept}")
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
    """In a few words, why there was no answer."""
    # Where tries are exhausted, requests wraps the last one's fault.
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, NO_ADDRESS):
        return "not an http or https address"
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS} s"
    if isinstance(error, requests.Timeout) or isinstance(reason, urllib3_errors.ReadTimeoutError):
        return f"no answer within {ANSWER_SECONDS} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection: TLS handshake or certificate refused"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy cannot be reached or refuses"
    if isinstance(reason, urllib3_errors.NameResolutionError):
        return "no network or name not known"
    if isinstance(reason, urllib3_errors.NewConnectionError):
        fault = getattr(reason.__cause__, "strerror", None)
        return fault.lower() if fault else "no connection"
    if isinstance(error, requests.ConnectionError):
        return "connection closed without an answer"
    return type(error).__name__
