"""The `spaces` command: what it prints where, its exit codes, one line for each mistake."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from spaces.cli import main
from spaces.summarizer import Summarizer

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def run(capsys, tiny_model_dir):
    """Run a command with the tiny model; its exit code, output and error output."""

    def call(*arguments: object, model: bool = True) -> tuple[int, str, str]:
        words = [str(argument) for argument in arguments]
        if model and words and words[0] in ("summarize", "predict"):
            words += ["--model", str(tiny_model_dir)]
        code = main(words)
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def text_file(tmp_path, judgment) -> Path:
    path = tmp_path / "judgment.txt"
    path.write_text(judgment, encoding="utf-8")
    return path


def mistake(result: tuple[int, str, str], *parts: str) -> None:
    """Exit 2, nothing printed, one line on standard error with all `parts`."""
    code, output, errors = result
    assert (code, output) == (2, ""), errors
    assert errors.startswith("spaces: error: ") and errors.count("\n") == 1, errors
    for part in parts:
        assert part in errors


def test_summarize_prints_the_summary(run, text_file, tiny_summarizer, judgment) -> None:
    expected = tiny_summarizer.summarize(judgment)
    code, output, errors = run("summarize", text_file)
    assert (code, output) == (0, expected.text + "\n")
    told = [line.split(": ", 3)[3] for line in errors.splitlines()]
    assert told == list(expected.warnings)


def test_summarize_in_eight_bits(run, text_file, tiny_model_dir, judgment) -> None:
    less = Summarizer.from_pretrained(tiny_model_dir, precision="int8")
    code, output, _ = run("summarize", text_file, "--precision", "int8")
    assert (code, output.strip()) == (0, less.summarize(judgment).text.strip())
    mistake(run("summarize", text_file, "--precision", "int4"), "int4")


def test_summarize_json(run, text_file, judgment) -> None:
    code, output, _ = run("summarize", text_file, "--format", "json")
    record = json.loads(output)
    assert (code, record["id"]) == (0, str(text_file))
    assert set(record) == {"id", "summary", "spans", "clauses", "warnings"}
    for span in record["spans"]:
        if span["kind"] == "copied":
            source = judgment[span["source_start"] : span["source_end"]]
            assert source == record["summary"][span["start"] : span["end"]]


def test_summarize_several_files(run, text_file, tmp_path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    code, output, errors = run("summarize", text_file, empty)
    lines = output.splitlines()
    assert code == 0
    assert lines[0] == f"==> {text_file} <=="
    assert lines[2:] == ["", f"==> {empty} <==", ""]
    warning = f"spaces: warning: {empty}: The text is empty: there is nothing to summarize."
    assert warning in errors.splitlines()
    assert len(run("summarize", text_file, empty, "--format", "json")[1].splitlines()) == 2


def test_summarize_html(run, text_file, tmp_path, judgment, tiny_summarizer) -> None:
    """One page for all documents; what the judgment lacks is a flag in it, in words."""
    text = run("summarize", text_file)[1].strip()
    code, page, _ = run("summarize", text_file, "--format", "html")
    assert code == 0 and page.startswith("<!DOCTYPE html>") and page.endswith("</html>\n")
    assert f"<title>{text_file.name}</title>" in page and str(text_file.parent) not in page
    visible = re.sub(r"<[^>]*>", "", page[page.index("<body>") :])
    assert text in "".join(visible.split())
    other = tmp_path / "other" / text_file.name
    other.parent.mkdir()
    other.write_text("经审理查明：<b>原告</b>借款。", encoding="utf-8")
    target = tmp_path / "report.html"
    words = ["summarize", text_file, other, tmp_path / "no.txt", "--format", "html"]
    assert run(*words, "--output", target)[:2] == (1, "")
    page = target.read_text(encoding="utf-8")
    assert page.count("<!DOCTYPE html>") == 1 and page.count("<article") == 2
    assert f">{text_file}</a>" in page and f">{other}</a>" in page  # one name, so in full
    assert "&lt;b&gt;" in page and "<b>原告" not in page


def test_a_fact_the_judgment_lacks_is_a_flag(judgment) -> None:
    from spaces.documents import Document
    from spaces.provenance import Span, Summary
    from spaces.report.facts import render_documents

    wrong = "The amount 70,000元 stands in the summary but not in the judgment."
    spans = (Span(0, 11, "generated"),)
    summary = Summary("被告归还70,000元", spans, (), (wrong, "Another warning."))
    document = Document(judgment, "a.txt", warnings=("A warning of the document.",))
    page = render_documents([(document, summary)])
    assert '<mark class="flag" id="r1-f1" data-f="1">70,000元</mark>' in page
    listed = [item for item in re.findall("<li>(.*?)</li>", page) if "<a" not in item]
    assert listed == ["A warning of the document.", "Another warning."]
    assert re.search(rf"<li><a [^>]*>70,000元</a>: {re.escape(wrong)}</li>", page)


def test_summarize_standard_input(run, text_file, monkeypatch, judgment) -> None:
    expected = run("summarize", text_file)[1]
    for arguments in ([], ["-"]):
        data = io.BytesIO(b"\xef\xbb\xbf" + judgment.replace("\n", "\r\n").encode())
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(data))
        assert run("summarize", *arguments)[1] == expected
    for option in (["--encoding", "gb18030"], []):
        data = io.BytesIO(judgment.encode("gb18030"))
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(data))
        assert run("summarize", "-", *option)[1] == expected
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"PK\x05\x06" + bytes(18))))
    mistake(run("summarize", "-"), "standard input: this is an archive (zip)")


def test_summarize_a_folder(run, text_file, tmp_path) -> None:
    """Documents of several kinds, one of them bad: the others are done, and the exit code tells."""
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    text = text_file.read_text(encoding="utf-8")
    (folder / "b.txt").write_text(text, encoding="gb18030")
    (folder / "below" / "a.html").write_text(
        "".join(f"<p>{line}</p>" for line in text.split("\n")), encoding="utf-8"
    )
    (folder / "z.doc").write_text(text)
    code, output, errors = run("summarize", folder)
    assert code == 0
    heads = [line for line in output.splitlines() if line.startswith("==> ")]
    assert heads == [f"==> {folder / name} <==" for name in ("b.txt", "below/a.html")]
    assert f"spaces: warning: {folder}: files of other kinds were passed over: 1 .doc" in errors
    (folder / "a.pdf").write_bytes(b"%PDF-1.4")
    code, output, errors = run("summarize", folder, tmp_path / "no.txt", "--format", "json")
    records = [json.loads(line) for line in output.splitlines()]
    assert (code, [record["id"] for record in records]) == (1, [head[4:-4] for head in heads])
    assert f"spaces: error: {folder / 'a.pdf'}: damaged" in errors
    assert f"spaces: error: {tmp_path / 'no.txt'}: no such file" in errors
    assert errors.endswith("spaces: 2 done, 2 failed\n")
    for record in records:  # what was read is no file's own text: it is in the record
        assert "".join(record["text"].split()) == "".join(text.split())
        for span in record["spans"]:
            if span["kind"] == "copied":
                source = record["text"][span["source_start"] : span["source_end"]]
                assert source == record["summary"][span["start"] : span["end"]]


def test_summarize_nothing_that_can_be_read(run, tmp_path) -> None:
    """No summary, no output file, and no model is loaded for it."""
    target = tmp_path / "out.txt"
    words = ["summarize", tmp_path / "no", tmp_path / "none", "--output", target]
    code, output, errors = run(*words, "--model", tmp_path / "no model", model=False)
    assert (code, output, errors.count("no such file")) == (1, "", 2)
    assert not target.exists()


def test_summarize_into_a_file(run, text_file, tmp_path) -> None:
    expected = run("summarize", text_file)[1]
    target = tmp_path / "summary.txt"
    code, output, _ = run("summarize", text_file, "--output", target)
    assert (code, output, target.read_text(encoding="utf-8")) == (0, "", expected)
    assert run("summarize", text_file, "--output", tmp_path / "no" / "x")[0] == 2


def test_summarize_options(run, text_file, tiny_summarizer, judgment) -> None:
    whole = tiny_summarizer.summarize(judgment, extract=False).text
    assert run("summarize", text_file, "--no-extract")[1] == whole + "\n"
    assert run("summarize", text_file, "--beams", 2)[0] == 0


def test_mistakes_with_files(run, tmp_path) -> None:
    gbk = tmp_path / "gbk"
    gbk.write_bytes("原告与被告".encode("gb18030"))
    mistake(run("summarize", tmp_path / "no.txt"), "no.txt", "no such file")
    mistake(run("summarize", tmp_path), "expected documents in the folder", "found none")
    mistake(run("summarize", gbk, "--encoding", "utf-8"), "gbk: not in utf-8")
    mistake(run("summarize", gbk, "--encoding", "no"), "expected an encoding of text")
    mistake(run("summarize", "records.jsonl"), "spaces predict records.jsonl OUTPUT")
    mistake(run("predict", tmp_path, tmp_path / "out"), "got a folder")
    mistake(run("predict", tmp_path / "no", tmp_path / "out"), "no such file")
    mistake(run("predict", gbk), "got INPUT only")
    mistake(run("predict", gbk, gbk), "expected another file than the input")


def test_mistakes_with_words(run, text_file, tmp_path) -> None:
    mistake(run("bogus"), "No such command 'bogus'")
    mistake(run("summarize", text_file, "--beams", "0"), "--beams")
    mistake(run("summarize", text_file, "--format", "xml"), "--format", "xml")
    mistake(run("train", "all"), "--config")
    mistake(run("train", "everything", "--config", "x"), "everything")
    mistake(run("train", "all", "--config", "x", "epochs"), "expected key=value")
    mistake(run("summarize", text_file, "--model", tmp_path, model=False), "without config.json")
    code, _, errors = run()
    assert code == 2 and errors.startswith("spaces: error: expected a command")


def test_no_default_model(run, text_file, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("spaces.storage.DEFAULT_MODEL", tmp_path / "default")
    mistake(run("summarize", text_file, model=False), "default model", "spaces train")


def test_stdin_that_is_a_terminal_is_not_waited_for(run, monkeypatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin", terminal)
    mistake(run("summarize"), "expected a FILE")


def test_predict(run, tmp_path, judgment) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    records = [{"id": i, "text": judgment[i:]} for i in range(3)]
    source.write_text("".join(json.dumps(record) + "\n" for record in records))
    code, output, errors = run("predict", source, target, "--batch-size", 2)
    assert (code, output) == (0, "")
    assert errors == f"spaces: 3 records, 0 failed: {target}\n"
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [set(row) for row in rows] == [{"id", "summary"}] * 3
    run("predict", source, target, "--details", "--no-extract")
    row = json.loads(target.read_text(encoding="utf-8").splitlines()[0])
    assert set(row) == {"id", "summary", "spans", "clauses", "warnings"} and row["clauses"] == []


def test_predict_with_broken_records(run, tmp_path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"id": 1, "text": ""}\n{"id": 2,\n')
    code, _, errors = run("predict", source, target)
    assert code == 1
    assert f"spaces: warning: {source}:1: The text is empty" in errors
    assert f"spaces: warning: {source}:2: " in errors
    assert errors.endswith(f"what failed and why: {target}.errors.jsonl\n")
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert rows == [{"id": 1, "summary": ""}, {"id": 2, "summary": ""}]


def test_predict_without_arguments_is_the_competition(run, monkeypatch, tmp_path, judgment) -> None:
    source, target = tmp_path / "input.json", tmp_path / "result.json"
    monkeypatch.setattr("spaces.cli.COMPETITION", (source, target))
    sentences = [{"sentence": line} for line in judgment.splitlines()]
    source.write_text(json.dumps({"id": "1", "text": sentences}) + "\n")
    assert run("predict")[0] == 0
    assert json.loads(target.read_text(encoding="utf-8"))["id"] == "1"


def test_predict_that_is_stopped(run, tmp_path, monkeypatch) -> None:
    def stop(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("spaces.summarizer.Summarizer.summarize_batch", stop)
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"id": 1, "text": "甲"}', encoding="utf-8")
    code, _, errors = run("predict", source, target)
    assert code == 130 and "the same command goes on" in errors
    assert not target.exists()


def test_predict_shows_progress_on_a_terminal(tiny_model_dir, tmp_path, monkeypatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": 1, "text": ""}\n{"id": 2, "text": ""}\n', encoding="utf-8")
    words = ["predict", source, tmp_path / "out", "--model", tiny_model_dir]
    assert main([str(word) for word in words]) == 0
    assert "2/2" in sys.stderr.getvalue()


@pytest.fixture
def scored(tmp_path):
    predictions, references = tmp_path / "p.jsonl", tmp_path / "r.jsonl"
    summary = "被告归还原告借款。"
    predictions.write_text(
        json.dumps({"id": 1, "summary": summary}) + '\n{"id": 9, "summary": ""}\n'
    )
    references.write_text(
        json.dumps({"id": 1, "text": "x", "summary": summary})
        + "\n"
        + json.dumps({"id": 2, "text": "x", "summary": summary})
    )
    return predictions, references


def test_evaluate(run, scored) -> None:
    code, output, errors = run("evaluate", *scored)
    assert code == 0
    lines = [line.split("\t") for line in output.splitlines()]
    assert lines[0] == ["unit", "documents", "ROUGE-1", "ROUGE-2", "ROUGE-L", "weighted"]
    assert [line[:2] for line in lines[1:]] == [["word", "2"], ["char", "2"]]
    assert lines[1][5] == "0.5000 [0.0000, 1.0000]"
    assert "1 references have no prediction" in errors
    assert "1 predictions have no reference" in errors


def test_evaluate_json(run, scored) -> None:
    code, output, _ = run("evaluate", *scored, "--unit", "char", "--format", "json")
    result = json.loads(output)
    assert code == 0 and set(result) == {"char"}
    assert result["char"]["weighted"]["mean"] == 0.5
    assert (result["char"]["n"], result["char"]["missing"]) == (2, 1)


def test_evaluate_on_a_terminal_is_a_table(scored, monkeypatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["evaluate", *map(str, scored)]) == 0
    table = sys.stdout.getvalue()
    assert "┃" in table and "[0.0000, 1.0000]" in table


def test_evaluate_mistakes(run, scored, tmp_path) -> None:
    mistake(run("evaluate", scored[0], tmp_path / "no"), "no such file")
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": 1}\n')
    mistake(run("evaluate", bad, scored[1]), f"{bad}:1: summary")
    bad.write_text("")
    mistake(run("evaluate", scored[0], bad), "nothing to evaluate")


def test_train_hands_over(run, monkeypatch, tmp_path) -> None:
    calls = []
    monkeypatch.setattr("spaces.pipeline.run", lambda *arguments: calls.append(arguments))
    config = tmp_path / "config.yaml"
    assert run("train", "words", "--config", config, "a.b=1", "c=x=y")[0] == 0
    assert calls == [("words", config, ["a.b=1", "c=x=y"])]


def test_version_and_help(run) -> None:
    import spaces

    assert run("--version")[:2] == (0, spaces.__version__ + "\n")
    code, output, _ = run("--help")
    assert code == 0
    for command in ("summarize", "predict", "evaluate", "serve", "train"):
        assert command in output
        code, text, _ = run(command, "--help", model=False)
        assert code == 0
        shown = re.findall(
            rf"^ *(?:cat .* \| )?spaces {command}\b.*", text.split("Examples:")[1], re.M
        )
        assert 2 <= len(shown) <= 3


def test_the_shell_completes_commands_and_choices(tmp_path) -> None:
    def complete(line: str) -> list[str]:
        words = line.split(" ")
        done = subprocess.run(
            [sys.executable, "-c", "from spaces.cli import main; main()"],
            env=os.environ
            | {"_SPACES_COMPLETE": "complete_bash", "COMP_WORDS": line}
            | {"COMP_CWORD": str(len(words) - 1)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.split()

    assert complete("spaces pre") == ["predict"]
    assert complete("spaces summarize --format ") == ["text", "json", "html"]


COLOUR = re.compile(r"\x1b\[[\d;]*(?:3[0-7]|9[0-7]|38;[\d;]*)m")


def test_no_color_is_honoured() -> None:
    code = "from spaces.cli import main; main(['predict', '--help'])"
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    environment |= {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    for extra, coloured in ({}, True), ({"NO_COLOR": "1"}, False):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment | extra,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Usage" in done.stdout
        assert bool(COLOUR.search(done.stdout)) == coloured


class Terminal(io.StringIO):
    """Standard error that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("no_color", [False, True])
def test_progress_on_a_terminal(run, tmp_path, judgment, monkeypatch, no_color) -> None:
    """Count, rate and time left are told on standard error; the results stay where they belong."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text(judgment, encoding="utf-8")
    expected, errors = run("summarize", tmp_path)[1:]
    assert "3/3" not in errors and "\x1b" not in errors  # no terminal, no bar
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    assert run("summarize", tmp_path)[1] == expected
    shown = terminal.getvalue()
    assert "judgments" in shown and "3/3" in shown
    assert bool(COLOUR.search(shown)) != no_color
    source = tmp_path / "in.jsonl"
    records = [{"id": i, "text": judgment} for i in range(4)]
    source.write_text("".join(json.dumps(record) + "\n" for record in records))
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    assert run("predict", source, tmp_path / "out.jsonl", "--batch-size", 1)[:2] == (0, "")
    shown = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", terminal.getvalue())
    assert re.search(r"4/4 +[\d.]+/(?:s|min) +\d+:\d\d:\d\d", shown), shown


def test_help_loads_no_model_code() -> None:
    code = """
import sys
from spaces.cli import main
assert main(["--help"]) == 0
heavy = {"torch", "transformers", "numpy", "jieba"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("script", [["-m", "spaces", "predict"], ["predict.py"]])
def test_scripts_are_the_command(script, tmp_path) -> None:
    command = [sys.executable, *script, str(tmp_path / "in"), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == 2
    assert done.stderr == f"spaces: error: {tmp_path / 'in'}: no such file; check the path\n"


def test_train_script() -> None:
    command = [sys.executable, "train.py", "all", "--config", "no.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == 2
    assert done.stderr.startswith("spaces: error: ") and done.stderr.count("\n") == 1
