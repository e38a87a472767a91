"""Speed of reading spectrograms from object storage, by its latency and by concurrent requests.

A server on this machine has the stores and answers each request after a pause, as object storage
does; a chunk is an object. Each thread reads one chunk at a time, with zarr-python and obstore.

    make .venv/benchmarks.installed
    python benchmarks/object_storage.py --folder data/speech_commands_11words
"""

import multiprocessing
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import contest
import zarr
from obstore.store import HTTPStore
from reading import write_stores
from zarr.storage import ObjectStore

LATENCIES = (0, 30, 100)  # ms before an answer
AT_A_TIME = (1, 4, 16, 64)  # requests


class LateAnswers(SimpleHTTPRequestHandler):
    """Files of a folder, each after a pause of `latency` (s)."""

    protocol_version = "HTTP/1.1"
    # Else the end of an answer waits for the client to confirm its beginning.
    disable_nagle_algorithm = True
    latency = 0.0

    def do_GET(self):
        time.sleep(self.latency)
        super().do_GET()

    def log_message(self, *_):
        """Nothing is logged."""


class Server(ThreadingHTTPServer):
    request_queue_size = 4 * max(AT_A_TIME)


def serve(folder: Path, latency: float, client: Connection) -> None:
    """Serve a folder, and send the port to `client`."""
    LateAnswers.latency = latency
    server = Server(("127.0.0.1", 0), partial(LateAnswers, directory=str(folder)))
    client.send(server.server_port)
    server.serve_forever()


def rates(arrays: list[zarr.Array], recordings: int, rounds: int) -> dict[str, str]:
    """Recordings/s, medians of `rounds` rounds, by the number of concurrent requests."""

    def read(array: zarr.Array, start: int) -> None:
        array[start : start + array.chunks[0]]

    chunks = [
        (array, start) for array in arrays for start in range(0, array.shape[0], array.chunks[0])
    ]

    def all_chunks(count: int) -> None:
        with ThreadPoolExecutor(count) as threads:
            list(threads.map(read, *zip(*chunks, strict=True)))

    contestants = {f"{count} at a time": partial(all_chunks, count) for count in AT_A_TIME}
    found = contest.rates(contestants, recordings, rounds)
    return {name: f"{median(values):,.0f}" for name, values in found.items()}


def spectrograms(store: Path | ObjectStore) -> zarr.Array:
    return zarr.open_group(store, mode="r")["spectrogram"]


def behind(address: str) -> ObjectStore:
    store = HTTPStore.from_url(address, client_options={"allow_http": True})
    return ObjectStore(store, read_only=True)


def main():
    options = contest.arguments(__doc__, limit=2200)
    files = contest.recordings_in(options.folder, options.limit)
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as scratch:
        stores = [Path(path).parent for path in write_stores(options.folder, files, Path(scratch))]
        measure = partial(rates, recordings=len(files), rounds=options.rounds)
        rows = [{"stores": "files"} | measure([spectrograms(store) for store in stores])]
        for latency in LATENCIES:
            own, other = processes.Pipe()
            arguments = Path(scratch), latency / 1000, other
            server = processes.Process(target=serve, args=arguments, daemon=True)
            server.start()
            address = f"http://127.0.0.1:{own.recv()}"
            arrays = [spectrograms(behind(f"{address}/{store.name}")) for store in stores]
            rows.append({"stores": f"objects, answered after {latency} ms"} | measure(arrays))
            server.terminate()
            server.join()
    print(contest.machine())
    print(f"{len(files)} recordings in chunks of {arrays[0].chunks[0]}\n")
    print(contest.markdown(rows))


if __name__ == "__main__":
    main()
