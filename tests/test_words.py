from __future__ import annotations

import math
import pickle
import random
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import jieba
import pytest

from spaces.errors import ConfigError, InputError, RecordError
from spaces.words import MinedWord, Segmenter, mine_words, read_words, write_words

REPOSITORY = Path(__file__).parents[1]
TEXT = "被告应于本判决生效之日起十日内支付原告借款本金20,000元，\n加倍支付迟延履行期间的债务利息。"


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter()


def test_words_are_jiebas_without_the_markov_model(segmenter: Segmenter) -> None:
    own = jieba.Tokenizer()
    for text in (TEXT, "", " ", "ABC 1.5%😀\ud800", "他来到了网易杭研大厦"):
        assert segmenter.cut(text) == own.lcut(text, HMM=False)
        assert "".join(segmenter.cut(text)) == text


def test_special_words_stay_in_their_segmenter(segmenter: Segmenter) -> None:
    special = Segmenter(["迟延履行期间", "被告应于"])
    assert "迟延履行期间" in special.cut(TEXT) and "被告应于" in special.cut(TEXT)
    assert "迟延履行期间" in special and "迟延履行期间" not in segmenter
    assert "迟延履行期间" not in segmenter.cut(TEXT)
    assert "迟延履行期间" not in jieba.lcut(TEXT, HMM=False)
    assert pickle.loads(pickle.dumps(special)).cut(TEXT) == special.cut(TEXT)


def test_a_longer_word_wins_whatever_the_order() -> None:
    words = ["违约金及滞纳金", "违约金及", "及滞纳金"]
    for order in (words, words[::-1]):
        assert Segmenter(order).cut("支付违约金及滞纳金") == ["支付", "违约金及滞纳金"]


def test_loaded_at_first_use_and_quietly() -> None:
    code = (
        "import sys; from spaces.words import Segmenter, mine_words; s = Segmenter(['甲乙丙'])\n"
        "assert 'jieba' not in sys.modules and 'numpy' not in sys.modules\n"
        "assert s.cut('甲乙丙') == ['甲乙丙']\n"
        "import jieba; assert not jieba.dt.initialized and not jieba.dt.FREQ"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("word", ["", "甲 乙", "《合同法》", "甲，乙"])
def test_words_jieba_cannot_keep(word: str) -> None:
    with pytest.raises(ConfigError, match="expected Chinese characters"):
        Segmenter([word])


def test_lists_of_words(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    write_words(path, ["诉讼请求", "案件受理费"], comment="mined\n\nfrom nothing")
    assert path.read_text("utf-8") == "# mined\n#\n# from nothing\n诉讼请求\n案件受理费\n"
    assert read_words(path) == ["诉讼请求", "案件受理费"]
    path.write_bytes("\ufeff甲乙 \r\n\r\n# 丙丁\n".encode())
    assert read_words(path) == ["甲乙"]
    path.write_text("甲乙\n# 丙\n甲乙\n", "utf-8")
    with pytest.raises(RecordError, match=r"words\.txt:3: '甲乙' came already in line 1"):
        read_words(path)
    path.write_text("甲乙 5 n\n", "utf-8")
    with pytest.raises(RecordError, match=r"words\.txt:1: expected one word"):
        read_words(path)
    with pytest.raises(InputError, match="no such file"):
        read_words(tmp_path / "none")


def test_the_list_of_this_project() -> None:
    words = read_words(REPOSITORY / "data" / "special_words.txt")
    assert 500 <= len(words) <= 900
    assert all(2 <= len(word) <= 30 for word in words)
    special = Segmenter(words)
    assert [special.cut(word) for word in words] == [[word] for word in words]


def plain_mining(texts: list[str], min_count: int, max_length: int) -> dict[str, MinedWord]:
    """Every number of every candidate, with dictionaries and loops."""
    count: Counter[str] = Counter()
    documents: dict[str, set[int]] = defaultdict(set)
    neighbours: dict[tuple[str, int], Counter[object]] = defaultdict(Counter)
    for d, text in enumerate(texts):
        for start in range(len(text)):
            for end in range(start + 1, min(start + max_length, len(text)) + 1):
                word = text[start:end]
                if not all("\u4e00" <= c <= "\u9fff" for c in word):
                    break
                count[word] += 1
                documents[word].add(d)
                for side, place in ((0, start - 1), (1, end)):
                    inside = 0 <= place < len(text) and "\u4e00" <= text[place] <= "\u9fff"
                    neighbours[word, side][text[place] if inside else (d, place)] += 1
    total = sum(n for word, n in count.items() if len(word) == 1)

    def entropy(word: str, side: int) -> float:
        n = count[word]
        return -sum(c / n * math.log2(c / n) for c in neighbours[word, side].values())

    return {
        w: MinedWord(
            w,
            n,
            len(documents[w]),
            min(math.log2(n * total / count[w[:i]] / count[w[i:]]) for i in range(1, len(w))),
            min(entropy(w, 0), entropy(w, 1)),
        )
        for w, n in count.items()
        if n >= min_count and len(w) > 1
    }


def test_mining_against_the_plain_version() -> None:
    rng = random.Random(0)
    parts = ["诉讼请求", "本院", "认定", "甲", "乙", "丙", "，", "a", "\ud800", "民间借贷"]
    texts = ["".join(rng.choices(parts, k=rng.randrange(30))) for _ in range(60)] + ["", "甲"]
    mined = mine_words(
        iter(texts),
        max_words=10**6,
        min_count=3,
        min_documents=1,
        min_cohesion=-99,
        min_freedom=-1,
        max_length=5,
    )
    expected = plain_mining(texts, min_count=3, max_length=5)
    assert {w.word for w in mined} == set(expected) and len(expected) > 100
    for w in mined:
        e = expected[w.word]
        assert (w.count, w.documents) == (e.count, e.documents)
        assert (w.cohesion, w.freedom) == pytest.approx((e.cohesion, e.freedom), abs=1e-9)
    weights = [w.count * (len(w.word) - 1) for w in mined]
    assert weights == sorted(weights, reverse=True)


def stories() -> list[str]:
    rng = random.Random(1)
    names = "张王李赵陈刘杨黄周吴"
    verbs = ["请求", "支付", "返还", "承认", "拒绝"]
    return [
        f"{rng.choice(names)}{rng.choice(verbs)}宅基地征收款，依照《道路通行法》"
        f"和《{rng.choice(names)}某的来信》，{rng.choice(verbs)}{rng.choice(names)}。"
        for _ in range(60)
    ]


def test_mining_finds_the_words() -> None:
    words = {w.word: w for w in mine_words(stories(), max_words=20, min_cohesion=3)}
    assert words["宅基地征收款"].count == 60 and words["宅基地征收款"].documents == 60
    assert "宅基地征收" not in words and "征收款" not in words  # parts of it stand nowhere else
    assert "支付" in words
    assert words["道路通行法"].cohesion == math.inf
    # Letters stand in 《》 too, but only names of statutes are words for that reason.
    assert all(w.cohesion < math.inf for w in words.values() if "来信" in w.word)


def test_mining_leaves_out_what_is_known_and_what_is_too_much() -> None:
    known = {"宅基地征收款", "道路通行法"}
    words = [w.word for w in mine_words(stories(), max_words=20, min_cohesion=3, known=known)]
    assert words and not known.intersection(words)
    first = mine_words(stories(), max_words=1, min_cohesion=3)
    assert [w.word for w in first] == ["宅基地征收款"]
    assert not mine_words(stories(), max_words=5, min_documents=61)
    assert not mine_words([], max_words=5)
    assert not mine_words(["abc", "，，"], max_words=5)


@pytest.mark.parametrize("wrong", [{"max_words": 0}, {"min_count": 1}, {"max_length": 1}])
def test_mining_with_impossible_settings(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="of at least 2"):
        mine_words(["甲"], **{"max_words": 5, **wrong})
