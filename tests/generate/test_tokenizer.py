"""The word-first tokenizer: jieba's cuts, the text's own offsets, words added later."""

from __future__ import annotations

import itertools
import math

import jieba
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.generate.tokenizer import (
    CLS,
    MASK,
    PAD,
    SEP,
    UNK,
    add_words,
    build_tokenizer,
    count_words,
    encode_source,
    load_tokenizer,
    vocabulary_strings,
)

# Invented, and only Chinese characters: jieba treats other characters apart.
LEGAL = """
原告陈大明与被告吴小芳民间借贷纠纷一案本院于二零一八年三月五日立案后依法适用简易程序公开开庭进行了审理
被告经本院合法传唤无正当理由拒不到庭参加诉讼视为放弃答辩和质证的权利
本院认为合法的借贷关系受法律保护被告应当按照约定的期限返还借款并支付逾期利息
驳回原告的其他诉讼请求案件受理费减半收取由被告负担
原被告婚后因家庭琐事经常发生争吵致使夫妻感情确已破裂请求判令离婚婚生子由原告抚养
如不服本判决可在判决书送达之日起十五日内向本院递交上诉状并按对方当事人的人数提出副本
劳动者在该用人单位连续工作满十年的应当订立无固定期限劳动合同
结婚的和尚未结婚的均应当由南京市长江大桥派出所的负责人在场见证
""".strip().splitlines()


def pieces(tokenizer, text: str) -> list[str]:
    """The stretches of `text` that the tokens stand for."""
    encoding = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return [text[start:end] for start, end in encoding["offset_mapping"]]


def ids(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.fixture(scope="module")
def segmenter() -> jieba.Tokenizer:
    segmenter = jieba.Tokenizer()
    segmenter.initialize()
    return segmenter


@pytest.fixture(scope="module")
def jieba_words(segmenter: jieba.Tokenizer):
    """A tokenizer of jieba's words and frequencies: those that can be spelled with LEGAL's
    characters, and one piece for the share of all others."""
    characters = set("".join(LEGAL))
    counts = {w: n for w, n in segmenter.FREQ.items() if n > 0 and characters.issuperset(w)}
    counts["zzz"] = segmenter.total - sum(counts.values())
    return build_tokenizer(counts)


@pytest.mark.parametrize("sentence", LEGAL)
def test_cuts_as_jieba_does(sentence: str, segmenter: jieba.Tokenizer, jieba_words) -> None:
    expected = segmenter.lcut(sentence, HMM=False)
    assert max(map(len, expected)) > 1
    assert pieces(jieba_words, sentence) == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(sorted("".join(LEGAL))), min_size=1, max_size=12).map("".join))
def test_any_order_of_characters_is_cut_as_likely_as_by_jieba(
    segmenter: jieba.Tokenizer, jieba_words, text: str
) -> None:
    def likelihood(words: list[str]) -> float:
        return sum(math.log((segmenter.FREQ.get(w) or 1) / segmenter.total) for w in words)

    # of equally likely cuts either may be taken
    ours, theirs = pieces(jieba_words, text), segmenter.lcut(text, HMM=False)
    assert likelihood(ours) == pytest.approx(likelihood(theirs), abs=1e-6)


def test_a_frequent_word_wins_over_its_pieces_and_a_rare_one_does_not() -> None:
    common = {"借": 9, "款": 9, "人": 9}
    assert pieces(build_tokenizer({**common, "借款": 9, "款人": 3}), "借款人") == ["借款", "人"]
    assert pieces(build_tokenizer({**common, "借款": 3, "款人": 9}), "借款人") == ["借", "款人"]


def test_the_vocabulary_keeps_every_character_before_any_word() -> None:
    counts = {"本院": 100, "认为": 90, "本": 1, "院": 1, "认": 1, "为": 1}
    tokenizer = build_tokenizer(counts, vocab_size=5 + 5)
    assert set(vocabulary_strings(tokenizer)[5:]) == {"本", "院", "认", "为", "本院"}
    assert len(tokenizer) == 10


def test_special_tokens_have_their_ids(tiny_tokenizer) -> None:
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert tiny_tokenizer.convert_tokens_to_ids(names) == [PAD, UNK, CLS, SEP, MASK]
    assert vocabulary_strings(tiny_tokenizer)[:5] == names
    assert tiny_tokenizer.pad_token_id == PAD
    assert tiny_tokenizer.unk_token_id == UNK


def test_offsets_refer_to_the_text_as_it_came() -> None:
    counts = dict.fromkeys("0123456789abcm平米房屋共计元公司", 5) | {"房屋": 9, "公司": 9}
    tokenizer = build_tokenizer(counts)
    text = "房屋１２㎡，\nABＣ 公司\t共計３元"
    found = pieces(tokenizer, text)
    expected = [
        "房屋",
        "１",
        "２",
        "㎡",
        "㎡",
        "，",
        "A",
        "B",
        "Ｃ",
        "公司",
        "共",
        "計",
        "３",
        "元",
    ]
    assert found == expected
    plain = ids(tokenizer, "房屋12m2")
    assert (
        ids(tokenizer, text)[:5] == plain
    )  # ㎡ is m and 2 to the model, one character in the text


def test_white_space_gives_no_token(tiny_tokenizer) -> None:
    assert ids(tiny_tokenizer, " \n\u3000\t\r\n ") == []
    assert ids(tiny_tokenizer, "原\n告") == ids(tiny_tokenizer, "原") + ids(tiny_tokenizer, "告")
    assert ids(tiny_tokenizer, "") == []


@pytest.mark.parametrize("name", ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[sep]"])
def test_a_special_token_spelled_in_a_judgment_is_text(tiny_tokenizer, name: str, tmp_path) -> None:
    tiny_tokenizer.save_pretrained(tmp_path)
    for tokenizer in (tiny_tokenizer, load_tokenizer(tmp_path)):
        assert pieces(tokenizer, f"原告{name}被告") == ["原告", *name, "被告"]
        assert min(ids(tokenizer, f"原告{name}被告")) > MASK


def test_digits_and_letters_are_single_tokens() -> None:
    texts = ["借款50000元，ABC公司", "借款50000元，abc公司"]
    cut = ["借款", "50000", "元", "，", "abc", "公司"]
    counts = count_words(texts, lambda text: cut)
    tokenizer = build_tokenizer(counts)
    assert pieces(tokenizer, texts[0]) == ["借款", *"50000", "元", "，", *"ABC", "公司"]
    assert "50000" not in counts
    assert "abc" not in counts
    assert counts["借款"] == 2


def test_rare_characters_are_left_out_of_the_counts() -> None:
    counts = count_words(["本院 本院 鱻"], lambda text: text.split(), min_characters=2)
    assert counts["本院"] == 2
    assert {"本", "院"} <= set(counts)
    assert not {"鱻", " "} & set(counts)


def test_counting_reads_the_normalised_text() -> None:
    seen = []
    counts = count_words(["ＡＢ１"], lambda text: seen.append(text) or list(text))
    assert seen == ["ab1"]
    assert set(counts) == {"a", "b", "1"}


def test_unknown_characters_become_unk_with_their_offsets(tiny_tokenizer) -> None:
    text = "原告魑，魅被告"
    encoding = tiny_tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    found = [
        (text[start:end], token == UNK)
        for token, (start, end) in zip(
            encoding["input_ids"], encoding["offset_mapping"], strict=True
        )
    ]
    assert found == [("原告", False), ("魑", True), ("，", False), ("魅", True), ("被告", False)]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_offsets_of_any_text_are_in_order_and_lose_only_white_space(tiny_tokenizer, text) -> None:
    encoding = tiny_tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    offsets = encoding["offset_mapping"]
    covered: set[int] = set()
    for start, end in offsets:
        assert 0 <= start <= end <= len(text)
        covered.update(range(start, end))
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(offsets))
    assert not {i for i, c in enumerate(text) if c in "原告0a，"} - covered


def test_a_saved_tokenizer_reads_the_same(tiny_tokenizer, judgment: str, tmp_path) -> None:
    tiny_tokenizer.save_pretrained(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert vocabulary_strings(loaded) == vocabulary_strings(tiny_tokenizer)
    assert len(loaded) == len(tiny_tokenizer)
    for text in (judgment, "[SEP]　１㎡"):
        one, two = (
            t(text, add_special_tokens=False, return_offsets_mapping=True)
            for t in (tiny_tokenizer, loaded)
        )
        assert one["input_ids"] == two["input_ids"]
        assert one["offset_mapping"] == two["offset_mapping"]


def test_encode_source_adds_the_ends(tiny_tokenizer) -> None:
    encoded, offsets = encode_source(tiny_tokenizer, "原告 借款")
    assert encoded == [CLS, *ids(tiny_tokenizer, "原告借款"), SEP]
    assert offsets == [(0, 0), (0, 2), (3, 5), (0, 0)]


def test_added_words_are_preferred_and_old_ids_stay(tiny_tokenizer) -> None:
    old = vocabulary_strings(tiny_tokenizer)
    words = ["民间借贷纠纷", "诉讼请求", "合同法"]  # the last is known already
    tokenizer, compounds = add_words(tiny_tokenizer, words)
    assert vocabulary_strings(tokenizer)[: len(old)] == old
    assert vocabulary_strings(tokenizer)[len(old) :] == words[:2]
    assert compounds == [ids(tiny_tokenizer, word) for word in words[:2]]
    assert pieces(tokenizer, "民间借贷纠纷一案的诉讼请求") == [
        "民间借贷纠纷", "一案", "的", "诉讼请求",
    ]  # fmt: skip
    assert vocabulary_strings(tiny_tokenizer) == old  # a new one was made
    assert ids(tokenizer, "原告归还借款") == ids(tiny_tokenizer, "原告归还借款")
    assert "".join(pieces(tokenizer, "诉讼[SEP]请求")) == "诉讼[SEP]请求"
    assert min(ids(tokenizer, "诉讼[SEP]请求")) > MASK


def test_an_added_word_is_normalised_and_one_with_unknown_characters_passed_over(
    tiny_tokenizer,
) -> None:
    words = ["Ｂｉｇ", "魑魅", "原魑", "big", "原", "", "两 词"]
    tokenizer, compounds = add_words(tiny_tokenizer, words)
    assert vocabulary_strings(tokenizer)[len(tiny_tokenizer) :] == ["big"]
    assert compounds == [ids(tiny_tokenizer, "big")]
    assert pieces(tokenizer, "原告Big") == ["原告", "Big"]


def test_an_added_word_inside_another_is_used_where_it_stands_alone(tiny_tokenizer) -> None:
    for words in (["民间借贷纠纷", "民间借贷纠纷一案"], ["民间借贷纠纷一案", "民间借贷纠纷"]):
        tokenizer, compounds = add_words(tiny_tokenizer, words)
        assert len(compounds) == 2
        assert max(map(max, compounds)) < len(tiny_tokenizer)  # spelled with old tokens only
        assert pieces(tokenizer, "民间借贷纠纷一案") == ["民间借贷纠纷一案"]
        assert pieces(tokenizer, "民间借贷纠纷，") == ["民间借贷纠纷", "，"]
