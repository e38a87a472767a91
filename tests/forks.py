"""What `python …` does, in a fork of a process that has imported what the workflow imports.

Most jobs of a small workflow take less time than their imports do. Run as a program, this module is
the process that is forked.
"""

import ast
import contextlib
import functools
import gc
import importlib
import os
import pickle
import resource
import runpy
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "workflow/scripts"
# Snakemake, and what it imports only once it runs.
SNAKEMAKE = ("snakemake.cli", "snakemake.report.html_reporter", "smart_open")


def python(*arguments: str, folder: Path, output: int, largest_file: int) -> int:
    """Do in a folder what `python …` does with these arguments, and return its exit status.

    `output` is the file descriptor of its output and its errors. `largest_file` limits the size of
    all files that it writes, in bytes. What holds for Snakemake holds for its jobs.
    """
    return _ask(_address(), arguments, folder, output, largest_file)


@functools.cache
def _address() -> str:
    """Where to ask for forks. At first, the process that is forked is started."""
    address = f"{tempfile.mkdtemp(prefix='forks')}/socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        number = listener.fileno()
        command = [sys.executable, __file__, address, str(number)]
        # As Snakemake sets it for jobs; libraries read it when they are imported.
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        streams = {"stdin": subprocess.DEVNULL, "pass_fds": [number]}
        subprocess.Popen(command, env=environment, **streams)
    return address


def _ask(address: str, arguments: tuple, folder: Path, output: int, largest_file: int) -> int:
    with socket.socket(socket.AF_UNIX) as request:
        request.connect(address)
        socket.send_fds(request, [b"."], [output])
        request.sendall(pickle.dumps((arguments, folder, dict(os.environ), largest_file)))
        request.shutdown(socket.SHUT_WR)
        status = request.recv(1)
    # A fork that is killed does not answer.
    return status[0] if status else 1


class Fork(socketserver.StreamRequestHandler):
    """What is done in a fork: what was asked for."""

    def handle(self) -> None:
        _, [output], *_ = socket.recv_fds(self.request, 1, 1)
        arguments, folder, environment, largest_file = pickle.load(self.rfile)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
        status = _run(*arguments)
        sys.stdout.flush()
        self.wfile.write(bytes([status]))


def _run(*arguments: str) -> int:
    """Do what `python …` does, and return its exit status."""
    try:
        if arguments[0] == "-m":
            sys.argv, sys.path[0] = list(arguments[1:]), str(Path.cwd())
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv, sys.path[0] = list(arguments), str(Path(arguments[0]).parent)
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) % 256
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


class Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Forks at each request, as long as the process lives that started it."""

    timeout = 1  # seconds between two looks at that process

    def serve(self) -> None:
        parent = os.getppid()
        while os.getppid() == parent:
            self.handle_request()


def main(address: str, listener: str) -> None:
    """Import, then serve those who ask at `address`."""
    for module in SNAKEMAKE:
        importlib.import_module(module)
    for path in SCRIPTS.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                # The workflow's own modules are not found, as is right: each copy has its own.
                with contextlib.suppress(ImportError):
                    exec(ast.unparse(node), {})

    def execute_script(script, file: str, edit: bool = False) -> None:
        """What Snakemake does in a new process."""
        start, (largest_file, _) = time.monotonic(), resource.getrlimit(resource.RLIMIT_FSIZE)
        if status := _ask(address, (file,), Path.cwd(), 1, largest_file):
            raise subprocess.CalledProcessError(status, file)
        # All but the time stays unknown, as of a job that ends before Snakemake looks at it.
        script.bench_record.running_time = time.monotonic() - start
        script.bench_record.process_gone = True

    importlib.import_module("snakemake.script").PythonScript.execute_script = execute_script
    # Collecting garbage would write to the memory that forks share, which copies it.
    gc.freeze()
    with Server(address, Fork, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = socket.socket(fileno=int(listener))
        server.serve()
    shutil.rmtree(Path(address).parent)


if __name__ == "__main__":
    main(*sys.argv[1:])
