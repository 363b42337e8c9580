"""What the service answers: records, refusals, headers; and what it never says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

pytest.importorskip("fastapi", reason="needs fastapi: pip install -e .[test]")

from fastapi.testclient import TestClient

from spaces.documents import Document
from spaces.service.app import create_app
from spaces.service.settings import ServiceSettings

JSON = {"Content-Type": "application/json"}
BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def client(fake_model) -> Iterator[TestClient]:
    with TestClient(create_app([fake_model])) as client:
        yield client


@pytest.fixture
def limited(fake_model) -> Iterator:
    """A client of a service with the limits that are given."""
    clients = []

    def make(**limits) -> TestClient:
        client = TestClient(create_app([fake_model], ServiceSettings(**limits)))
        clients.append(client.__enter__())
        return client

    yield make
    fake_model.gate.set()
    for client in clients:
        client.__exit__(None, None, None)


def lines(response) -> list[dict]:
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in response.text.splitlines()]


def in_background(call, *arguments, **options) -> list:
    """What the call will have returned, once it has."""
    results: list = []
    thread = threading.Thread(target=lambda: results.append(call(*arguments, **options)))
    thread.start()
    return results


def test_the_record_is_that_of_the_command_line(tiny_summarizer, judgment) -> None:
    document = Document(judgment, "judgment.txt", as_is=True)
    expected = document.record(tiny_summarizer.summarize(judgment))
    whole = document.record(tiny_summarizer.summarize(judgment, extract=False))
    with TestClient(create_app([tiny_summarizer])) as client:
        answer = client.post("/v1/summaries", json={"text": judgment})
        assert (answer.status_code, answer.json()) == (200, expected)
        assert answer.headers["Content-Type"] == "application/json"
        assert "原告" in answer.text or "\\u" not in answer.text
        asked = [
            {"text": judgment, "id": "甲"},
            {"text": judgment, "id": 7, "extract": False},
            {"text": ""},
        ]
        records = client.post("/v1/summaries", json=asked).json()
        assert records[:2] == [{"id": "甲"} | expected, {"id": 7} | whole]
        assert records[2]["summary"] == "" and "empty" in records[2]["warnings"][0]
        assert client.post("/v1/summaries", json=asked[:1]).json() == records[:1]  # still a list


def test_text_that_is_not_quite_unicode(client) -> None:
    """A half of a pair, which JSON can spell, comes back as such."""
    answer = client.post("/v1/summaries", content=b'{"text": "\\ud800\xe7\x94\xb2"}', headers=JSON)
    assert answer.json()["summary"] == "\ud800甲"
    answer = client.post("/v1/summaries", content=b'\xef\xbb\xbf{"text": "A"}', headers=JSON)
    assert answer.json()["summary"] == "A"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "expected JSON, got"),
        (b'{"text": "', 400, "expected JSON, got"),
        (b"\xff\xfe", 400, "expected JSON in UTF-8"),
        (b"[" * 100_000, 400, "expected JSON"),
        (b'{"text": "", "id": ' + b"1" * 5000 + b"}", 400, "expected JSON"),
        (b"7", 422, "body: expected an object with a text, or a list of them, got 7"),
        (b"null", 422, "body: expected an object"),
        (b"[]", 422, "body: expected 1 to 32 judgments in a list, got 0"),
        (b'[{"text": "A"}, "B"]', 422, "[1]: expected an object with a text, got a string"),
        (b"{}", 422, "text: expected this field, got none"),
        (b'{"text": null}', 422, "text: expected a string, got null"),
        (b'[{"text": []}]', 422, "[0].text: expected a string, got a list"),
        (b'{"text": "A", "id": ""}', 422, "id: expected a string that is not empty, or an integer"),
        (b'{"text": "A", "id": true}', 422, "id: expected"),
        (b'{"text": "A", "id": 1.5}', 422, "id: expected"),
        (b'{"text": "A", "id": null}', 422, "id: expected"),
        (b'{"text": "A", "extract": 0}', 422, "extract: expected true or false, got 0"),
        (b'{"text": "A", "path": "/etc/passwd"}', 422, "path: expected text, id and extract"),
        (b"[" + b",".join([b'{"text": "A"}'] * 33) + b"]", 413, "expected 1 to 32 judgments"),
    ],
)
def test_bodies_that_are_refused(client, fake_model, body, status, words) -> None:
    answer = client.post("/v1/summaries", content=body, headers=JSON)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"} and words in answer.json()["error"]
    assert not fake_model.batches


def test_media_types(client) -> None:
    """A page of another site can make a browser send these types, but not ours."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        headers = {"Content-Type": kind} if kind else {}
        for path in ("/v1/summaries", "/v1/reports"):
            answer = client.post(path, content=b'{"text": "A"}', headers=headers)
            assert answer.status_code == 415 and "Content-Type: expected" in answer.json()["error"]
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/v1/summaries", content=b'{"text": "A"}', headers=headers).is_success


def test_lengths(limited) -> None:
    client = limited(max_characters=100, max_document_bytes=1000)
    assert client.post("/v1/summaries", json={"text": "😀" * 100}).is_success
    answer = client.post("/v1/summaries", json=[{"text": "甲"}, {"text": "甲" * 101}])
    assert answer.status_code == 413
    assert answer.json()["error"] == "[1].text: expected at most 100 characters, got 101"
    big = b'{"text": "' + b"A" * 100_000 + b'"}'
    parts = (big[i : i + 1000] for i in range(0, len(big), 1000))  # no length is announced
    for body in (big, parts):
        answer = client.post("/v1/summaries", content=body, headers=JSON)
        assert answer.status_code == 413 and "body: expected at most" in answer.json()["error"]
    assert client.post("/v1/reports", content=bytes(1001), headers=BYTES).status_code == 413
    answer = client.post("/v1/reports", content=b"A" * 101, headers=BYTES)
    last = lines(answer)[-1]
    assert (last["state"], last["status"]) == ("failed", 413)
    assert "expected at most 100 characters of text, got 101" in last["error"]


def test_the_queue_is_bounded(limited, fake_model, until) -> None:
    client = limited(max_waiting=1)
    first = in_background(client.post, "/v1/summaries", json={"text": "SLOW"})
    until(lambda: fake_model.batches)
    second = in_background(client.post, "/v1/summaries", json={"text": "甲"})
    until(lambda: client.get("/health").json()["waiting"] == 1)
    for answer in (
        client.post("/v1/summaries", json={"text": "乙"}),
        client.post("/v1/reports", content=b"", headers=BYTES),
    ):
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert "try again in" in answer.json()["error"]
    fake_model.gate.set()
    until(lambda: first and second)
    assert second[0].json()["summary"] == "甲"


def test_the_deadline(limited, fake_model, until) -> None:
    client = limited(deadline_s=0.05)
    answer = client.post("/v1/summaries", json={"text": "SLOW"})
    assert answer.status_code == 504 and "within 0.05 seconds" in answer.json()["error"]
    assert client.post("/v1/summaries", json={"text": "甲"}).status_code == 504
    assert client.get("/health").json()["waiting"] == 0  # it left the queue
    fake_model.gate.set()
    until(lambda: client.post("/v1/summaries", json={"text": "乙"}).status_code == 200)
    assert ["甲"] not in fake_model.batches


def test_a_model_that_breaks(client, caplog) -> None:
    answer = client.post("/v1/summaries", json={"text": "BROKEN 张某"})
    assert answer.status_code == 500
    assert "the model broke down over this judgment: ValueError at" in answer.json()["error"]
    last = lines(client.post("/v1/reports", content="BROKEN 张某".encode(), headers=BYTES))[-1]
    assert (last["state"], last["status"]) == ("failed", 500)
    assert client.post("/v1/summaries", json={"text": "甲"}).json()["summary"] == "甲"
    assert "张某" not in caplog.text and caplog.text.count("ValueError at conftest.py") == 2


def test_an_error_of_the_service_itself(client, caplog, monkeypatch) -> None:
    def fail(self) -> None:
        raise KeyError("张某")

    monkeypatch.setattr("spaces.provenance.Summary.to_dict", fail)
    answer = client.post("/v1/summaries", json={"text": "甲"})
    assert (answer.status_code, set(answer.json())) == (500, {"error"})
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    last = lines(client.post("/v1/reports", content=b"A", headers=BYTES))[-1]
    assert (last["state"], last["status"]) == ("failed", 500)
    assert "张某" not in caplog.text + answer.text + last["error"]
    assert caplog.text.count("KeyError at test_app.py") == 2


def test_a_report(client) -> None:
    text = "原告张某与被告李某一案，<b>纠纷</b>。\n判决如下：驳回。\n"
    headers = BYTES | {"X-Document-Name": "..%2F..%2F%E5%88%A4%E5%86%B3.txt"}
    *before, done = lines(client.post("/v1/reports", content=text.encode(), headers=headers))
    assert [line["state"] for line in before][:1] == ["reading"]
    assert {line["state"] for line in before} <= {"reading", "waiting", "summarizing"}
    assert done["state"] == "done"
    assert done["record"]["id"] == "判决.txt" and done["record"]["summary"] == text[:10]
    assert "text" not in done["record"]  # it is the file's own
    assert "<title>判决.txt</title>" in done["report"] and "&lt;b&gt;" in done["report"]
    record = lines(client.post("/v1/reports", content=text.encode("gb18030"), headers=headers))[-1]
    assert record["record"]["text"] == text
    told = record["record"]["warnings"][0]
    assert "encoding" in told and "--encoding" not in told  # a page has no such option


def test_documents_that_cannot_be_read(client) -> None:
    for data, words in [
        (b"%PDF-1.4", "damaged"),
        (b"PK\x05\x06" + bytes(18), "archive"),
        (b"\x89PNG\r\n\x1a\n\x00", "picture"),
    ]:
        headers = BYTES | {"X-Document-Name": "a.bin"}
        last = lines(client.post("/v1/reports", content=data, headers=headers))[-1]
        assert (last["state"], last["status"]) == ("failed", 422)
        assert last["error"].startswith("a.bin: ") and words in last["error"]


def test_headers(client) -> None:
    answers = [client.get(path) for path in ("/", "/docs", "/openapi.json", "/health", "/no")]
    answers += [client.get("/v1/summaries"), client.post("/v1/summaries", json={"text": "A"})]
    for answer in answers:
        headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "http" not in policy and "*" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in headers and "Access-Control-Allow-Origin" not in headers
    assert answers[4].status_code == 404 and answers[5].status_code == 405
    assert answers[5].headers["Allow"] == "POST"


def test_pages_load_nothing_from_elsewhere(client) -> None:
    for path in ("/", "/docs"):
        page = client.get(path).text
        assert "<script>" not in page and "style=" not in page and 'src="http' not in page
    for name in ("page.js", "page.css", "icon.svg"):
        assert client.get(f"/static/{name}").is_success
    assert client.get("/static/../app.py").status_code == 404
    assert client.get("/static/%2e%2e/app.py").status_code == 404
    description = client.get("/docs").text
    for part in ("POST /v1/summaries", "POST /v1/reports", "GET /health", "CopiedSpan", "429"):
        assert part in description


def test_health(client) -> None:
    from spaces import __version__

    assert client.get("/health").json() == {"status": "ok", "version": __version__, "waiting": 0}
