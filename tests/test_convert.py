"""`spaces convert`, and training that starts from what it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import Unigram, WordPiece
from transformers import BertConfig, BertForMaskedLM

from spaces.cli import main
from spaces.convert import convert, keep_pieces, read_vocabulary
from spaces.errors import ConfigError, InputError, ModelError
from spaces.generate.model import Generator
from spaces.generate.tokenizer import SPECIAL_TOKENS, add_words, load_tokenizer, vocabulary_strings
from spaces.pipeline import Plan, run
from spaces.recipe import Pretrain, Recipe, load_recipe
from spaces.summarizer import Summarizer

# fmt: off
VOCABULARY = [
    "[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ",", "，", "。", "1", "２", "2",
    "17", "a", "ing", "##a", "##原", "原", "告", "被", "本", "院", "國", "国", "的", "诉", "讼",
    "请", "求", "借", "款", "本院", "借款", "國家", "한", "￥", "本款",
]
# fmt: on


def write_checkpoint(folder: Path, vocabulary: list[str], **changed) -> BertForMaskedLM:
    """A random BERT with vocab.txt; there are more rows than pieces, as in some checkpoints."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 64, "max_position_embeddings": 48, "initializer_range": 0.2}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        config = BertConfig(vocab_size=len(vocabulary) + 2, **sizes | changed)
        model = BertForMaskedLM(config).eval()
        model.cls.predictions.bias += torch.randn(config.vocab_size)
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    return model


def test_kept_pieces_and_their_rows() -> None:
    kept = keep_pieces(VOCABULARY)
    rows = {piece: VOCABULARY[row] for piece, row in kept.items()}
    own = ("。", "1", "2", "a", "原", "本院", "借款", "国", "本款")
    assert {piece: piece for piece in own}.items() <= rows.items()
    assert rows[","] == "，"  # punctuation of Chinese text
    assert rows["¥"] == "￥"
    assert not {"國", "國家", "17", "ing", "##a", "##原", "[unused1]", "한"} & set(rows)
    everything = keep_pieces(VOCABULARY, keep_all=True)
    assert set(everything) - set(rows) == {"國", "國家", "한"}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "bert", VOCABULARY)
    return tmp_path / "bert"


def test_weights_follow_their_pieces(checkpoint: Path, tmp_path: Path) -> None:
    theirs = BertForMaskedLM.from_pretrained(checkpoint)
    done = convert(checkpoint, tmp_path / "start", special_words=["诉讼请求", "本院"])
    assert (done.family, done.before, done.special_words) == ("bert", len(VOCABULARY), 1)
    assert done.fresh == ("copy head", "selective read")
    tokenizer = load_tokenizer(tmp_path / "start")
    ours = Generator.from_pretrained(tmp_path / "start" / "generator")
    pieces = vocabulary_strings(tokenizer)
    assert len(pieces) == done.pieces == ours.config.vocab_size == len(ours.bias)
    assert tuple(pieces[:5]) == SPECIAL_TOKENS
    assert tokenizer.tokenize("原告诉讼请求本院，借款") == [
        *("原", "告", "诉讼请求", "本院", ",", "借款")
    ]
    words, bias = theirs.bert.embeddings.word_embeddings.weight, theirs.cls.predictions.bias
    for piece, row in [("[MASK]", "[MASK]"), ("本院", "本院"), (",", "，"), ("原", "原")]:
        place, old = pieces.index(piece), VOCABULARY.index(row)
        assert torch.equal(ours.backbone.words.weight[place], words[old])
        assert ours.bias[place] == bias[old]
    parts = [VOCABULARY.index(c) for c in "诉讼请求"]
    assert torch.allclose(ours.backbone.words.weight[-1], words[parts].mean(0))
    assert torch.allclose(ours.bias[-1], bias[parts].mean())


def test_a_converted_model_predicts_as_before(checkpoint: Path, tmp_path: Path) -> None:
    """The same text in both vocabularies: logits of the pieces that stayed are equal."""
    theirs = BertForMaskedLM.from_pretrained(checkpoint).eval()
    convert(checkpoint, tmp_path / "start")
    tokenizer = load_tokenizer(tmp_path / "start")
    ours = Generator.from_pretrained(tmp_path / "start" / "generator").eval()
    text = ["[CLS]", "被", "告", "，", "本院", "[MASK]", "。", "[SEP]"]
    pieces = vocabulary_strings(tokenizer)
    old = torch.tensor([[VOCABULARY.index(piece) for piece in text]])
    new = torch.tensor([[pieces.index(piece.replace("，", ",")) for piece in text]])
    rows = [VOCABULARY.index(p) for p in pieces[:5]] + [
        keep_pieces(VOCABULARY)[p] for p in pieces[5:]
    ]
    with torch.no_grad():
        expected = theirs(input_ids=old).logits[..., rows]
        found = ours.token_logits(ours.backbone(input_ids=new))
    assert (found - expected).abs().max() < 1e-5


def test_the_command_says_what_it_did(checkpoint: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "words.txt").write_text("诉讼请求\n", encoding="utf-8")
    target = tmp_path / "start"
    words = ["--special-words", str(tmp_path / "words.txt")]
    assert main(["convert", str(checkpoint), str(target), "--keep-all", *words]) == 0
    said = capsys.readouterr().err
    assert "bert: 37 pieces before, 30 now, 1 of them special words; new: copy head" in said
    assert main(["convert", str(checkpoint), str(target)]) == 2
    assert "expected a new or empty folder" in capsys.readouterr().err
    assert main(["convert", str(tmp_path), str(tmp_path / "other")]) == 2
    assert "found no config.json" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_a_vocabulary_may_be_in_tokenizer_json(checkpoint: Path) -> None:
    (checkpoint / "vocab.txt").unlink()
    ids = {piece: place for place, piece in enumerate(VOCABULARY)}
    Tokenizer(WordPiece(ids, unk_token="[UNK]")).save(str(checkpoint / "tokenizer.json"))
    assert read_vocabulary(checkpoint) == VOCABULARY
    Tokenizer(Unigram([("a", 0.0)])).save(str(checkpoint / "tokenizer.json"))
    with pytest.raises(ModelError, match="expected a WordPiece vocabulary"):
        read_vocabulary(checkpoint)


@pytest.mark.parametrize(
    ("vocabulary", "expected"),
    [
        (None, "expected vocab.txt or tokenizer.json, found neither"),
        (VOCABULARY[:5], "without .MASK."),
        ([*VOCABULARY, "一", "二", "三"], "has 40 pieces, the embeddings have 39 rows"),
    ],
)
def test_a_vocabulary_that_does_not_fit_is_named(
    checkpoint: Path, tmp_path: Path, vocabulary: list[str] | None, expected: str
) -> None:
    (checkpoint / "vocab.txt").unlink()
    if vocabulary:
        (checkpoint / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    with pytest.raises(ModelError, match=expected):
        convert(checkpoint, tmp_path / "start")


def test_a_target_that_is_there_is_left_alone(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "start").write_text("mine")
    with pytest.raises(InputError, match="expected a new or empty folder"):
        convert(checkpoint, tmp_path / "start")
    assert (tmp_path / "start").read_text() == "mine"


@pytest.mark.parametrize("epochs", ["0", "0.2"])
def test_training_starts_from_a_converted_checkpoint(
    training_config: Path, tmp_path: Path, epochs: str
) -> None:
    text = (training_config.parent / "corpus.jsonl").read_text("utf-8")
    characters = sorted({c for c in text if not c.isspace()} | set("，。、"))
    write_checkpoint(tmp_path / "bert", [*SPECIAL_TOKENS, *characters, "原告", "被告"])
    convert(tmp_path / "bert", tmp_path / "start")
    settings = [f"work_folder={tmp_path / 'work'}", f"model_folder={tmp_path / 'model'}"]
    settings += [f"pretrain.start={tmp_path / 'start'}", f"pretrain.epochs={epochs}"]
    settings += [] if epochs == "0" else ["pretrain.residual_attention=true"]
    run("all", training_config, settings)
    begun = Generator.from_pretrained(tmp_path / "start" / "generator")
    trained = Generator.from_pretrained(tmp_path / "work" / "pretrain" / "model")
    same = torch.equal(begun.backbone.words.weight, trained.backbone.words.weight)
    assert same == (epochs == "0") != trained.config.residual_attention
    summarizer = Summarizer.from_pretrained(tmp_path / "model")
    assert summarizer.generator.config.position == "absolute"
    assert "民间借贷纠纷" in vocabulary_strings(summarizer.tokenizer)
    judgment = text[:400]  # far past the 48 learned positions
    summary = summarizer.summarize(judgment)
    assert any(clause.kept for clause in summary.clauses)


def test_a_start_that_is_not_there_is_named(training_config: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pretrain.start is a folder that"):
        run("all", training_config, [f"pretrain.start={tmp_path}"])


def test_a_start_that_is_not_whole_is_named(checkpoint: Path, tmp_path: Path) -> None:
    convert(checkpoint, tmp_path / "start")
    pretrain = Pretrain(start=str(tmp_path / "start"), epochs=0)
    weights = tmp_path / "start" / "generator" / "model.safetensors"
    whole = load_file(weights)
    save_file({name: w for name, w in whole.items() if name != "copy.bias"}, weights)
    with pytest.raises(ModelError, match="without copy.bias"):
        Plan(Recipe(work_folder=str(tmp_path / "work"), pretrain=pretrain)).pretrain()
    save_file(whole, weights)
    tokenizer = load_tokenizer(tmp_path / "start")
    add_words(tokenizer, ["原告本院"])[0].save_pretrained(tmp_path / "start")
    with pytest.raises(ModelError, match="28 pieces, the generator's embeddings have 27 rows"):
        Plan(Recipe(work_folder=str(tmp_path / "work"), pretrain=pretrain)).pretrain()


def test_sizes_that_do_not_fit_are_named(training_config: Path, tmp_path: Path) -> None:
    settings = [f"work_folder={tmp_path / 'work'}", "pretrain.epochs=0"]
    with pytest.raises(ConfigError, match="pretrain: position must be one of rotary"):
        run("pretrain", training_config, [*settings, "pretrain.position=absolut"])


def test_a_recipe_can_ask_for_a_realformer() -> None:
    default = Path(__file__).parents[1] / "configs" / "default.yaml"
    assert load_recipe(default, ["pretrain.residual_attention=true"]).pretrain.residual_attention
