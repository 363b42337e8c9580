from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.checks import (
    is_cut_off,
    is_runaway,
    ordered_payments,
    party_names,
    repeated_clauses,
    swapped_parties,
)
from spaces.errors import RecordError
from spaces.parties import Party

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "facts.py"
PARTIES = [Party("原告", ("张某甲",), 0), Party("被告", ("大成有限公司", "大成公司"), 0)]
JUDGMENT = "判决如下：一、大成公司于本判决生效后十日内偿还张某甲借款5000元；二、驳回其他诉讼请求。"


@pytest.mark.parametrize(
    ("summary", "repeated"),
    [
        ("被告未还借款本金，被告未还借款本金。", ["被告未还借款本金"]),
        ("1、解除租赁合同；2.解除租赁合同。", ["解除租赁合同"]),
        ("被告未还，被告未还。", []),
        ("被告未还借款本金，被告未付借款利息。", []),
        ("", []),
    ],
)
def test_repeated_clauses(summary, repeated):
    assert repeated_clauses(summary) == repeated


@pytest.mark.parametrize("end", ["。", "！", "？", "；", "。”", "。\n"])
def test_a_whole_summary_is_not_cut_off(end):
    assert not is_cut_off(f"1)依照《合同法》（2017年修正)，“还钱{'' if '”' in end else '”'}{end}")


@pytest.mark.parametrize(
    "summary",
    ["判决被告偿还", "判决，", "依照《合同法。", "法》第六条。", "利息（自起诉。", "他说“还钱。"],
)
def test_cut_off(summary):
    assert is_cut_off(summary)


def test_an_empty_summary_is_not_cut_off():
    assert not is_cut_off("") and not is_cut_off(" \n")


def test_runaway():
    clause = "被告应当偿还原告借款，"
    assert is_runaway(clause * 3) and is_runaway(f"{clause}又称，{clause}再称，{clause}")
    assert is_runaway("本金和利息" * 3)
    assert is_runaway("".join(map(chr, range(0x4E00, 0x4E00 + 801))))
    assert not is_runaway("".join(map(chr, range(0x4E00, 0x4E00 + 800))))
    assert not is_runaway(clause * 2)
    assert not is_runaway("".join(f"《中华人民共和国{x}法》第{x}条、" for x in "甲乙丙丁"))


def test_names_in_a_summary():
    summary = "原告张某甲与被告大成公司、被告四方有限公司、李某2有争议，被告应向张某乙支付货款公司"
    names = ["张某甲", "大成公司", "四方有限公司", "李某2", "张某乙"]
    assert party_names(summary, PARTIES) == names


@pytest.mark.parametrize(
    ("ruling", "payments"),
    [
        ("判决：被告给付原告5000元", [("被告", "原告")]),
        ("判决被告于十日内向原告支付5000元", [("被告", "原告")]),
        ("判决如下：由大成有限公司赔偿二原告损失", [("被告", "原告")]),
        ("判决：一、被告偿还原告1元；二、原告返还被告2元", [("被告", "原告"), ("原告", "被告")]),
        ("判决：驳回原告要求被告支付原告5000元的诉讼请求", []),
        ("判决：案件受理费由被告支付原告", []),
        ("被告向原告支付5000元", []),
        ("判决：第三人支付原告5000元，被告不承担", []),
        ("如未按本判决指定的期间支付，被告支付原告利息", []),
        ("判决：被告支付原告1元。如被告未按本判决指定的期间履行", [("被告", "原告")]),
    ],
)
def test_ordered_payments(ruling, payments):
    assert ordered_payments(ruling, PARTIES) == payments


def test_swapped_parties():
    assert swapped_parties("判决：原告偿还被告5000元。", JUDGMENT, PARTIES) == [("原告", "被告")]
    assert swapped_parties("判决：张某甲偿还大成公司5000元。", JUDGMENT, PARTIES)
    assert not swapped_parties("判决：被告偿还原告5000元。", JUDGMENT, PARTIES)
    both = JUDGMENT.replace("二、", "二、张某甲返还大成公司押金；三、")
    assert not swapped_parties("判决：原告偿还被告5000元。", both, PARTIES)
    assert not swapped_parties("判决：原告偿还被告5000元。", "判决如下：驳回。", PARTIES)


@given(
    st.text(alphabet=st.sampled_from("原告被告向支付判决：，。；《（“某甲1 \n\ud800")), st.text()
)
@settings(max_examples=100, deadline=None)
def test_any_text_can_be_checked(one, other):
    for text in (one, other, f"判决：{one}"):
        is_cut_off(text), is_runaway(text), repeated_clauses(text)
        assert swapped_parties(text, text, PARTIES) == []
        assert all(name in text for name in party_names(text, PARTIES))


def write(path: Path, *records: dict) -> Path:
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_the_facts_table(tmp_path, capsys):
    head = "原告：张某甲，男。被告：李某乙，男。2017年5月3日借款10000元。依照《合同法》第六条，"
    text = f"{head}\n判决如下：李某乙偿还张某甲10000元。"
    judgments = write(
        tmp_path / "judgments.jsonl",
        {"id": 1, "text": text},
        {"id": 2, "text": [{"sentence": sentence} for sentence in text.split("\n")]},
        {"id": "pair", "source": text},
        {"id": "alone", "text": text},
    )
    predictions = write(
        tmp_path / "predictions.jsonl",
        {"id": 1, "summary": "2017年5月借款1万元。依照《合同法》第六条，判决：被告偿还原告1万元。"},
        {"id": 2, "summary": "李某丙借款2万元。判决：原告偿还被告1万元", "spans": []},
        {"id": "pair", "summary": ""},
        {"id": "unknown", "summary": "借款3万元。"},
    )
    main = runpy.run_path(str(BENCHMARK))["main"]
    output = tmp_path / "table.json"
    table = main([str(predictions), str(judgments), "--examples", "1", "--output", str(output)])
    assert table == json.loads(output.read_text("utf-8"))
    assert table["summaries"] == 3 and table["comparable"] == 2
    assert table["facts"] == {
        "amounts": {"stated": 3, "all": 4},
        "dates": {"stated": 1, "all": 1},
        "statute articles": {"stated": 1, "all": 1},
        "other numbers": {"stated": 0, "all": 0},
        "party names": {"stated": 0, "all": 1},
    }
    faults = {"swapped": 1, "repeated": 0, "cut off": 1, "empty": 1, "runaway": 0}
    assert table["faults"] == faults
    printed = capsys.readouterr().out
    for line in (
        "| amounts | 75.0% | 3 of 4 |",
        "| other numbers | none found | 0 of 0 |",
        "| swapped | 1 of 2 |",
        "amounts: 2: 2万元",
        "party names: 2: 李某丙",
    ):
        assert line in printed.splitlines()


def test_the_facts_table_names_a_wrong_line(tmp_path):
    judgments = tmp_path / "judgments.jsonl"
    judgments.write_text('{"id": 1, "text": "甲"}\n{"id": 2}\n', encoding="utf-8")
    predictions = write(tmp_path / "predictions.jsonl", {"id": 1, "summary": "乙"})
    with pytest.raises(RecordError, match=r"judgments\.jsonl:2: text"):
        runpy.run_path(str(BENCHMARK))["main"]([str(predictions), str(judgments)])
