"""The sample judgments: five kinds of case, real length, readable, with sums that add up."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from spaces.records import read_judgments, read_predictions
from spaces.sentences import split_clauses

SAMPLES = Path(__file__).resolve().parents[1] / "data" / "samples"
KINDS = {
    "loan": "民间借贷纠纷",
    "tort": "违反安全保障义务责任纠纷",
    "lease": "房屋租赁合同纠纷",
    "inheritance": "法定继承纠纷",
    "labour": "劳动合同纠纷",
}
# A number that carries a fact: an amount, a share, a year, a month or a day.
FIGURE = re.compile(r"\d+(?:\.\d+)?(?:元|%|年|月|日)")


def text_of(name: str) -> str:
    return (SAMPLES / f"{name}.txt").read_bytes().decode("utf-8")


def test_there_is_one_judgment_of_each_kind() -> None:
    assert {path.stem for path in SAMPLES.glob("*.txt")} == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_shape_of_a_first_instance_judgment(name: str) -> None:
    text = text_of(name)
    assert 1800 <= len(text) <= 3200
    assert "\r" not in text and text.endswith("\n")
    assert KINDS[name] in text.splitlines()[0]
    parts = ["民事判决书\n", "原告：", "被告：", "诉讼请求：", "辩称", "经审理查明", "本院认为"]
    parts += ["判决如下：\n一、", "、驳回原告", "案件受理费", "上诉于", "书记员"]
    places = [text.find(part) for part in parts]
    assert -1 not in places, dict(zip(parts, places, strict=True))
    assert places == sorted(places), dict(zip(parts, places, strict=True))


@pytest.mark.parametrize("name", KINDS)
def test_clauses_tile_the_judgment(name: str) -> None:
    text = text_of(name)
    clauses = split_clauses(text)
    assert len(clauses) > 100
    assert "".join(clause.text for clause in clauses) == text


def test_summaries_are_of_the_set_s_length_and_invent_no_figure() -> None:
    summaries = {item.id: item.summary for item in read_predictions(SAMPLES / "summaries.jsonl")}
    assert set(summaries) == set(KINDS)
    for name, summary in summaries.items():
        assert 250 <= len(summary) <= 350, name
        assert summary.startswith("原被告系") and "判决：" in summary, name
        figures = FIGURE.findall(summary)
        assert figures, name
        assert [figure for figure in figures if figure not in text_of(name)] == [], name


def test_organisers_file_is_the_same_judgments_without_labels_and_summaries() -> None:
    judgments = list(read_judgments(SAMPLES / "input.json"))
    assert [judgment.id for judgment in judgments] == list(KINDS)
    for judgment in judgments:
        assert judgment.summary is None and not judgment.labels
        assert judgment.text.replace("\n", "") == text_of(judgment.id).replace("\n", "")
    for line in (SAMPLES / "input.json").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        assert set(record) == {"id", "text"}
        assert all(set(sentence) == {"sentence"} for sentence in record["text"])


# Each row: the amounts, as the judgment words them, and the total it says they make.
SUMS = [
    ("tort", "28640.50 1800 3000 9000 18000 66000 10000 1000 2300", "139740.50"),
    ("tort", "28640.50 900 1800 7200 12000 66000 500 2300", "119340.50"),
    ("tort", "83538.35 3000 -10000", "76538.35"),
    ("tort", "697 850", "1547"),
    ("loan", "75 2450", "2525"),
    ("loan", "194000 6000", "200000"),
    ("lease", "48000 24000 4386.20 14400", "90786.20"),
    ("lease", "90786.20 -6800 -24000", "59986.20"),
    ("lease", "473.50 800", "1273.50"),
    ("inheritance", "126000 -36000", "90000"),
    ("inheritance", "27000 27000 36000", "90000"),
    ("inheritance", "270000 27000", "297000"),
    ("inheritance", "4110 4110 5480", "13700"),
    ("inheritance", "1350 1350 1800", "4500"),
    ("labour", "10800 32400 18600 4965.52", "66765.52"),
]


@pytest.mark.parametrize(("name", "amounts", "total"), SUMS)
def test_amounts_add_up(name: str, amounts: str, total: str) -> None:
    text = text_of(name)
    for amount in [*amounts.replace("-", "").split(), total]:
        assert f"{amount}元" in text, amount
    assert round(sum(map(float, amounts.split())), 2) == float(total)


def test_interest_shares_and_rates() -> None:
    # loan: 194,000 yuan at 1.5 % a month for 14 months; tort: 70 % of the loss; labour: leave pay.
    assert 194000 * 15 * 14 / 1000 == 40740 and "40740元" in text_of("loan")
    assert round(119340.50 * 0.7, 2) == 83538.35
    assert round(5400 / 21.75 * 8 * 2, 2) == 3972.41 and "3972.41元" in text_of("labour")
    assert 5400 * 3 * 2 == 32400
    assert 72000 * 20 / 100 == 14400
