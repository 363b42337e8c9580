"""Models to the hub and back, against a hub that runs here: no request leaves this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import pickle
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
import yaml
from huggingface_hub import constants
from transformers import BertConfig, BertForMaskedLM

from spaces.cli import main
from spaces.errors import ConfigError, ModelError
from spaces.generate.model import Generator
from spaces.generate.tokenizer import SPECIAL_TOKENS
from spaces.pipeline import Plan
from spaces.recipe import Pretrain, Recipe
from spaces.summarizer import Summarizer

REPOSITORY = "court/judgments"


class Hub(ThreadingHTTPServer):
    """What the client needs of a hub: repositories with commits, and refusals on demand."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.commits: dict[str, list[tuple[str, dict[str, bytes]]]] = {}
        self.refuse: dict[str, tuple[int, str]] = {}  # repository: status and code of the error
        self.asked: list[str] = []
        self.created: list[dict] = []
        self.messages: list[str] = []

    def commit(self, name: str, files: dict[str, bytes]) -> str:
        history = self.commits.setdefault(name, [])
        sha = hashlib.sha1(f"{name}{len(history)}".encode()).hexdigest()
        before = history[-1][1] if history else {}
        history.append((sha, {**before, **files}))
        return sha

    def find(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        history = self.commits[name]
        if revision == "main":
            return history[-1]
        return next((entry for entry in history if entry[0] == revision), None)


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args) -> None:
        pass

    def answer(self, body, status: int = 200, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def fail(self, status: int, code: str) -> None:
        self.answer({"error": code}, status, X_Error_Code=code)

    def look_up(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        if name in self.server.refuse:
            self.fail(*self.server.refuse[name])
        elif name not in self.server.commits:
            self.fail(404, "RepoNotFound")
        elif (found := self.server.find(name, revision)) is None:
            self.fail(404, "RevisionNotFound")
        else:
            return found
        return None

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        name = r"/(?P<name>[^/]+/[^/]+)"
        if match := re.fullmatch(rf"/api/models{name}(?:/revision/(?P<rev>.+))?", path):
            if found := self.look_up(match["name"], match["rev"] or "main"):
                siblings = [{"rfilename": file} for file in found[1]]
                self.answer({"id": match["name"], "sha": found[0], "siblings": siblings})
        elif match := re.fullmatch(rf"/api/models{name}/tree/(?P<rev>.+)", path):
            if found := self.look_up(match["name"], match["rev"]):
                self.answer(
                    [
                        {"type": "file", "path": file, "size": len(data), "oid": etag(data)}
                        for file, data in found[1].items()
                    ]
                )
        elif match := re.fullmatch(rf"{name}/resolve/(?P<rev>[^/]+)/(?P<file>.+)", path):
            if found := self.look_up(match["name"], match["rev"]):
                data = found[1][match["file"]]
                self.answer(data, ETag=f'"{etag(data)}"', X_Repo_Commit=found[0])
        else:
            self.fail(404, "EntryNotFound")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name = "/".join(self.path.split("/")[3:5])
        if name in self.server.refuse:
            self.fail(*self.server.refuse[name])
        elif self.path == "/api/repos/create":
            wanted = json.loads(body)
            self.server.created.append(wanted)
            name = f"{wanted['organization']}/{wanted['name']}"
            if name in self.server.refuse:
                self.fail(*self.server.refuse[name])
                return
            if name not in self.server.commits:
                self.server.commit(name, {})
            self.answer({"url": f"http://127.0.0.1:{self.server.server_port}/{name}"})
        elif self.path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            files = json.loads(body)["files"]
            modes = [{"path": f["path"], "uploadMode": "regular"} for f in files]
            self.answer({"files": [mode | {"shouldIgnore": False} for mode in modes]})
        elif "/commit/" in self.path:
            lines = [json.loads(line) for line in body.splitlines()]
            values = [line["value"] for line in lines if line["key"] == "file"]
            files = {v["path"]: base64.b64decode(v["content"]) for v in values}
            self.server.messages += [v["value"]["summary"] for v in lines if v["key"] == "header"]
            sha = self.server.commit(name, files)
            url = f"http://127.0.0.1:{self.server.server_port}/{name}/commit/{sha}"
            self.answer({"success": True, "commitOid": sha, "commitUrl": url})
        else:
            self.fail(404, "EntryNotFound")


def etag(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub of this test's own, and a cache of its own, in a folder without models."""
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def cached(tmp_path: Path) -> set[str]:
    """Names of the files that the client keeps of repositories."""
    folders = (tmp_path / "cache").glob("models--*/snapshots/*")
    return {file.relative_to(f).as_posix() for f in folders for file in f.rglob("*.*")}


def test_pushed_and_pulled_is_the_same(hub, tiny_summarizer, judgment, tmp_path) -> None:
    address = tiny_summarizer.push_to_hub(
        REPOSITORY, private=True, token="hf_x", commit_message="First"
    )
    assert address.endswith(f"/{REPOSITORY}/commit/{hub.commits[REPOSITORY][-1][0]}")
    assert (hub.created[0]["visibility"], hub.messages) == ("private", ["First"])
    loaded = Summarizer.from_pretrained(REPOSITORY)
    tiny_summarizer.save_pretrained(tmp_path / "saved")
    assert loaded.fingerprint() == Summarizer.from_pretrained(tmp_path / "saved").fingerprint()
    assert loaded.summarize(judgment).text
    card = hub.commits[REPOSITORY][-1][1]["README.md"].decode()
    assert loaded.card == card
    head = yaml.safe_load(card.split("---")[1])
    assert (head["language"], head["pipeline_tag"]) == ("zh", "summarization")
    assert head["library_name"] == "spaces-summarizer"


def test_the_card_travels(hub, tiny_model_dir, tmp_path) -> None:
    summarizer = Summarizer.from_pretrained(tiny_model_dir)
    summarizer.card = "# 卡片\n"
    summarizer.save_pretrained(tmp_path / "first")
    Summarizer.from_pretrained(tmp_path / "first").push_to_hub(REPOSITORY)
    Summarizer.from_pretrained(REPOSITORY).save_pretrained(tmp_path / "second")
    assert (tmp_path / "second" / "README.md").read_text("utf-8") == "# 卡片\n"


def test_no_code_and_no_pickle_is_fetched_or_read(hub, tiny_model_dir, tmp_path) -> None:
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was read",))

    bad = {
        **{name: b"raise SystemExit" for name in ("modeling.py", "encoder/modeling.py")},
        **{name: pickle.dumps(Bomb()) for name in ("encoder/pytorch_model.bin", "a.pt", "b.pkl")},
        "training/config.json": b"{}",
    }
    good = files_of(tiny_model_dir)
    hub.commit(REPOSITORY, {**good, **bad})
    Summarizer.from_pretrained(REPOSITORY)
    assert cached(tmp_path) == set(good)
    assert not [path for path in hub.asked if path.endswith((".py", ".bin", ".pt", ".pkl"))]


def test_a_repository_with_pickles_alone_is_no_model(hub, tiny_model_dir) -> None:
    files = files_of(tiny_model_dir)
    weights = files.pop("encoder/model.safetensors")
    hub.commit(REPOSITORY, {**files, "encoder/pytorch_model.bin": weights})
    with pytest.raises(ModelError, match="encoder/model.safetensors: no such file"):
        Summarizer.from_pretrained(REPOSITORY)
    hub.commit("court/other", {"pytorch_model.bin": weights})
    with pytest.raises(ModelError, match="court/other: expected a model of this package"):
        Summarizer.from_pretrained("court/other")


@pytest.fixture
def two(hub, tiny_model_dir):
    """Two commits: one beam, then three."""
    files = files_of(tiny_model_dir)
    old = hub.commit(REPOSITORY, files)
    changed = {**json.loads(files["config.json"]), "beams": 3}
    new = hub.commit(REPOSITORY, {"config.json": json.dumps(changed).encode()})
    return SimpleNamespace(old=old, new=new)


def test_a_revision_is_pinned(hub, two) -> None:
    assert Summarizer.from_pretrained(REPOSITORY).config.beams == 3
    assert Summarizer.from_pretrained(REPOSITORY, revision=two.old).config.beams == 1
    assert Summarizer.from_pretrained(f"{REPOSITORY}@{two.old}").config.beams == 1
    assert Summarizer.from_pretrained(f"{REPOSITORY}@main").config.beams == 3


def test_what_is_cached_needs_no_hub(hub, two, monkeypatch) -> None:
    Summarizer.from_pretrained(REPOSITORY)
    hub.asked.clear()
    Summarizer.from_pretrained(REPOSITORY, revision=two.new)
    assert hub.asked == [], "a commit that is here needs no question"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert Summarizer.from_pretrained(REPOSITORY).config.beams == 3
    assert hub.asked == []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    hub.refuse[REPOSITORY] = (500, "Down")
    assert Summarizer.from_pretrained(REPOSITORY).config.beams == 3


def fails(error, *parts: str, **arguments) -> None:
    with pytest.raises(error) as caught:
        Summarizer.from_pretrained(**arguments)
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value), caught.value


def test_what_goes_wrong_is_told(hub, two, monkeypatch) -> None:
    fails(ModelError, "no/thing: no such folder here, and no such model", path="no/thing")
    fails(ModelError, f"{REPOSITORY}@v9: ", "no such revision", path=f"{REPOSITORY}@v9")
    hub.refuse["court/gated"] = (403, "GatedRepo")
    fails(ModelError, "court/gated: its owners have to let you in", path="court/gated")
    hub.refuse["court/secret"] = (401, "Unauthorized")
    fails(ModelError, "court/secret: ", "hf auth login", path="court/secret")
    hub.refuse["court/down"] = (500, "Down")
    fails(ModelError, "court/down: ", "the hub cannot be reached", path="court/down")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    fails(ModelError, "switched off: unset HF_HUB_OFFLINE", path=REPOSITORY)


def test_pushing_that_fails_is_told(hub, tiny_summarizer, monkeypatch) -> None:
    with pytest.raises(ConfigError, match="repository: expected owner/name, got 'judgments'"):
        tiny_summarizer.push_to_hub("judgments")
    hub.refuse[REPOSITORY] = (401, "Unauthorized")
    with pytest.raises(ModelError, match="hf auth login"):
        tiny_summarizer.push_to_hub(REPOSITORY)
    assert REPOSITORY not in hub.commits
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="switched off"):
        tiny_summarizer.push_to_hub(REPOSITORY)


def test_a_path_is_a_path(hub, two, tiny_model_dir, monkeypatch) -> None:
    """What exists wins; a Path never asks the hub; what is no owner/name keeps its error."""
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *a, **k: pytest.fail("asked"))
    here = Path(REPOSITORY)
    fails(ModelError, "expected a model directory", "no such folder", path=here)
    here.parent.mkdir()
    shutil.copytree(tiny_model_dir, here)
    assert Summarizer.from_pretrained(REPOSITORY).config.beams == 1
    for path in ("nothing", "./no/thing", "/no/thing", "a/b/c", "no/", "../no"):
        fails(ModelError, "expected a model directory", path=path)
    for path in (None, REPOSITORY, "nothing"):
        fails(ConfigError, "revision: expected owner/name", path=path, revision="v1")
    fails(ConfigError, "expected one, got v1 and v2", path="no/thing@v1", revision="v2")


def test_the_command_line(hub, two, tmp_path, capsys, judgment) -> None:
    text = tmp_path / "judgment.txt"
    text.write_text(judgment, encoding="utf-8")
    assert main(["summarize", str(text), "--model", f"{REPOSITORY}@{two.old}"]) == 0
    assert capsys.readouterr().out.strip()
    assert main(["summarize", str(text), "--model", "no/thing"]) == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert errors.startswith("spaces: error: no/thing: no such folder here, and no such model")


def test_what_training_starts_from_may_be_on_the_hub(
    hub, two, tiny_model_dir, tmp_path, capsys
) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    vocabulary = [*SPECIAL_TOKENS, "本", "院"]
    config = BertConfig(vocab_size=len(vocabulary), intermediate_size=16, **sizes)
    BertForMaskedLM(config).save_pretrained(tmp_path / "bert")
    (tmp_path / "bert" / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    files = {**files_of(tmp_path / "bert"), "pytorch_model.bin": b"pickled"}
    hub.commit("court/bert", files)
    capsys.readouterr()
    assert main(["convert", "court/bert", str(tmp_path / "start")]) == 0
    assert "bert: 7 pieces before, 7 now" in capsys.readouterr().err
    assert not [path for path in hub.asked if path.endswith(".bin")]
    assert main(["grow", f"{REPOSITORY}@{two.old}", str(tmp_path / "wide")]) == 0
    assert Summarizer.from_pretrained(tmp_path / "wide").generator.config.hidden_size == 64
    plan = Plan(Recipe(work_folder=str(tmp_path), pretrain=Pretrain(start=REPOSITORY, epochs=0)))
    begun = Generator.from_pretrained(plan.pretrain().folder / "model")
    assert begun.config.vocab_size == len(Summarizer.from_pretrained(REPOSITORY).tokenizer)
