"""Servers on this machine, each a process: files by byte ranges, with planned faults, and an S3 by moto.

They are processes because rasterio keeps Python's lock while GDAL waits for some answers.
"""

import contextlib
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

_CONTROL = "/_control"


@dataclass(frozen=True)
class Files:
    """A folder that is served.

    Attributes
    ----------
    url
        Of the folder, without a slash at its end.
    folder
        On the disk.
    """

    url: str
    folder: Path

    def plan(self, every: int = 0, *faults: str, first: int = 1, last: int = 10**9) -> None:
        """Count requests from 0 again, and let each `every`-th meet a fault, one after the other.

        Faults are: a status such as "500", "drop" (no answer), "cut" (half the body), "hang" (30 s).
        """
        self._ask({"every": every, "faults": faults, "first": first, "last": last})

    @property
    def requests(self) -> list[tuple[str, str, str, int]]:
        """Method, path, range and bytes of the answer of each request since `plan`."""
        return [tuple(each) for each in self._ask(None)]

    def _ask(self, plan: Any) -> Any:
        body = json.dumps(plan).encode()
        control = "/".join(self.url.split("/")[:3]) + _CONTROL
        with urllib.request.urlopen(control, data=body, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def serving(folder: Path) -> Iterator[Files]:
    """Serve a folder on a port of the loopback."""
    command = [sys.executable, __file__, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Files(f"http://127.0.0.1:{process.stdout.readline().strip()}", folder)
        finally:
            process.terminate()


@contextmanager
def s3_server(*buckets: str) -> Iterator[str]:
    """Run moto's server and return its URL; skips where moto or obstore is missing."""
    for package in ("moto", "flask", "obstore"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            for bucket in ("", *buckets):
                _put_when_up(f"{url}/{bucket}", process)
            yield url
        finally:
            process.terminate()


def _put_when_up(url: str, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 60
    while True:
        request = urllib.request.Request(url, method="GET" if url.endswith("/") else "PUT")
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except OSError:
            if time.monotonic() > ends or process.poll() is not None:
                raise
            time.sleep(0.05)
        else:
            return


class _Plan:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.start({})

    def start(self, told: dict[str, Any]) -> None:
        with self.lock:
            self.told, self.seen, self.met = told, [], 0

    def fault(self, *request: Any) -> tuple[str, list[Any]]:
        with self.lock:
            entry = [*request, 0]
            self.seen.append(entry)
            count, told = len(self.seen), self.told
            every = told.get("every", 0)
            if not every or count % every or not told["first"] <= count <= told["last"]:
                return "", entry
            self.met += 1
            return told["faults"][(self.met - 1) % len(told["faults"])], entry


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if told is not None:
            self.server.plan.start(told)
        self._send(200, json.dumps(self.server.plan.seen).encode(), {})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        fault, entry = self.server.plan.fault(self.command, self.path, wanted)
        path = self.server.folder / unquote(urlsplit(self.path).path).lstrip("/")
        if fault == "hang":
            time.sleep(30)
        if fault in {"drop", "hang"}:
            self._break_off()
        elif fault.isdigit() or not path.is_file():
            self._send(int(fault or 404), b"", {})
        else:
            self._send_file(path, wanted, entry, cut=fault == "cut")

    def _send_file(self, path: Path, wanted: str, entry: list[Any], *, cut: bool) -> None:
        status = path.stat()
        first, last = _span(wanted, status.st_size)
        if wanted and first >= status.st_size:
            self._send(416, b"", {"Content-Range": f"bytes */{status.st_size}"})
            return
        with path.open("rb") as file:
            file.seek(first)
            body = file.read(last - first + 1)
        headers = {
            "Accept-Ranges": "bytes",
            "ETag": f'"{status.st_mtime_ns:x}-{status.st_size:x}"',
            "Last-Modified": self.date_time_string(status.st_mtime),
        }
        if wanted:
            headers["Content-Range"] = f"bytes {first}-{last}/{status.st_size}"
        if self.command == "GET":
            entry[-1] = len(body)
        self._send(206 if wanted else 200, body, headers, cut=cut)

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self._break_off()

    def _break_off(self) -> None:
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True


def _span(wanted: str, size: int) -> tuple[int, int]:
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted)
    if found is None:
        return 0, size - 1
    if found[1]:
        return int(found[1]), min(size - 1, int(found[2] or size - 1))
    return max(0, size - int(found[2])), size - 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.plan = folder, _Plan()

    def handle_error(self, *_: Any) -> None:  # a client that has gone
        pass


if __name__ == "__main__":
    server = _Server(Path(sys.argv[1]))
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever(0.1)
    os._exit(0)
