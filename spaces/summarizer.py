"""The chain: a judgment is cut into clauses, the labeller keeps some, the generator rewrites them,
every character is traced.

Each stage works on many judgments at once: the clauses of all are encoded together, their labels
are computed in padded batches, and the generator decodes sources of similar length together. None
of it changes what a judgment alone would get.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from spaces.card import plain_card
from spaces.checks import swapped_parties
from spaces.errors import ConfigError
from spaces.extract.begins import bar_begins
from spaces.extract.context import ClauseEncoder
from spaces.extract.features import add_features
from spaces.extract.grounds import find_reasons, find_ruling, find_statutes, find_told
from spaces.extract.labeller import Labeller, select
from spaces.extract.needs import leads_on
from spaces.extract.neighbours import attributed, leaning
from spaces.extract.sharing import share_probabilities
from spaces.facts import describe_missing, missing_facts
from spaces.generate.backbone import Backbone
from spaces.generate.beam import beam_search
from spaces.generate.bottomup import BottomUp, Whole
from spaces.generate.cues import CueTokens
from spaces.generate.grounds import ANSWER, FACT, OTHER, REASON, STATUTE
from spaces.generate.joints import CLAUSES, NOTHING, SENTENCE, Joints
from spaces.generate.linear import reduce
from spaces.generate.model import Generator
from spaces.generate.numbers import NumberTokens
from spaces.generate.tokenizer import FIRST_SECTION, SEP, by_token, encode_source, segments_of
from spaces.hub import locate, upload
from spaces.outline import OutlinedClause, columns, outline
from spaces.parties import find_parties
from spaces.provenance import Extract, ScoredClause, Span, Summary, render
from spaces.sections import SECTIONS
from spaces.sentences import ends_sentence
from spaces.settings import SummarizerConfig
from spaces.storage import Parts, load_model, read_card, save_model

__all__ = ["Span", "Summarizer", "SummarizerConfig", "Summary"]

# Batches of judgments that are in work together: enough to sort by length, few enough for memory.
WINDOW = 8

_HEAD = SECTIONS.index("head")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CHINESE = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


@dataclass
class _Draft:
    """A judgment on its way through the stages."""

    judgment: str  # as it came
    text: str  # what the models read: as long, without lone surrogates and control characters
    warnings: list[str] = field(default_factory=list)
    clauses: list[OutlinedClause] = field(default_factory=list)
    scored: list[ScoredClause] = field(default_factory=list)
    extract: Extract = Extract("", ())
    source: list[int] = field(default_factory=list)
    offsets: list[tuple[int, int]] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    salience: list[float] = field(default_factory=list)
    leaning: list[bool] = field(default_factory=list)
    leading: list[bool] = field(default_factory=list)
    grounds: list[int] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)  # what was left out before each token
    whole: Whole | None = None  # what the generator reads when it is to remember a part only
    summary: str = ""
    spans: list[Span] = field(default_factory=list)

    @classmethod
    def of(cls, judgment: str) -> _Draft:
        text, broken = _SURROGATE.subn("\ufffd", judgment)
        draft = cls(judgment, _CONTROL.sub(" ", text))
        if not draft.text.strip():
            draft.warnings.append("The text is empty: there is nothing to summarize.")
            return draft
        if broken:
            draft.warnings.append(
                f"The text has {broken} lone surrogate{'s' * (broken > 1)}, which no Unicode text "
                "may have: read as U+FFFD."
            )
        if not _CHINESE.search(text):
            draft.warnings.append(
                "The text has no Chinese characters: the model knows Chinese judgments only."
            )
        draft.clauses = outline(draft.text)
        return draft

    @property
    def prosecuted(self) -> bool:
        """Whether it is a criminal judgment, in which nobody is 原告."""
        return "原告" not in self.text and "公诉机关" in self.text

    def find_gaps(self, read: Sequence[int]) -> list[int]:
        """Of each token of the source what of the clauses before it is not among those `read`: see
        `generate.joints`."""
        letters: list[int] = []
        following, gap = 0, NOTHING
        for i in read:
            left = self.clauses[following:i]
            ended = any(ends_sentence(clause.text) for clause in left)
            gap = max(gap, SENTENCE if ended else CLAUSES if left else NOTHING)
            if self.clauses[i].text:  # one that reads as nothing has no letter to tell it
                letters += [gap] + [NOTHING] * (len(self.clauses[i].text) - 1)
                gap = NOTHING
            following = i + 1
        return self.flag(letters)

    def find_leaning(self, read: Sequence[int]) -> list[bool]:
        """Of each token of the source whether no run begins there: at the head of a clause that
        leans on the one before it, and within clauses nearly everywhere (`extract.begins`)."""
        outlined, there = columns(self.clauses), set(read)
        leans, whose = leaning(*outlined), attributed(*outlined)
        letters: list[bool] = []
        for i in read:
            leant = leans[i] and i - 1 in there
            barred = bar_begins(self.clauses[i].text, self.clauses[i].section)
            if leant or whose[i]:
                barred = [True] * len(barred)
            elif leans[i + 1 : i + 2] == [True]:
                barred[-1:] = [True]
            letters += [leant, *barred[1:]] if barred else []
        return self.flag(letters)

    def find_leading(self, read: Sequence[int]) -> list[bool]:
        """Of each token of the source whether no run ends there: in a clause that says nothing
        without the one behind it, or on which that one leans, where both are read."""
        texts, sections = columns(self.clauses)
        leads, leans, there = leads_on(texts, sections), leaning(texts, sections), set(read)
        letters: list[bool] = []
        for i in read:
            goes_on = i + 1 in there and sections[i] != _HEAD and (leads[i] or leans[i + 1])
            letters += [goes_on] * len(self.clauses[i].text)
        return self.flag(letters)

    def find_grounds(self, read: Sequence[int]) -> list[int]:
        """Of each token of the source what it is of: what is told before a ruling, or OTHER."""
        outlined, kinds = columns(self.clauses), {}
        if find_ruling(outlined[1]) is not None:
            kinds |= dict.fromkeys(find_told(*outlined, "defence"), ANSWER)
            kinds |= dict.fromkeys(find_told(*outlined, "facts"), FACT)
            kinds |= dict.fromkeys(find_reasons(*outlined), REASON)
            kinds |= dict.fromkeys(find_statutes(*outlined), STATUTE)
        parts: list[tuple[str, int]] = []
        for i in read:  # the mark that ends a clause tells nothing of it
            words = self.clauses[i].text.rstrip("，。；：、,;:\n ")
            parts += [(words, kinds.get(i, OTHER)), (self.clauses[i].text[len(words) :], OTHER)]
        return by_token(self.offsets, parts, OTHER)

    def flag(self, letters: Sequence[Any]) -> list[Any]:
        """One flag per token of the source, from those of the letters that are read."""
        return [letters[start] if end > start else 0 for start, end in self.offsets]

    def finish(self) -> Summary:
        if self.clauses and not self.summary:
            self.warnings.append("The model wrote nothing: the summary is empty.")
        self.warnings += describe_missing(missing_facts(self.summary, self.judgment))
        parties = find_parties(self.judgment)
        for payer, payee in swapped_parties(self.summary, self.judgment, parties):
            self.warnings.append(
                f"The summary has {payer} pay {payee}; the judgment orders the opposite."
            )
        return Summary(self.summary, tuple(self.spans), tuple(self.scored), tuple(self.warnings))


class Summarizer:
    """A model that turns a judgment into a summary with the origin of every character.

    >>> summarizer = Summarizer.from_pretrained()
    >>> summary = summarizer.summarize(judgment)
    >>> [judgment[s.source_start:s.source_end] for s in summary.spans if s.kind == "copied"]
    ['原告', '被告', '民间借贷纠纷一案', …]
    """

    def __init__(
        self,
        tokenizer: Any,
        encoder: Backbone,
        labeller: Labeller,
        generator: Generator,
        config: SummarizerConfig | None = None,
    ) -> None:
        """Assemble a model from trained parts; raises ModelError where they do not fit."""
        self.parts = Parts(tokenizer, encoder, labeller, generator)
        self.parts.check()
        self.config = config or SummarizerConfig()
        self.card: str | None = None  # the text of the model's README.md
        self.precision = "float32"  # that of the matrices, see `to_precision`
        self.tokenizer, self.labeller, self.generator = tokenizer, labeller.eval(), generator.eval()
        self.encoder = ClauseEncoder(
            encoder.eval(), tokenizer, window=self.config.window, first_segment=FIRST_SECTION
        )
        pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
        self.numbers, self.cues = NumberTokens.of(pieces), CueTokens.of(pieces)
        self.joints = Joints(pieces)

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path | None = None,
        *,
        revision: str | None = None,
        precision: str = "float32",
    ) -> Summarizer:
        """Read a model directory; None is the default model inside the package. `precision`: see
        `to_precision`.

        A string "owner/name" that is no path here is a model of the Hugging Face hub, at `revision`
        (a branch, a tag, a commit; "owner/name@revision" does the same), fetched into its cache.
        Raises ModelError, naming the part, what was expected and what was found.
        """
        folder = locate(path, revision)
        config, parts = load_model(folder)
        summarizer = cls(*parts, config)
        summarizer.card = read_card(folder)
        return summarizer.to_precision(precision)

    def to_precision(self, precision: str) -> Summarizer:
        """Compute with matrices in "bfloat16" or "int8" (a CPU's, for inference only; see
        `generate.linear`) instead of "float32": faster, and now and then another summary. In place;
        returns self.

        There is no way back, and such a model is not saved: load it again. Raises ConfigError for
        another name, or for a model that is not float32 any more.
        """
        if precision != self.precision:
            if self.precision != "float32":
                raise ConfigError(
                    f"precision: expected a float32 model, got one in {self.precision}: load it "
                    "again with the precision you want"
                )
            reduce(self.parts.encoder, precision)
            self.generator.to_precision(precision)
            self.precision = precision
        return self

    def save_pretrained(self, path: str | Path, dtype: str = "float16") -> None:
        """Write the model directory `path`: whole or, when something fails, not at all.

        dtype is that of the weights on disk: "float16", "bfloat16" or "float32". A model directory
        that is there is replaced; a folder with something else raises InputError. The model's card,
        if it has one, goes with it as README.md. A model in less precision than float32 raises
        ConfigError.
        """
        self._check_whole()
        save_model(path, self.config, self.parts, dtype, self.card)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool = False,
        token: str | None = None,
        commit_message: str = "Model of spaces-summarizer",
    ) -> str:
        """Push the model and its card to "owner/name" of the Hugging Face hub; the address of the
        commit.

        The repository is made where there is none: `private`, or as its owner has new ones. token:
        None is that of `hf auth login` or HF_TOKEN. Weights go in half precision. Raises ModelError
        where the hub cannot be reached or refuses, ConfigError for a name that is none and for a
        model in less precision than float32.
        """
        self._check_whole()
        with TemporaryDirectory(prefix="spaces-") as scratch:
            folder = Path(scratch, "model")
            save_model(folder, self.config, self.parts, card=self.card or plain_card())
            return upload(folder, repo_id, private=private, token=token, message=commit_message)

    def _check_whole(self) -> None:
        """Raise ConfigError where rounding took something away that saving would lose for good."""
        if self.precision != "float32":
            raise ConfigError(
                f"expected a float32 model to save, got one in {self.precision}: what "
                "rounding took away would be lost for good; load the model again and save that"
            )

    def to(self, device: str | torch.device) -> Summarizer:
        """Move all parts to a device ("cpu", "cuda"); returns self. Raises ConfigError for a model
        in int8 that would leave the CPU."""
        if self.precision == "int8" and torch.device(device).type != "cpu":
            raise ConfigError(
                f"device: expected the CPU for a model in int8, got {device}: load it as float32"
            )
        for part in self.parts[1:]:
            part.to(device)
        return self

    def fingerprint(self) -> str:
        """A hash of everything a summary depends on: settings, tokenizer, weights. 32 hexadecimal
        digits.
        """
        digest = hashlib.blake2b(digest_size=16)
        digest.update(json.dumps(asdict(self.config), sort_keys=True).encode())
        digest.update(self.precision.encode() if self.precision != "float32" else b"")
        digest.update(self.tokenizer.backend_tokenizer.to_str().encode())
        for part in self.parts[1:]:
            for name, weight in sorted(part.state_dict().items()):
                digest.update(name.encode())
                digest.update(
                    weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
                )
        return digest.hexdigest()

    def summarize(self, text: str, *, extract: bool = True) -> Summary:
        """The summary of one judgment. `extract=False`: the text is an extract already and goes to
        the generator whole.

        What the reader should know (an empty text, an extract that had to be cut, …) is in
        `Summary.warnings`.
        """
        if not isinstance(text, str):
            raise TypeError(f"text: expected a string, got {type(text).__name__}")
        return self.summarize_batch([text], batch_size=1, extract=extract)[0]

    def summarize_batch(
        self,
        texts: Sequence[str],
        *,
        batch_size: int = 8,
        extract: bool = True,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Summary]:
        """The summaries of many judgments, in their order; the same as one by one, sooner (in
        "int8", where few rows are rounded otherwise than many, now and then another).

        batch_size: judgments the generator decodes together. `on_progress(n)` is called as each n
        more are done.
        """
        if isinstance(texts, str):
            raise TypeError(
                "texts: expected a list of strings, got one string: "
                "use summarize, or wrap it in a list"
            )
        if batch_size < 1:
            raise ConfigError(f"batch_size: expected at least 1, got {batch_size}")
        report = on_progress or (lambda done: None)
        summaries: list[Summary] = []
        for first in range(0, len(texts), WINDOW * batch_size):
            drafts = [_Draft.of(text) for text in texts[first : first + WINDOW * batch_size]]
            readable = [draft for draft in drafts if draft.clauses]
            if extract:
                self._extract(readable, batch_size)
            else:
                self._take_whole(readable, batch_size)
            report(len(drafts) - self._generate(readable, batch_size, report))
            summaries += [draft.finish() for draft in drafts]
        return summaries

    def _count_tokens(self, clauses: Sequence[OutlinedClause]) -> list[int]:
        encoded = self.tokenizer([clause.text for clause in clauses], add_special_tokens=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def _label(self, drafts: list[_Draft], batch_size: int) -> list[np.ndarray]:
        """The labeller's probability for each clause of each draft; what belongs together has
        one."""
        read = [columns(draft.clauses) for draft in drafts]
        vectors = self.encoder.encode(read)
        parts = [
            add_features(each, sections, texts)
            for each, (texts, sections) in zip(vectors, read, strict=True)
        ]
        scores = self.labeller.probabilities(parts, batch_size=batch_size)
        return [share_probabilities(each, *own) for each, own in zip(scores, read, strict=True)]

    def _extract(self, drafts: list[_Draft], batch_size: int) -> None:
        """Score the clauses of all drafts, and keep of each what the generator will read."""
        for draft, probabilities in zip(drafts, self._label(drafts, batch_size), strict=True):
            kept = select(
                probabilities,
                threshold=self.config.threshold,
                token_counts=self._count_tokens(draft.clauses),
                max_tokens=self.config.max_source_tokens - 2,
            )
            passed = probabilities > self.config.threshold
            if not passed.any():
                draft.warnings.append(
                    "No clause passed the threshold: "
                    "the summary is made from the most probable one."
                )
            dropped = int((passed & ~kept).sum())
            if dropped:
                draft.warnings.append(
                    "The extract was shortened to what the generator reads: the least probable "
                    f"{dropped} of {int(passed.sum())} clauses were left out."
                )
            draft.scored = [
                ScoredClause(clause.start, clause.end, float(p), bool(k))
                for clause, p, k in zip(draft.clauses, probabilities, kept, strict=True)
            ]
            self._read(draft, np.flatnonzero(kept), probabilities)

    def _take_whole(self, drafts: list[_Draft], batch_size: int) -> None:
        """Give the generator the text as it is, as many clauses from its beginning as fit."""
        for draft, probabilities in zip(drafts, self._label(drafts, batch_size), strict=True):
            total = fitting = 0
            for count in self._count_tokens(draft.clauses):
                total += count
                fitting += total <= self.config.max_source_tokens - 2
            read = max(fitting, 1)
            end = draft.clauses[read - 1].end
            if end < len(draft.text):
                draft.warnings.append(
                    "The text is longer than what the generator reads: it was cut at a clause "
                    f"border, after {end} of {len(draft.text)} characters."
                )
            self._read(draft, range(read), probabilities)
            if self.config.attend_threshold:
                kept = probabilities[:read] > self.config.attend_threshold
                self._remember(draft, kept if kept.any() else ~kept)

    def _remember(self, draft: _Draft, kept: np.ndarray) -> None:
        """Of the clauses that the generator reads, those `kept`, (n,) bool, are what its decoder
        sees."""
        texts = [clause.text for clause in draft.clauses[: len(kept)]]
        flags = by_token(draft.offsets, zip(texts, kept, strict=True), True)
        places = np.flatnonzero(flags).tolist()
        draft.whole = Whole(draft.source, draft.segments, places)
        for name in ("source", "segments", "salience", "leaning", "grounds"):
            setattr(draft, name, [getattr(draft, name)[i] for i in places])
        # characters of the clauses kept, up to each place in the text
        letters = np.repeat(kept, [len(text) for text in texts])
        before = np.concatenate([[0], letters.cumsum()]).tolist()
        offsets = [draft.offsets[i] for i in places]
        draft.offsets = [(before[start], before[end]) for start, end in offsets]
        pieces = [piece for i in np.flatnonzero(kept) for piece in draft.clauses[i].pieces]
        draft.extract = Extract.of(draft.text, pieces)
        draft.gaps = draft.find_gaps(np.flatnonzero(kept))
        draft.leading = draft.find_leading(np.flatnonzero(kept))

    def _read(self, draft: _Draft, kept: Sequence[int], probabilities: np.ndarray) -> None:
        """The generator's source, cut inside a clause only when a single clause is too long."""
        clauses = [draft.clauses[i] for i in kept]
        draft.extract = Extract.of(draft.text, [piece for c in clauses for piece in c.pieces])
        source, offsets = encode_source(self.tokenizer, draft.extract.text)
        limit = self.config.max_source_tokens
        if len(source) > limit:
            source, offsets = [*source[: limit - 1], SEP], [*offsets[: limit - 1], (0, 0)]
            draft.warnings.append(
                f"A clause is longer than what the generator reads ({limit} tokens): "
                "only its beginning was read."
            )
        draft.source, draft.offsets = source, offsets
        draft.segments = segments_of(offsets, [(c.text, c.section) for c in clauses])
        scores = [(c.text, float(probabilities[i])) for c, i in zip(clauses, kept, strict=True)]
        draft.salience = by_token(offsets, scores, 0.0)
        draft.leaning, draft.grounds = draft.find_leaning(kept), draft.find_grounds(kept)
        draft.gaps, draft.leading = draft.find_gaps(kept), draft.find_leading(kept)

    def _generate(
        self, drafts: list[_Draft], batch_size: int, report: Callable[[int], None]
    ) -> int:
        """Decode the drafts, similar lengths together, the longest first; the number done."""
        queue = sorted((d for d in drafts if len(d.source) > 2), key=lambda d: -len(d.source))
        for first in range(0, len(queue), batch_size):
            batch = queue[first : first + batch_size]
            wholes = [draft.whole for draft in batch if draft.whole]
            hypotheses = beam_search(
                BottomUp(self.generator, wholes) if wholes else self.generator,
                [draft.source for draft in batch],
                segments=[draft.segments for draft in batch],
                salience=[draft.salience for draft in batch],
                leaning=[draft.leaning for draft in batch],
                leading=[draft.leading for draft in batch],
                grounds=[draft.grounds for draft in batch],
                beams=self.config.beams,
                max_new_tokens=self.config.max_new_tokens,
                sparse_top_k=self.config.sparse_top_k,
                no_repeat=self.config.no_repeat,
                length_penalty=self.config.length_penalty,
                copy_bias=self.config.copy_bias,
                generate_limit=self.config.generate_limit,
                look_back=self.config.look_back,
                skip_cost=self.config.skip_cost,
                end_cost=self.config.end_cost,
                keep_weight=self.config.keep_weight,
                keep_threshold=self.config.keep_threshold,
                numbers=self.numbers,
                cues=self.cues,
            )
            for draft, found in zip(batch, hypotheses, strict=True):
                hypothesis = self.joints.mend(
                    found, draft.segments, draft.source, draft.gaps, draft.prosecuted
                )
                draft.summary, draft.spans = render(
                    hypothesis, draft.offsets, draft.extract, draft.judgment, self.tokenizer
                )
                if hypothesis.truncated:
                    draft.warnings.append(
                        f"The summary reached {self.config.max_new_tokens} tokens "
                        "(max_new_tokens) and may be cut off."
                    )
            report(len(batch))
        return len(queue)
