"""Pages of the web: the text a browser would show, one line a block."""

from __future__ import annotations

import pytest

from spaces.documents import read_bytes
from spaces.errors import InputError


def text_of(markup: str, name: str = "a.html") -> str:
    return read_bytes(markup.encode(), name).text


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>甲<p>乙", "甲\n乙"),
        ("<div>甲<br>乙<br/>丙</div>丁", "甲\n乙\n丙\n丁"),
        ("<div><div><p>甲</p></div></div><div>乙</div>", "甲\n乙"),
        ("<p>原告<b>张</b><i>甲</i>诉称，</p>", "原告张甲诉称，"),
        ("<p>\n  原告张甲\n  诉称，\n</p>", "原告张甲诉称，"),
        ("<p>原告\n<span>张甲</span>\n诉称</p>", "原告张甲诉称"),
        ("<p>the  quick\nfox</p>", "the quick fox"),
        ("<p>&nbsp;&nbsp;本金&lt;194,000元&gt;&amp;利息</p>", "本金<194,000元>&利息"),
        ("<pre>甲\n  乙</pre>", "甲\n乙"),
        (
            "<table><tr><td>原告</td><td>张甲</td></tr><tr><td>乙</td></tr></table>",
            "原告\t张甲\n乙",
        ),
        ("<head><title>标题</title><style>p{}</style></head><p>甲<script>乙</script>丙", "甲丙"),
        ("<p>甲<!-- 注释 -->乙<?php 丙 ?></p>", "甲乙"),
        ("<p>甲<span style='color:red; DISPLAY : none'>乙</span><i hidden>丙</i>丁</p>", "甲丁"),
        ("<h1>民 事 判 决 书</h1><p>甲</p>", "民事判决书\n甲"),
        ("<?xml version='1.0' encoding='GBK'?><html><body><p>甲</p></body></html>", "甲"),
        ("<p>甲<unknown>乙</unknown></p></div></body>丙", "甲乙\n丙"),
    ],
)
def test_text(markup, expected) -> None:
    assert text_of(markup) == expected


def test_known_by_its_content() -> None:
    for start in (
        "<!DOCTYPE html>",
        "\n <html lang=zh>",
        "<!-- x --><!doctype HTML>",
        "\ufeff<html>",
    ):
        assert text_of(f"{start}<body><p>甲</p><p>乙</p>", "upload") == "甲\n乙"
    assert text_of("甲 <p> 乙", "a.txt") == "甲 <p> 乙"


@pytest.mark.parametrize("charset", ["gb2312", "GBK", "gb18030", "big5", "utf-8"])
def test_declared_encodings(charset) -> None:
    markup = f'<html><head><meta charset="{charset}"></head><body><p>原告張甲訴稱</p></body></html>'
    actual = "gb18030" if charset.lower().startswith("gb") else charset
    document = read_bytes(markup.encode(actual), "a.html")
    assert (document.text, document.warnings) == ("原告張甲訴稱", ())


def test_a_wrong_declaration_is_overridden() -> None:
    data = '<meta charset="big5"><p>原告张甲</p>'.encode("gb18030")
    assert read_bytes(data, "a.html", encoding="gb18030").text == "原告张甲"
    assert read_bytes('<meta charset="gbk"><p>原告</p>'.encode(), "a.html").text == "原告"


def test_deep_and_long_pages() -> None:
    assert text_of("<div>" * 1000 + "甲" + "</div>" * 1000) == "甲"
    with pytest.raises(InputError, match=r"^a\.html: its elements nest too deeply"):
        text_of("<p>甲</p>" + "<div>" * 5000 + "乙" + "</div>" * 5000)
    assert text_of("<p>" + "甲，" * 200_000) == "甲，" * 200_000


@pytest.mark.parametrize("markup", ["<p></p>", "<!-- x -->", " ", "<script>甲</script>"])
def test_without_text(markup) -> None:
    with pytest.raises(InputError, match=r"^a\.html: no text in it"):
        text_of(markup)
