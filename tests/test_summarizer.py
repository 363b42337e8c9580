"""The chain on a tiny random model: contract of spans, batches, odd texts, settings."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import spaces
from spaces.errors import ConfigError, ModelError
from spaces.generate.beam import beam_search
from spaces.generate.grounds import ANSWER, FACT, REASON, STATUTE
from spaces.generate.joints import CLAUSES, SENTENCE
from spaces.provenance import Span
from spaces.summarizer import Summarizer, SummarizerConfig

KINDS = (ANSWER, FACT, REASON, STATUTE)


def check(judgment: str, summary) -> None:
    """The contract of DESIGN: every character in one span, copied ones equal to the judgment."""
    place = 0
    for span in summary.spans:
        assert span.start == place < span.end
        place = span.end
        if span.kind == "copied":
            source = judgment[span.source_start : span.source_end]
            assert source == summary.text[span.start : span.end]
    assert place == len(summary.text)
    assert "".join(judgment[c.start : c.end] for c in summary.clauses) in (judgment, "")
    summary.text.encode("utf-8")


@pytest.fixture
def variant(tiny_summarizer):
    """A Summarizer of the same parts with other settings."""
    parts = tiny_summarizer.parts
    return lambda **changes: Summarizer(
        *parts, dataclasses.replace(tiny_summarizer.config, **changes)
    )


def test_a_summary_has_copied_and_generated_spans(tiny_summarizer, judgment) -> None:
    kinds = set()
    for start in range(0, len(judgment), 30):
        summary = tiny_summarizer.summarize(judgment[start:])
        check(judgment[start:], summary)
        kinds |= {span.kind for span in summary.spans}
        kept = [(c.start, c.end) for c in summary.clauses if c.kept]
        for span in summary.spans:
            if span.kind == "copied":
                assert any(a <= span.source_start < b for a, b in kept), "from a kept clause"
    assert kinds == {"copied", "generated"}


def test_batches_equal_one_by_one(variant, judgment) -> None:
    clauses = judgment.split("，")
    texts = ["，".join(clauses[i:] + clauses[:i]) * (1 + i % 3) for i in range(7)]
    texts[2:2] = ["", "二"]
    for summarizer in (variant(), variant(beams=3)):
        single = [summarizer.summarize(text) for text in texts]
        counted: list[int] = []
        for size in (1, 2, 8):
            batch = summarizer.summarize_batch(texts, batch_size=size, on_progress=counted.append)
            assert [s.text for s in batch] == [s.text for s in single]
            assert [s.spans for s in batch] == [s.spans for s in single]
            assert [s.warnings for s in batch] == [s.warnings for s in single]
            kept = [[c.kept for c in s.clauses] for s in batch]
            assert kept == [[c.kept for c in s.clauses] for s in single]
        assert sum(counted) == 3 * len(texts)


@pytest.mark.parametrize("extract", [True, False])
def test_no_copied_words_begin_in_a_clause_that_leans_on_another(variant, extract) -> None:
    texts = ["本院认为，" + "乙欠款，应还款，丙保证，亦负责。" * i for i in range(1, 9)]
    starts = set()
    for text in texts:
        summary = variant().summarize(text, extract=extract)
        check(text, summary)
        for span in summary.spans:
            if span.kind == "copied":
                clause = max(text.rfind(mark, 0, span.source_start) for mark in "，。") + 1
                starts.add(text[clause])
    assert starts & set("乙丙")
    assert not starts & set("应亦")


@pytest.mark.parametrize("extract", [True, False])
def test_no_copied_words_end_in_a_clause_that_needs_the_next(variant, extract, monkeypatch) -> None:
    texts = ["本院认为，" + "由于乙欠款，应还款，丙保证，亦负责。" * i for i in range(1, 9)]
    summarizer = variant(attend_threshold=0.5, no_repeat=0)

    def label(drafts, size):  # but for one of them, whose next one is left out
        clauses = [[clause.text for clause in draft.clauses] for draft in drafts]
        return [np.array([0.9 - 0.8 * (c == "亦负责。") for c in each]) for each in clauses]

    monkeypatch.setattr(summarizer, "_label", label)
    ends = set()
    for text in texts:
        spans = summarizer.summarize(text, extract=extract).spans
        for span, behind in pairwise(spans):
            goes_on = behind.source_start == span.source_end
            if span.kind == "copied" and not goes_on:
                clause = max(text.rfind(mark, 0, span.source_end - 1) for mark in "，。") + 1
                ends.add(text[clause])
    assert ends & set("应丙本")
    assert "由" not in ends


@pytest.mark.parametrize("extract", [True, False])
def test_what_comes_before_a_ruling_is_known_to_decoding(variant, extract, monkeypatch) -> None:
    text = "被告辩称，已还款。经审理查明，乙借款，丙未到。本院认为，应还款。"
    text += "依照《民法》，判决如下：还款。"
    summarizer, told = variant(attend_threshold=0.5), []

    def listen(model, sources, *, grounds, **settings):
        told.extend(zip(sources, grounds, strict=True))
        return beam_search(model, sources, grounds=grounds, **settings)

    monkeypatch.setattr("spaces.summarizer.beam_search", listen)
    kept = np.array([0.9, 0.9, 0.9, 0.9, 0.1, 0.9, 0.9, 0.9, 0.9, 0.9])
    monkeypatch.setattr(summarizer, "_label", lambda drafts, size: [kept] * len(drafts))
    summarizer.summarize(text, extract=extract)
    ((source, grounds),) = told
    pieces = summarizer.tokenizer.convert_ids_to_tokens(source)
    found = {kind: [p for p, g in zip(pieces, grounds, strict=True) if g == kind] for kind in KINDS}
    assert ["".join(found[kind]) for kind in KINDS] == [
        "已还款",
        "乙借款",
        "应还款",
        "依照《民法》",
    ]


def test_no_copied_words_begin_behind_whose_words_they_are(variant) -> None:
    texts = ["本院认为，" + "至于被告抗辩的乙欠款，丙应还款。丁还款。" * i for i in range(1, 9)]
    places = set()
    for text in texts:
        for span in variant().summarize(text).spans:
            if span.kind == "copied":
                places.add(text[max(text.rfind("至", 0, span.source_start), 0) : span.source_start])
    assert any("乙" in place for place in places)  # in a sentence behind
    assert not any("告" in place and "款" not in place for place in places)


@pytest.fixture
def watch_gaps(monkeypatch):
    """A list of (source, gaps) that a Summarizer's joints are told of."""

    def watch(summarizer: Summarizer) -> list[tuple[list[int], list[int]]]:
        told, mend = [], summarizer.joints.mend

        def listen(found, segments, source, gaps, prosecuted):
            told.append((list(source), list(gaps)))
            return mend(found, segments, source, gaps, prosecuted)

        monkeypatch.setattr(summarizer.joints, "mend", listen)
        return told

    return watch


def test_where_clauses_were_left_out_the_sentence_ends(variant, watch_gaps, monkeypatch) -> None:
    """The joints are told of it, for extracts and for texts given whole."""
    text = "经审理查明，乙欠款，丙保证，被告担保，本院认为。应还款。"
    summarizer = variant(attend_threshold=0.5)
    told = watch_gaps(summarizer)
    kept = [0.9, 0.9, 0.1, 0.9, 0.1, 0.9]
    monkeypatch.setattr(summarizer, "_label", lambda drafts, size: [np.array(kept)] * len(drafts))
    for extract in (True, False):
        summarizer.summarize(text, extract=extract)
    pieces = summarizer.tokenizer.convert_ids_to_tokens
    for source, gaps in told:
        found = [(pieces(t), gap) for t, gap in zip(source, gaps, strict=True) if gap]
        assert found == [("被告", CLAUSES), ("应", SENTENCE)]


def test_a_gap_before_what_reads_as_nothing_stands_before_the_next(
    variant, watch_gaps, monkeypatch
) -> None:
    text = "甲欠款，丙未还。（以下简称甲公司的公司。）乙还款，"
    summarizer = variant()
    told = watch_gaps(summarizer)

    def label(drafts, size):
        clauses = [clause.text for clause in drafts[0].clauses]
        assert "" in clauses  # the abbreviation
        return [np.array([0.1 if "丙" in clause else 0.9 for clause in clauses])]

    monkeypatch.setattr(summarizer, "_label", label)
    summarizer.summarize(text)
    ((_, gaps),) = told
    assert gaps.count(SENTENCE) == 1


def test_windows_of_a_long_list(variant, judgment, monkeypatch) -> None:
    monkeypatch.setattr("spaces.summarizer.WINDOW", 2)
    texts = [judgment[i : i + 60] for i in range(0, 90, 10)]
    summarizer = variant(max_new_tokens=5)
    alone = [summarizer.summarize(text).text for text in texts]
    assert [s.text for s in summarizer.summarize_batch(texts, batch_size=2)] == alone


alphabet = st.sampled_from(
    list("原告被本院借款，。：；\n12,.ＡbC(）\U0001f600\ud800\x00 \u200b龘㎡ﬁ")
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(alphabet, max_size=80), extract=st.booleans())
def test_the_contract_holds_for_any_text(tiny_summarizer, text, extract) -> None:
    check(text, tiny_summarizer.summarize(text, extract=extract))


ODD = {
    "empty": "",
    "blank": " \n\t\u3000\r\n",
    "controls only": "\x00\x01\x1f\x7f",
    "one character": "判",
    "punctuation": "，。；：",
    "no punctuation": "原告与被告借款纠纷一案本院立案后依法审理" * 50,
    "latin": "The plaintiff asks the defendant to return 50,000 yuan. " * 20,
    "emoji": "😀👨‍👩‍👧原告😀，被告👍🏽。",
    "controls": "原\x00告\x07，被\x1b[31m告。\x85\u2028判决",
    "lone surrogates": "原告\ud83d，被告\udc00归还\ud800借款。",
    "unknown characters": "龘靐齉，爩麤龗。" * 3,
    "specials spelled out": "[SEP]原告[CLS]，[MASK][PAD][UNK]被告。",
    "bidi and zero width": "\u202e原告\u200b\u200d\ufeff，被告。",
    "combining": "e\u0301" * 30 + "原告，" + "\u0301" * 30,
}


@pytest.mark.parametrize("extract", [True, False])
@pytest.mark.parametrize("name", ODD)
def test_odd_texts_get_a_summary_or_a_warning(tiny_summarizer, name, extract) -> None:
    summary = tiny_summarizer.summarize(ODD[name], extract=extract)
    check(ODD[name], summary)
    assert summary.text or summary.warnings


def test_sixty_thousand_characters(tiny_summarizer, judgment) -> None:
    text = judgment * (60_000 // len(judgment) + 1)
    summary = tiny_summarizer.summarize(text)
    check(text, summary)
    assert len(summary.clauses) > 3000
    assert any("shortened" in warning for warning in summary.warnings)


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("", "The text is empty: there is nothing to summarize."),
        (" \x00\n", "The text is empty"),
        ("Only Latin letters.", "The text has no Chinese characters"),
        ("原告\ud800，\udc00被告。", "The text has 2 lone surrogates"),
        ("原" * 1000, "A clause is longer than what the generator reads (200 tokens)"),
    ],
)
def test_warnings(tiny_summarizer, text, beginning) -> None:
    warnings = tiny_summarizer.summarize(text).warnings
    assert any(warning.startswith(beginning) for warning in warnings), warnings


def test_a_summary_that_was_cut_off(variant, judgment) -> None:
    warnings = variant(max_new_tokens=2).summarize(judgment).warnings
    assert "The summary reached 2 tokens (max_new_tokens) and may be cut off." in warnings


def test_a_model_that_writes_nothing(tiny_summarizer, monkeypatch) -> None:
    from spaces.generate.beam import Hypothesis

    nothing = Hypothesis([], [], [], score=0.0)
    monkeypatch.setattr("spaces.summarizer.beam_search", lambda *a, **k: [nothing])
    summary = tiny_summarizer.summarize("原告")
    assert (summary.text, summary.spans) == ("", ())
    assert summary.warnings[-1] == "The model wrote nothing: the summary is empty."


def test_joints_are_mended_before_the_summary_is_written(tiny_summarizer, monkeypatch) -> None:
    from spaces.generate.beam import Hypothesis

    words = tiny_summarizer.tokenizer("原告，", add_special_tokens=False)["input_ids"]
    generated = Hypothesis(words, [0] * len(words), [-1] * len(words), score=0.0)
    monkeypatch.setattr("spaces.summarizer.beam_search", lambda *a, **k: [generated])
    assert tiny_summarizer.summarize("原告未到庭。").text == "原告。"


def test_joints_are_told_of_a_criminal_judgment(tiny_summarizer, monkeypatch) -> None:
    told = []
    mend = tiny_summarizer.joints.mend

    def watch(*arguments):
        told.append(arguments[-1])
        return mend(*arguments)

    monkeypatch.setattr(tiny_summarizer.joints, "mend", watch)
    texts = ["公诉机关指控被告人盗窃。", "原告诉称，公诉机关未起诉。", "被告未还款。"]
    tiny_summarizer.summarize_batch(texts, batch_size=1)
    assert sorted(told) == [False, False, True]


def test_no_clause_above_the_threshold(variant, judgment) -> None:
    summary = variant(threshold=1.0).summarize(judgment)
    assert sum(clause.kept for clause in summary.clauses) == 1
    assert summary.text
    assert any(warning.startswith("No clause passed") for warning in summary.warnings)


def test_the_extract_fits_the_generator(variant, judgment, monkeypatch) -> None:
    seen: list[int] = []
    from spaces.generate.beam import beam_search

    def spy(model, sources, **options):
        seen.extend(len(source) for source in sources)
        return beam_search(model, sources, **options)

    monkeypatch.setattr("spaces.summarizer.beam_search", spy)
    summarizer = variant(threshold=0.0, max_source_tokens=50)
    summary = summarizer.summarize(judgment)
    whole = summarizer.summarize(judgment, extract=False)
    assert max(seen) <= 50
    assert "The extract was shortened" in summary.warnings[0]
    assert "it was cut at a clause border" in whole.warnings[0]
    assert whole.clauses == ()
    for span in whole.spans:
        assert span.source_end is None or span.source_end < 100, "only the beginning was read"


def test_of_a_whole_text_only_probable_clauses_are_seen(variant, judgment) -> None:
    plain = variant().summarize(judgment, extract=False)
    probabilities = [clause.score for clause in variant().summarize(judgment).clauses]
    third = sorted(probabilities)[len(probabilities) // 3]
    changed = False
    for beams in (1, 3):
        summary = variant(attend_threshold=third, beams=beams).summarize(judgment, extract=False)
        check(judgment, summary)
        changed |= summary.text != plain.text
        scored = variant().summarize(judgment).clauses
        seen = [(c.start, c.end) for c in scored if c.score > third]
        copied = [span for span in summary.spans if span.kind == "copied"]
        assert copied
        for span in copied:
            assert any(a <= span.source_start < b for a, b in seen)
    assert changed
    # where no clause is so probable all are seen, and an extract is seen as it is
    assert variant(attend_threshold=1.0).summarize(judgment, extract=False) == plain
    assert variant(attend_threshold=third).summarize(judgment) == variant().summarize(judgment)
    texts = [judgment, judgment[30:], judgment[:50]]
    summarizer = variant(attend_threshold=third)
    alone = [summarizer.summarize(text, extract=False) for text in texts]
    assert summarizer.summarize_batch(texts, extract=False) == alone


def test_texts_are_strings(tiny_summarizer) -> None:
    with pytest.raises(TypeError, match="expected a string, got bytes"):
        tiny_summarizer.summarize(b"abc")
    with pytest.raises(TypeError, match="got one string"):
        tiny_summarizer.summarize_batch("abc")
    with pytest.raises(ConfigError, match="batch_size"):
        tiny_summarizer.summarize_batch(["abc"], batch_size=0)
    assert tiny_summarizer.summarize_batch([]) == []


def test_the_caller_s_random_numbers_are_left_alone(tiny_summarizer, judgment) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    tiny_summarizer.summarize(judgment)
    assert torch.rand(1) == expected


def test_parts_that_do_not_fit(tiny_summarizer, tiny_tokenizer) -> None:
    from spaces.extract.features import FEATURES
    from spaces.extract.labeller import Labeller, LabellerConfig
    from spaces.generate.tokenizer import build_tokenizer

    _, encoder, labeller, generator = tiny_summarizer.parts
    other = Labeller(LabellerConfig(input_size=320, hidden_size=8))
    expected = f"expects vectors of 320, the encoder gives {32 + FEATURES} .*: was it"
    with pytest.raises(ModelError, match=expected):
        Summarizer(tiny_tokenizer, encoder, other, generator)
    small = build_tokenizer({"原": 1})
    with pytest.raises(ModelError, match="has 6 pieces, the encoder's embeddings have"):
        Summarizer(small, encoder, labeller, generator)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("threshold", 1.5),
        ("threshold", "0.2"),
        ("threshold", float("nan")),
        ("max_source_tokens", 2),
        ("max_new_tokens", 0),
        ("max_new_tokens", 2.5),
        ("beams", 0),
        ("beams", True),
        ("no_repeat", 1),
        ("no_repeat", -1),
        ("sparse_top_k", -1),
        ("length_penalty", -0.5),
    ],
)
def test_settings_check_themselves(field, value) -> None:
    with pytest.raises(ConfigError, match=f"^{field}: expected"):
        SummarizerConfig(**{field: value})


def test_settings_from_a_file() -> None:
    config = SummarizerConfig(beams=3)
    assert SummarizerConfig.from_dict(dataclasses.asdict(config)) == config
    with pytest.raises(ConfigError, match="^beam: no such field"):
        SummarizerConfig.from_dict({"beam": 3})


def test_the_fingerprint_knows_settings_and_weights(variant, tiny_summarizer) -> None:
    assert variant().fingerprint() == tiny_summarizer.fingerprint()
    assert variant(beams=2).fingerprint() != tiny_summarizer.fingerprint()


def test_public_names_are_looked_up_late() -> None:
    assert spaces.Summarizer is Summarizer
    assert spaces.Span.__module__ == spaces.Summary.__module__ == "spaces.provenance"
    assert spaces.__version__
    assert {"Summarizer", "Summary", "Span", "__version__"} <= set(dir(spaces))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = spaces.nothing
    code = "import sys, spaces; spaces.Summary; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("collecting", [True, False])
def test_importing_torch_is_not_held_up_by_garbage_collection(collecting: bool) -> None:
    code = f"""
import gc, sys, spaces
if not {collecting}: gc.disable()
early = []
def collected(*_):
    if not hasattr(sys.modules.get("spaces.summarizer"), "Summarizer"): early.append(1)
gc.callbacks.append(collected)
spaces.Summarizer
sys.exit(bool(early) or gc.isenabled() is not {collecting} or "torch" not in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_the_judgment_lacks_and_a_swapped_payment_are_told(
    tiny_summarizer, monkeypatch
) -> None:
    judgment = (
        "原告：张甲，男。被告：李乙，男。原告张甲与被告李乙民间借贷纠纷一案，张甲诉称，借款50元。"
        "本院认为，应当归还。依照《合同法》第六条，判决如下：李乙于十日内偿还张甲借款50元。"
    )
    text = "原告与被告一案。依照《合同法》第九条，判决：原告偿还被告借款70元。"
    spans = [Span(0, len(text), "generated")]
    monkeypatch.setattr("spaces.summarizer.render", lambda *_: (text, spans))
    warnings = "\n".join(tiny_summarizer.summarize(judgment).warnings)
    assert "The amount 70元 stands in the summary but not in the judgment." in warnings
    assert "第九条 stands in the summary but not in the judgment." in warnings
    assert "has 原告 pay 被告; the judgment orders the opposite." in warnings


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_less_precision_is_another_model_that_is_not_saved(
    tiny_model_dir, tiny_summarizer, judgment, tmp_path, precision
) -> None:
    less = Summarizer.from_pretrained(tiny_model_dir, precision=precision)
    check(judgment, less.summarize(judgment))
    together = less.summarize_batch([judgment, judgment[:60]])
    assert together[0].text == less.summarize(judgment).text
    prints = {less.fingerprint(), Summarizer.from_pretrained(tiny_model_dir).fingerprint()}
    assert len(prints) == 2
    with pytest.raises(ConfigError, match=f"float32 model to save, got one in {precision}"):
        less.save_pretrained(tmp_path / "model")
    assert not (tmp_path / "model").exists()
    with pytest.raises(ConfigError, match=f"got one in {precision}: load it again"):
        less.to_precision("float32")
    assert less.to_precision(precision) is less
    if precision == "int8":
        with pytest.raises(ConfigError, match="expected the CPU"):
            less.to("cuda")
