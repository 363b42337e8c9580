"""Shared fixtures: a tokenizer, a generator and a whole model of random weights, built from configs
in a second.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

HIDDEN, LAYERS, HEADS = 32, 2, 2
SAMPLES = Path(__file__).parent.parent / "data" / "samples"

# Invented sentences: what the tiny tokenizer knows of the language of judgments.
SENTENCES = """
原告张甲与被告李乙民间借贷纠纷一案，本院立案后依法适用简易程序，公开开庭进行了审理。
原告张甲向本院提出诉讼请求：判令被告归还借款本金50,000元及利息，诉讼费用由被告承担。
被告李乙辩称：借款属实，但已归还20,000元；现经济困难，请求分期还款。
经审理查明：2017年3月5日，被告向原告出具借条一份，约定月利率1.5%，借款期限六个月。
本院认为：合法的借贷关系受法律保护，被告应当按照约定的期限返还借款。
依照《中华人民共和国合同法》第二百零六条、第二百零七条之规定，判决如下：
一、被告李乙于本判决生效之日起十日内归还原告张甲借款30,000元；二、驳回原告的其他诉讼请求。
""".strip()
# fmt: off
WORDS = [
    "原告", "被告", "本院", "认为", "借款", "利息", "判决", "归还", "诉讼",
    "请求", "民间借贷", "纠纷", "一案", "审理", "查明", "依照", "合同法",
    "驳回", "其他", "承担", "约定", "法律", "保护", "应当", "规定", "如下",
    "生效", "之日", "十日", "向本院", "提出",
]
# fmt: on


@pytest.fixture(scope="session")
def judgment() -> str:
    """A short invented judgment, with line breaks, digits, full-width forms and a Latin name."""
    return SENTENCES + "\n附：ＡＢＣ公司（Big Co）出具的收据１２３号，金额￥3,000。\n"


@pytest.fixture(scope="session")
def tiny_tokenizer():
    """Some thirty words and all characters of `SENTENCES`; other characters are [UNK]."""
    from spaces.generate.tokenizer import build_tokenizer

    counts = dict.fromkeys(WORDS, 50)
    for character in SENTENCES + "0123456789abcdefghijklmnopqrstuvwxyz()[]-.?!附公司收据号金额￥":
        if not character.isspace():
            counts[character] = counts.get(character, 0) + 1
    return build_tokenizer(counts)


def _sizes(tokenizer) -> dict:
    # weights large enough that no two tokens are nearly as likely: rounding decides nothing
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": 2 * HIDDEN,
        "initializer_range": 0.4,
    }


@pytest.fixture(scope="session")
def tiny_generator(tiny_tokenizer):
    """A random generator in evaluation mode. Shared: copy it before changing it."""
    from spaces.generate.model import Generator, GeneratorConfig
    from spaces.sections import SECTIONS

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        segments = 2 + len(SECTIONS)
        generator = Generator(GeneratorConfig(segments=segments, **_sizes(tiny_tokenizer))).eval()
    with torch.no_grad():  # some of everything: generated tokens, short and long runs
        generator.copy.weight *= 0.2
        generator.copy.bias.copy_(torch.tensor([0.3, 0.2, 1.2]))
    return generator


@pytest.fixture(scope="session")
def tiny_summarizer(tiny_tokenizer, tiny_generator):
    """All parts, random, around `tiny_generator`. Shared: do not change it."""
    from spaces.extract.features import FEATURES
    from spaces.extract.labeller import Labeller, LabellerConfig
    from spaces.generate.backbone import Backbone, BackboneConfig
    from spaces.summarizer import Summarizer, SummarizerConfig

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        encoder = Backbone(BackboneConfig(**_sizes(tiny_tokenizer)))
        size = HIDDEN + FEATURES
        labeller = Labeller(LabellerConfig(input_size=size, hidden_size=16, dilations=(1, 2)))
    config = SummarizerConfig(threshold=0.11, max_source_tokens=200, max_new_tokens=40)
    return Summarizer(tiny_tokenizer, encoder, labeller, tiny_generator, config)


@pytest.fixture(scope="session")
def tiny_model_dir(tiny_summarizer, tmp_path_factory) -> Path:
    """`tiny_summarizer` as a model directory. Shared: copy it before changing it."""
    path = tmp_path_factory.mktemp("models") / "tiny"
    tiny_summarizer.save_pretrained(path, dtype="float32")
    return path


# What makes another judgment of one, without changing what its parts are told apart by.
OTHER_WORDS = str.maketrans("年月元人在不未为有了", "岁旬圆者于非没是存过")

RECIPE = """
work_folder: {work}
model_folder: {work}/model-out
seed: 7
data:
  folder: {data}
  judgments: [judgments.jsonl]
  extracts: [extracts.jsonl]
  summaries: [summaries.jsonl]
  corpus_folder: {data}
  corpus: [corpus.jsonl]
  held_out: 5
words: {{base: {words}, mined: 5, min_count: 2}}
pretrain: {{vocab_size: 900, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2,
  intermediate_size: 64, size: 96, epochs: 0.2, batch_size: 4, warmup_steps: 2, save_steps: 5}}
extract: {{encoder_layers: 1, hidden_size: 16, folds: 2, epochs: 1, window: 64,
  tune_epochs: 1, max_source_tokens: 90, unlabelled: 3}}
weak: {{corpus: [corpus.jsonl], documents: 3}}
generate: {{max_tokens: 256, max_new_tokens: 12, epochs: 1, batch_size: 4, evaluations: 1,
  beams: 1}}
"""


@pytest.fixture(scope="session")
def training_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config file of a training at toy size on the samples; its data lie beside it."""
    folder = tmp_path_factory.mktemp("train")
    summaries = {
        record["id"]: record["summary"]
        for record in map(json.loads, (SAMPLES / "summaries.jsonl").read_text("utf-8").splitlines())
    }
    texts = {name: (SAMPLES / f"{name}.txt").read_text("utf-8") for name in summaries}

    def write(name: str, records: list[dict]) -> None:
        lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
        (folder / name).write_text("".join(lines), encoding="utf-8")

    judgments = [{"id": i, "text": texts[i], "summary": s} for i, s in summaries.items()]
    write("judgments.jsonl", judgments)
    write(
        "extracts.jsonl",
        [{"id": i, "source": texts[i][:300], "target": s} for i, s in summaries.items()],
    )
    write("summaries.jsonl", [{"id": i, "summary": s} for i, s in summaries.items()])
    # the training judgments, as a corpus may have them, and others in the same form
    others = [text.translate(OTHER_WORDS) for text in texts.values()]
    corpus = [*texts.values(), *others]
    write("corpus.jsonl", [{"text": text, "kind": "judgment_civil"} for text in corpus])
    (folder / "words.txt").write_text("诉讼请求\n民间借贷纠纷\n", encoding="utf-8")
    config = folder / "config.yaml"
    work = folder / "work"
    config.write_text(
        RECIPE.format(work=work, data=folder, words=folder / "words.txt"), encoding="utf-8"
    )
    return config
