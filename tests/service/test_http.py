"""The service over HTTP: clients that leave, send slowly or never end; and the command itself."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

pytest.importorskip("fastapi", reason="needs fastapi: pip install -e .[test]")

from spaces.cli import main
from spaces.service.app import create_app
from spaces.service.settings import ServiceSettings
from spaces.summarizer import Summarizer


@pytest.fixture
def url(serving, fake_model) -> Iterator[str]:
    settings = ServiceSettings(max_uploads=1, max_documents=1, upload_s=1)
    with serving(create_app([fake_model], settings)) as url:
        yield url
        fake_model.gate.set()


def connect(url: str, path: str, body: bytes, *, announced: int | None = None) -> socket.socket:
    """A connection over which a request was sent, or, where more bytes are announced, a part of
    it.
    """
    kind = "application/json" if path.endswith("summaries") else "application/octet-stream"
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\n"
    connection = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=10)
    size = len(body) if announced is None else announced
    connection.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode() + body)
    return connection


def post(url: str, path: str, body: bytes) -> tuple[int, str]:
    with connect(url, path, body) as connection, connection.makefile("rb") as file:
        status = int(file.readline().split()[1])
        length = 0
        while (line := file.readline().strip()) != b"":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return status, file.read(length).decode()


def waiting(url: str) -> int:
    with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
        return json.load(answer)["waiting"]


def test_a_client_that_leaves_leaves_the_queue(url, fake_model, until) -> None:
    with connect(url, "/v1/summaries", b'{"text": "SLOW"}'):
        until(lambda: fake_model.batches)
        for path, body in [("/v1/summaries", b'{"text": "A"}'), ("/v1/reports", b"B")]:
            client = connect(url, path, body)
            until(lambda: waiting(url) == 1)
            client.close()
            until(lambda: waiting(url) == 0)
    fake_model.gate.set()
    assert post(url, "/v1/summaries", b'{"text": "C"}')[0] == 200
    assert fake_model.batches == [["SLOW"], ["C"]]


def test_slow_senders(url, until) -> None:
    """They are heard for a while, and take no more than their places."""
    for path, whole in [("/v1/summaries", b'{"text": "A"}'), ("/v1/reports", b"A")]:
        with connect(url, path, b"{", announced=1000) as slow:
            until(lambda path=path, whole=whole: post(url, path, whole)[0] == 429)
            assert b" 408 " in slow.recv(100)
        assert post(url, path, whole)[0] == 200


def test_a_body_that_is_too_large_is_told_so(url) -> None:
    """Although the answer comes before the client has sent everything."""
    status, text = post(url, "/v1/summaries", b'{"text": "' + b"A" * 3_000_000 + b'"}')
    assert status == 413 and "expected at most 2,465,536 bytes" in text
    with connect(url, "/v1/reports", b"A", announced=10**12) as endless:
        assert b" 413 " in endless.recv(100)
    assert post(url, "/v1/summaries", b'{"text": "A"}')[0] == 200


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_the_command(tiny_summarizer, tiny_model_dir, judgment, precision) -> None:
    """It says where it answers, answers as the model it was given does, and stops at Ctrl+C."""
    model = Summarizer.from_pretrained(tiny_model_dir, precision=precision)
    expected = {"id": 1} | model.summarize(judgment).to_dict()
    other = {"id": 1} | tiny_summarizer.summarize(judgment).to_dict()
    assert (expected == other) == (precision == "float32")  # probabilities differ
    command = [sys.executable, "-m", "spaces", "serve", "--port", "0", "--workers", "2"]
    command += ["--model", str(tiny_model_dir), "--max-characters", "1000"]
    command += ["--precision", precision]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        try:
            ready = process.stderr.readline()
            assert ready.startswith("spaces: http://127.0.0.1:") and "Ctrl+C" in ready, ready
            url = ready.split()[1]
            body = json.dumps({"id": 1, "text": judgment}).encode()
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(f"{url}v1/summaries", body, headers)
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert json.load(answer) == expected
            request.data = json.dumps({"text": "A" * 1001}).encode()
            with pytest.raises(urllib.error.HTTPError, match="413"):
                urllib.request.urlopen(request, timeout=30)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, output, errors) == (0, "", "spaces: stopped\n")


def test_an_address_that_cannot_be_used(capsys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for words, part in [
            (["--port", str(port)], f"127.0.0.1, port {port}: cannot be used"),
            (["--host", "203.0.113.1"], "203.0.113.1, port 8000: cannot be used"),
            (["--port", "65536"], "--port"),
            (["--max-characters", "0"], "--max-characters"),
        ]:
            assert main(["serve", *words, "--model", "no"]) == 2
            output, errors = capsys.readouterr()
            assert output == "" and errors.startswith("spaces: error: ") and part in errors
            assert errors.count("\n") == 1


def test_packages_that_are_missing(monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve"]) == 2
    assert "needs uvicorn" in (errors := capsys.readouterr().err) and "[service]" in errors
