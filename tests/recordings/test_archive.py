"""Downloading from a server on this machine, and unpacking archives made here."""

import hashlib
import io
import os
import random
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections import namedtuple
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from spokenwords.errors import UserError
from spokenwords.jobs.replaced_folder import MARKER
from spokenwords.recordings import archive, data_folder, download
from spokenwords.recordings.archive import unpack, verify
from spokenwords.recordings.download import fetch

CONTENT = random.Random(1).randbytes(1_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CUT = 300_000
RETRIES = download.RETRIES


@dataclass
class Server:
    """How the server answers, and `requests`: (path, Range header) of each."""

    url: str
    ranges: bool = True
    content: dict[str, bytes] = field(default_factory=lambda: {"/a.tar": CONTENT})
    # A request takes the first: an HTTP status to answer with, or "cut": send CUT bytes and close.
    faults: list[int | str] = field(default_factory=list)
    requests: list[tuple[str, str | None]] = field(default_factory=list)


def first_byte(range_header):
    return int(range_header.removeprefix("bytes=").removesuffix("-"))


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            mirror.requests.append((self.path, asked))
            fault = mirror.faults.pop(0) if mirror.faults else None
            content = mirror.content.get(self.path)
            if isinstance(fault, int) or content is None:
                return self.answer(fault or 404, b"")
            start = first_byte(asked) if asked and mirror.ranges else 0
            if start >= len(content):
                return self.answer(416, b"")
            self.answer(206 if start else 200, content[start:], CUT if fault == "cut" else None)

        def answer(self, status, body, cut=None):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 206:
                self.send_header("Content-Range", f"bytes {len(CONTENT) - len(body)}-/*")
            self.end_headers()
            self.wfile.write(body[:cut])
            self.close_connection = True

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        mirror = Server(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield mirror
        http.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def quick_and_direct(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "RETRIES", RETRIES.new(backoff_factor=0))


@pytest.fixture
def free_bytes(monkeypatch):
    def set_free(count):
        usage = namedtuple("usage", "total used free")(10**12, 10**12 - count, count)
        monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)

    return set_free


def closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# --- fetch


def test_fetch_gives_the_file_its_name(server, tmp_path):
    destination = tmp_path / "deep" / "a.tar"
    assert fetch([f"{server.url}/a.tar"], SHA256.upper(), destination) == destination
    assert destination.read_bytes() == CONTENT
    assert names(tmp_path / "deep") == ["a.tar"]
    assert server.requests == [("/a.tar", None)]


def test_a_right_file_is_not_fetched_and_a_wrong_one_is(server, tmp_path):
    destination = tmp_path / "a.tar"
    destination.write_bytes(CONTENT)
    fetch([f"{server.url}/a.tar"], SHA256, destination)
    assert server.requests == []
    destination.write_bytes(CONTENT[:-1])
    fetch([f"{server.url}/a.tar"], SHA256, destination)
    assert destination.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_dropped_transfer_is_resumed(server, tmp_path):
    server.faults = ["cut", "cut"]
    fetch([f"{server.url}/a.tar"], SHA256, tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_bytes() == CONTENT
    first, second, third = [asked for _, asked in server.requests]
    assert first is None
    # The last piece before the cut may be lost with the connection.
    assert CUT - download.CHUNK_BYTES < first_byte(second) <= CUT
    assert first_byte(second) < first_byte(third) <= first_byte(second) + CUT


def test_a_later_call_resumes_what_an_earlier_one_left(server, tmp_path):
    (tmp_path / "a.tar.partial").write_bytes(CONTENT[:123_456])
    fetch([f"{server.url}/a.tar"], SHA256, tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_bytes() == CONTENT
    assert server.requests == [("/a.tar", "bytes=123456-")]


def test_a_whole_partial_file_needs_no_bytes(server, tmp_path):
    (tmp_path / "a.tar.partial").write_bytes(CONTENT)
    fetch([f"{server.url}/a.tar"], SHA256, tmp_path / "a.tar")
    assert names(tmp_path) == ["a.tar"]
    assert server.requests == [("/a.tar", "bytes=1000000-")]


@pytest.mark.parametrize("size", [123_456, 1_000_000, 2_000_000])
def test_a_damaged_partial_file_is_downloaded_again(server, tmp_path, size):
    (tmp_path / "a.tar.partial").write_bytes(bytes(size))
    fetch([f"{server.url}/a.tar"], SHA256, tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [f"bytes={size}-", None]


def test_a_server_without_ranges_starts_again(server, tmp_path):
    server.ranges = False
    server.faults = ["cut"]
    fetch([f"{server.url}/a.tar"], SHA256, tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_mirror_that_always_breaks_off_is_given_up(server, tmp_path):
    server.ranges = False
    server.faults = ["cut"] * 100
    with pytest.raises(UserError, match=r"truncated: 0\.[23] of 1\.0 MB.*the download resumes"):
        fetch([f"{server.url}/a.tar"], SHA256, tmp_path / "a.tar")
    assert len(server.requests) == 3
    assert names(tmp_path) == ["a.tar.partial"]


def test_the_next_mirror_takes_over(server, tmp_path):
    fetch([f"{server.url}/absent", f"{server.url}/a.tar"], SHA256, tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == ["/absent", "/a.tar"]


def test_a_server_in_trouble_is_asked_again(server, tmp_path):
    server.faults = [500, 503]
    fetch([f"{server.url}/a.tar"], SHA256, tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_bytes() == CONTENT
    assert len(server.requests) == 3


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    wrong = bytes(1000)
    server.content["/wrong.tar"] = wrong
    with pytest.raises(UserError) as caught:
        fetch([f"{server.url}/wrong.tar"], SHA256, tmp_path / "a.tar")
    got = hashlib.sha256(wrong).hexdigest()
    assert f"wrong checksum: got {got}, expected {SHA256}" in str(caught.value)
    assert names(tmp_path) == []
    fetch([f"{server.url}/wrong.tar", f"{server.url}/a.tar"], SHA256, tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_bytes() == CONTENT
    assert server.requests[-1] == ("/a.tar", None)


def test_when_all_mirrors_fail_the_message_has_reasons_and_what_to_do(
    server, tmp_path, monkeypatch
):
    def unknown_name(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    port = closed_port()
    server.faults = [404, 503, 503, 503, 503]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest: (real if host == "127.0.0.1" else unknown_name)(host, *rest),
    )
    monkeypatch.setenv("NO_PROXY", "*")
    locations = [
        f"{server.url}/gone.tar",
        f"{server.url}/busy.tar",
        f"http://127.0.0.1:{port}/a.tar",
        "http://mirror.invalid/a.tar",
        "mirror/a.tar",
    ]
    causes = [
        "HTTP 404",
        "HTTP 503",
        "connection refused",
        "no network, or the host name does not exist",
        "not an http or https address",
    ]
    with pytest.raises(UserError) as caught:
        fetch(locations, SHA256, tmp_path / "a.tar")
    message = str(caught.value)
    for location, cause in zip(locations, causes, strict=True):
        assert f"{location} ({cause})" in message
    assert "`make demo`" in message and "`dataset.archive.path`" in message
    assert "\n" not in message and "Retry" not in message and "resumes" not in message
    assert names(tmp_path) == []


def test_a_silent_server_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(UserError) as caught:
        fetch([f"http://127.0.0.1:{silent.getsockname()[1]}/a"], SHA256, tmp_path / "a.tar")
    assert "(no answer within 0.1 s)" in str(caught.value)


def test_without_a_network_it_fails_within_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "RETRIES", RETRIES)
    start = time.monotonic()
    with pytest.raises(UserError, match="connection refused"):
        fetch([f"http://127.0.0.1:{closed_port()}/a.tar"], SHA256, tmp_path / "a.tar")
    assert time.monotonic() - start < 3


def test_a_download_larger_than_the_disk_is_not_begun(server, tmp_path, free_bytes):
    free_bytes(500_000)
    with pytest.raises(UserError, match=r"too full.*needs 1\.0 MB, but only 0\.5 MB are free"):
        fetch([f"{server.url}/a.tar"], SHA256, tmp_path / "a.tar")
    # A resumed one needs room for the rest only.
    (tmp_path / "a.tar.partial").write_bytes(CONTENT[:600_000])
    fetch([f"{server.url}/a.tar"], SHA256, tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_bytes() == CONTENT


# --- verify


def test_verify(tmp_path):
    path = tmp_path / "a.tar"
    with pytest.raises(UserError, match=r"`dataset\.archive\.path`.*does not exist"):
        verify(path, SHA256)
    path.write_bytes(CONTENT)
    verify(path, SHA256)
    verify(path, SHA256.upper())
    path.write_bytes(b"other")
    with pytest.raises(UserError, match=r"`dataset\.archive\.sha256`") as caught:
        verify(path, SHA256)
    assert SHA256 in str(caught.value)
    assert hashlib.sha256(b"other").hexdigest() in str(caught.value)


# --- unpack

RECORDING = random.Random(2).randbytes(32_044)
SPEECH_COMMANDS = {
    "LICENSE": b"CC BY 4.0",
    "README.md": b"# Speech Commands",
    "validation_list.txt": b"bed/b_nohash_0.wav\n",
    "testing_list.txt": b"cat/a_nohash_0.wav\n",
    "_background_noise_/pink.wav": RECORDING * 3,
    "bed/a_nohash_0.wav": RECORDING,
    "bed/b_nohash_0.wav": RECORDING[::-1],
    "cat/a_nohash_0.wav": RECORDING[1:],
}


def entry(name, kind=tarfile.REGTYPE, link=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, link, 0o755
    return member


def write_archive(path, files, prefix="", mode="w:gz", extra=()):
    """A tar with an entry for each folder, as GNU tar writes it; `extra` entries come last."""
    with tarfile.open(path, mode) as tar:
        folders = {name.rpartition("/")[0] for name in files if "/" in name}
        for name in [prefix, *(f"{prefix}{name}/" for name in sorted(folders))]:
            if name:
                tar.addfile(entry(name, tarfile.DIRTYPE))
        for name, content in files.items():
            member = entry(f"{prefix}{name}")
            member.size, member.mode, member.uid = len(content), 0o400, 12345
            tar.addfile(member, io.BytesIO(content))
        for member in extra:
            tar.addfile(member)
    return path


def read_tree(folder):
    """Every file but the marker, and its content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MARKER
    }


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("prefix", ["./", "", "speech_commands/", "./speech_commands/", "bed/"])
def test_unpack_word_folders(tmp_path, prefix, mode):
    packed = write_archive(tmp_path / "a.tar", SPEECH_COMMANDS, prefix, mode)
    unpack(packed, tmp_path / "data" / "words")
    assert read_tree(tmp_path / "data" / "words") == SPEECH_COMMANDS
    assert names(tmp_path / "data") == ["words"]
    assert (tmp_path / "data" / "words" / MARKER).is_file()


def test_a_single_word_folder_stays(tmp_path):
    files = {"bed/a_nohash_0.wav": RECORDING, "bed/b_nohash_0.wav": RECORDING}
    unpack(write_archive(tmp_path / "a.tar", files, "./"), tmp_path / "words")
    assert read_tree(tmp_path / "words") == files


def test_a_hard_link_inside_is_unpacked(tmp_path):
    link = entry("bed/c_nohash_0.wav", tarfile.LNKTYPE, "bed/a_nohash_0.wav")
    unpack(write_archive(tmp_path / "a.tar", SPEECH_COMMANDS, extra=[link]), tmp_path / "words")
    assert read_tree(tmp_path / "words") == SPEECH_COMMANDS | {"bed/c_nohash_0.wav": RECORDING}


HARMFUL = {
    "../evil.wav": (entry("../evil.wav"), "outside the folder"),
    "bed/../../evil.wav": (entry("bed/../../evil.wav"), "outside the folder"),
    "/evil.wav": (entry("/evil.wav"), "absolute path"),
    "symlink": (entry("bed/link", tarfile.SYMTYPE, "../../outside"), "symbolic link"),
    "hard link": (entry("bed/hard", tarfile.LNKTYPE, "../outside"), "links to a path outside"),
    "device": (entry("bed/null", tarfile.CHRTYPE), "device"),
    "pipe": (entry("bed/pipe", tarfile.FIFOTYPE), "device"),
}


@pytest.mark.parametrize(("member", "fault"), HARMFUL.values(), ids=HARMFUL.keys())
def test_a_harmful_entry_is_refused(tmp_path, member, fault):
    (tmp_path / "outside").write_text("not part of it")
    packed = write_archive(tmp_path / "a.tar.gz", SPEECH_COMMANDS, "./", extra=[member])
    with pytest.raises(UserError, match=fault) as caught:
        unpack(packed, tmp_path / "words")
    assert f"'{member.name}'" in str(caught.value)
    assert names(tmp_path) == ["a.tar.gz", "outside"]


def spoil(content, at):
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


DAMAGE = {
    "truncated": lambda content: content[:-100_000],
    "last bytes gone": lambda content: content[:-4],
    "a byte changed": lambda content: spoil(content, len(content) // 2),
    "checksum changed": lambda content: spoil(content, len(content) - 6),
    "no archive": lambda content: b"<html>Sign in to the network</html>" * 100,
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_archive_is_refused(tmp_path, damage):
    packed = write_archive(tmp_path / "a.tar.gz", SPEECH_COMMANDS, "./")
    packed.write_bytes(damage(packed.read_bytes()))
    with pytest.raises(UserError, match=r"truncated, damaged or not a tar archive"):
        unpack(packed, tmp_path / "words")
    assert names(tmp_path) == ["a.tar.gz"]


@pytest.mark.parametrize("mode", ["w", "w:bz2", "w:xz"])
def test_other_truncated_archives_are_refused(tmp_path, mode):
    packed = write_archive(tmp_path / "a.tar", SPEECH_COMMANDS, "./", mode)
    content = packed.read_bytes()
    # In a plain tar, also exactly between two entries and amid a header.
    with tarfile.open(packed) as tar:
        last = tar.getmembers()[-1].offset
    cuts = [last, last + 100, last + 2000] if mode == "w" else [len(content) // 2]
    for cut in cuts:
        packed.write_bytes(content[:cut])
        with pytest.raises(UserError, match="truncated, damaged or not a tar archive"):
            unpack(packed, tmp_path / "words")
    assert names(tmp_path) == ["a.tar"]


def test_a_zip_under_a_tars_name_is_refused(tmp_path):
    packed = tmp_path / "a.tar.gz"
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in SPEECH_COMMANDS.items():
            archive.writestr(name, content)
    with pytest.raises(UserError, match="not a tar archive"):
        unpack(packed, tmp_path / "words")
    assert names(tmp_path) == ["a.tar.gz"]


def test_an_archive_without_entries_leaves_an_empty_folder(tmp_path):
    """An archive without words is reported when the words are read."""
    unpack(write_archive(tmp_path / "a.tar.gz", {}), tmp_path / "words")
    assert read_tree(tmp_path / "words") == {}
    with pytest.raises(UserError, match="contains no folder of"):
        data_folder.words(tmp_path / "words", "all", 1)


def test_of_members_of_one_name_the_last_counts(tmp_path):
    """As tar itself does it: archives can be added to."""
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for content in (b"first", b"second, which is longer"):
            member = entry("bed/a.wav")
            member.size, member.mode = len(content), 0o400
            tar.addfile(member, io.BytesIO(content))
    unpack(tmp_path / "a.tar", tmp_path / "words")
    assert read_tree(tmp_path / "words") == {"bed/a.wav": b"second, which is longer"}


def test_a_member_larger_than_the_disk_leaves_the_folder_as_it_was(tmp_path):
    """Zeros are packed a thousandfold; a limit to the size of files stands for the disk."""
    unpack(write_archive(tmp_path / "a.tar", {"bed/a.wav": RECORDING}), tmp_path / "words")
    write_archive(tmp_path / "b.tar.gz", {"bed/a.wav": bytes(20_000_000)})
    script = (
        "import resource; from pathlib import Path\n"
        "from spokenwords.jobs.log import job_log\n"
        "from spokenwords.recordings import archive\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "with job_log('log'): archive.unpack(Path('b.tar.gz'), Path('words'))"
    )
    library = Path(archive.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The disk is full")
    assert "Traceback" not in done.stderr
    assert read_tree(tmp_path / "words") == {"bed/a.wav": RECORDING}
    assert names(tmp_path) == ["a.tar", "b.tar.gz", "log", "words"]


def test_an_archive_larger_than_the_disk_is_not_begun(tmp_path, free_bytes):
    packed = write_archive(tmp_path / "a.tar.gz", SPEECH_COMMANDS)
    free_bytes(int(1.5 * packed.stat().st_size))
    with pytest.raises(UserError, match="too full: unpacking the archive needs"):
        unpack(packed, tmp_path / "words")
    assert names(tmp_path) == ["a.tar.gz"]
    free_bytes(2 * packed.stat().st_size)
    unpack(packed, tmp_path / "words")


def test_unpacking_again_replaces_what_it_made(tmp_path):
    folder = tmp_path / "words"
    unpack(write_archive(tmp_path / "a.tar", SPEECH_COMMANDS), folder)
    unpack(write_archive(tmp_path / "b.tar", {"dog/a_nohash_0.wav": RECORDING}), folder)
    assert read_tree(folder) == {"dog/a_nohash_0.wav": RECORDING}
    assert names(tmp_path) == ["a.tar", "b.tar", "words"]


@pytest.mark.parametrize("file", ["mine.wav", "bed/mine.wav"])
def test_a_folder_with_foreign_files_is_refused(tmp_path, file):
    mine = tmp_path / "words" / file
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    packed = write_archive(tmp_path / "a.tar", SPEECH_COMMANDS)
    with pytest.raises(UserError, match=r"did not create.*`dataset\.folder`"):
        unpack(packed, tmp_path / "words")
    assert read_tree(tmp_path / "words") == {file: b"mine"}
    assert names(tmp_path) == ["a.tar", "words"]
