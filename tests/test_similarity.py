"""Pairs files, Spearman's correlation, whitened and plain cosines, and the command around them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from spaces.cli import main
from spaces.errors import InputError, ModelError, RecordError
from spaces.extract.whitening import Whitening
from spaces.similarity import Pair, compare, correlate, read_pairs, spearman

SAMPLE = Path(__file__).parents[1] / "data/samples/pairs.tsv"


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 40], 1.0),
        ([1, 2, 3, 4], [9, 5, 2, 0], -1.0),
        ([1, 2, 3, 4], [1, 3, 2, 4], 0.8),  # 1 - 6 * 2 / (4 * 15)
        ([86, 97, 99, 100, 101, 103, 106, 110, 112, 113], [2, 20, 28, 27, 50, 29, 7, 17, 6, 12],
         -0.175757575758),  # 1 - 6 * 194 / (10 * 99)
        # ranks 1 2.5 2.5 4 and 1.5 1.5 3.5 3.5: 3 / sqrt(4.5 * 4)
        ([1, 2, 2, 3], [0, 0, 1, 1], 3 / math.sqrt(18)),
        ([5, 7, 5], [1, 2, 1], 1.0),
    ],
)  # fmt: skip
def test_spearman_of_hand_made_numbers(x, y, expected) -> None:
    assert spearman(x, y) == pytest.approx(expected, abs=1e-9)
    assert spearman(y, x) == pytest.approx(expected, abs=1e-9)
    assert spearman(np.exp(np.array(x) / 50), y) == pytest.approx(expected, abs=1e-9)


def test_spearman_of_what_does_not_rank() -> None:
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]))


PAIR = [Pair("房屋租赁合同", "租房协议", 1.0), Pair("离婚", "借款", 0.0)]
FORMATS = {
    "BQ, LCQMC": "房屋租赁合同\t租房协议\t1\n离婚\t借款\t0\n",
    "with a byte order mark, blank lines, Windows line ends": (
        "\ufeff房屋租赁合同\t租房协议\t1\r\n\r\n离婚\t借款\t0"
    ),
    "ATEC": "1\t房屋租赁合同\t租房协议\t1\n2\t离婚\t借款\t0\n",
    "PAWS-X": "id\tsentence1\tsentence2\tlabel\n1\t房屋租赁合同\t租房协议\t1\n2\t离婚\t借款\t0\n",
    "STS-B": "1-train||房屋租赁合同||租房协议||1.0\n2-train||离婚||借款||0\n",
    "STS-B with tabs": "sentence1\tsentence2\tscore\n房屋租赁合同\t租房协议\t1\n离婚\t借款\t0.00\n",
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read(tmp_path, name) -> None:
    path = tmp_path / "pairs"
    path.write_bytes(FORMATS[name].encode())
    assert read_pairs(path) == PAIR


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"a\tb\n", RecordError, r"pairs:1: expected sentence1, .* got 2 fields"),
        (b"a,b,1\n", RecordError, r"pairs:1: expected sentence1, .* got 1 field$"),
        (b"a\tb\t1\n\nc\td\te\t0\n", RecordError, r"pairs:3: expected 3 fields .* TAB, .* got 4"),
        (b"1||a||b||1\na||b||0\n", RecordError, r"pairs:2: expected 4 fields .* \|\|, .* got 3"),
        (b"a\tb\t1\nc\td\tyes\n", RecordError, r"pairs:2: label: expected a number, got 'yes'"),
        (b"a\tb\tnan\n", RecordError, r"pairs:1: label: expected a number, got 'nan'"),
        (b"a\t \t1\n", RecordError, r"pairs:1: expected two sentences, got an empty one"),
        (b"a\tb\t1\n\xb1\xbb\tb\t1\n", RecordError, r"pairs:2: expected UTF-8, got byte 0xb1"),
        (b"\n", InputError, r"pairs: expected pairs of sentences, got none"),
        (b"sentence1\tsentence2\tlabel\n", InputError, r"expected pairs of sentences, got none"),
    ],
)
def test_what_is_wrong_with_a_pairs_file_is_named(tmp_path, data, error, message) -> None:
    path = tmp_path / "pairs"
    path.write_bytes(data)
    with pytest.raises(error, match=message):
        read_pairs(path)


class Table:
    """An encoder that looks vectors up and counts how often it is asked."""

    def __init__(self, size: int = 5) -> None:
        self.size, self.asked = size, 0

    def encode(self, texts):
        self.asked += len(texts)
        rows = [np.random.default_rng(int(text)).normal(size=self.size) for text in texts]
        return (np.array(rows) @ np.diag(range(1, self.size + 1)) + 40).astype(np.float32)


PAIRS = [Pair(str(2 * i), str(2 * i + 1), float(i % 7)) for i in range(1100)]  # three chunks


def test_plain_cosines() -> None:
    table = Table()
    cosines, dims = compare(PAIRS, table)
    assert (cosines.shape, dims, table.asked) == ((1100,), 5, 2200)
    for place in (0, 511, 512, 1099):
        a, b = Table().encode([PAIRS[place].first, PAIRS[place].second]).astype(float)
        expected = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        assert cosines[place] == pytest.approx(expected, abs=1e-5)


def test_whitened_cosines_through_half_precision_are_those_in_memory() -> None:
    table = Table()
    cosines, dims = compare(PAIRS, table, whiten=True, dims=3)
    assert (dims, table.asked) == (3, 2200), "every sentence is encoded once"
    vectors = Table().encode([text for pair in PAIRS for text in (pair.first, pair.second)])
    white = Whitening(3).fit([vectors]).transform(vectors)
    white /= np.linalg.norm(white, axis=1, keepdims=True)
    np.testing.assert_allclose(cosines, (white[::2] * white[1::2]).sum(1), atol=0.03)


def test_whitening_is_learned_in_one_pass_over_mapped_chunks(monkeypatch) -> None:
    """`fit` sees views of the map, each chunk once, and never a copy of the corpus."""
    seen = []

    def fit(self, batches, original=Whitening.fit):
        def watched():
            for batch in batches:
                assert isinstance(batch, np.memmap) and batch.dtype == np.float16
                seen.append(len(batch))
                yield batch

        return original(self, watched())

    monkeypatch.setattr(Whitening, "fit", fit)
    compare(PAIRS, Table(), whiten=True, dims=2)
    assert seen == [1024, 1024, 152]


def test_what_cannot_be_ranked_is_named() -> None:
    same = [Pair("1", "2", 1.0), Pair("3", "4", 1.0)]
    with pytest.raises(InputError, match="different labels to rank, got 2 with the same one"):
        correlate(same, Table())
    alike = [Pair("1", "1", 1.0), Pair("1", "1", 0.0)]
    with pytest.raises(ModelError, match="equally alike"):
        correlate(alike, Table())


def test_the_command(capsys, tiny_model_dir, tmp_path) -> None:
    def run(*words: object) -> tuple[int, str, str]:
        code = main(["similarity", *map(str, words), "--model", str(tiny_model_dir)])
        return code, *capsys.readouterr()

    code, output, _ = run(SAMPLE)
    assert code == 0
    heading, row = output.splitlines()
    assert heading.split("\t") == ["pairs", "dims", "whitened", "spearman"]
    assert row.split("\t")[:3] == ["30", "32", "no"]
    found = {}
    for pooling in ("last", "first-last", "cls"):
        code, output, _ = run(SAMPLE, "--format", "json", "--pooling", pooling)
        found[pooling] = json.loads(output)["spearman"]
        assert -1 <= found[pooling] <= 1
    assert len(set(found.values())) == 3
    code, output, errors = run(SAMPLE, "--whiten", "--dims", 4, "--format", "json")
    assert json.loads(output)["dims"] == 4 and not errors.count("error")
    assert "60 sentences are few to whiten" not in run(SAMPLE, "--whiten", "--dims", 2)[2]
    assert "60 sentences are few to whiten 20 dim" in run(SAMPLE, "--whiten", "--dims", 20)[2]
    for words, message in [
        ([SAMPLE, "--dims", 4], "--dims 4: expected together with --whiten"),
        ([SAMPLE, "--whiten"], "dims: expected at most the 3"),
        ([tmp_path / "no.tsv"], "no.tsv: no such file"),
        ([SAMPLE, "--pooling", "max"], "--pooling"),
    ]:
        code, output, errors = run(*words)
        assert (code, output, errors.count("\n")) == (2, "", 1) and message in errors
