"""ONNX Runtime for browsers, from the npm package that envs/web locks."""

import base64
import gzip
import shutil
import subprocess
import tempfile
from pathlib import Path

from spokenwords.errors import UserError

PACKAGE = "node_modules/onnxruntime-web/dist"
# The smallest, without WebGPU. The loader defines `ort`; the module starts the WebAssembly.
FILES = {
    "loader": "ort.wasm.min.js",
    "module": "ort-wasm-simd-threaded.mjs",
    "wasm": "ort-wasm-simd-threaded.wasm",
}
# What is fetched, or the reason why not, is a file of the results.
AGAIN = "delete web_runtime.json in the results folder, and export again."
LOCKED = ("package.json", "package-lock.json")


def fetch(locked: Path) -> dict[str, str]:
    """Return the packed files `FILES` of the package that the folder `locked` names by checksum.

    Raises `UserError` if npm is missing or fails.
    """
    npm = shutil.which("npm")
    if not npm:
        raise UserError(f"npm is not installed. Install Node.js, {AGAIN}")
    with tempfile.TemporaryDirectory() as folder:
        for name in LOCKED:
            shutil.copy(locked / name, folder)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            reason = next(iter(done.stderr.strip().splitlines()), "no message")
            raise UserError(f"`npm ci` failed ({reason}). Connect to the network, {AGAIN}")
        return {
            name: packed((Path(folder) / PACKAGE / file).read_bytes())
            for name, file in FILES.items()
        }


def packed(content: bytes) -> str:
    """Return bytes compressed by gzip, as base64; the same for the same bytes."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()
