"""Words: a private jieba segmenter, lists of special words, and mining such lists from a corpus.

Words are jieba's with the hidden Markov model off: the most probable path over its dictionary, so a
string is always cut the same way and nothing outside the dictionary is made up. Special words
(causes of action, statutes, court formulas) are added to a segmenter's own copy; `jieba.dt`, which
other programs in the process may use, is never touched.

`mine_words` answers where a list of special words can come from. It discovers words by their inner
cohesion and free use: a string is a word when its parts occur together far more often than by
chance (pointwise mutual information; Church and Hanks 1990, "Word association norms, mutual
information, and lexicography") and when its neighbours on both sides vary (branch entropy; Jin and
Tanaka-Ishii 2006, "Unsupervised segmentation of Chinese text by use of branching entropy"). The two
are put together as in Matrix67 2012, 《互联网时代的社会语言学：基于SNS的文本数据挖掘》.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spaces.errors import ConfigError, RecordError
from spaces.files import atomic_write, read_text

if TYPE_CHECKING:
    import numpy as np

__all__ = ["MinedWord", "Segmenter", "mine_words", "read_words", "write_words"]

# What jieba can keep together in one word (its own pattern for blocks).
_SEGMENTABLE = re.compile(r"[\u4e00-\u9fd5a-zA-Z0-9+#&._%\-]+")
# Names of statutes stand in 《》; contracts and books do too, so the end of the name decides.
_STATUTE = re.compile(
    r"《([\u4e00-\u9fd5]{2,40}(?:法|法典|通则|条例|规定|解释|办法|规则|细则|批复|决定|意见|准则|规程))》"
)
# Characters that begin or end a construction rather than a word.
_EDGES = frozenset("的了与和及或是在对向将被由为于其该此各也都就并且而但因所之至从以按经把给等已未")


class Segmenter:
    """jieba's segmentation, HMM off, with `words` in its dictionary.

    The dictionary (0.4 s, some 100 MB) is read at the first use, not here. Each added word gets the
    lowest frequency with which it wins over its own parts (jieba's `suggest_freq`).

    >>> Segmenter().cut("加倍支付迟延履行期间的债务利息")
    ['加倍', '支付', '迟延', '履行', '期间', '的', '债务', '利息']
    >>> Segmenter(["迟延履行期间"]).cut("加倍支付迟延履行期间的债务利息")
    ['加倍', '支付', '迟延履行期间', '的', '债务', '利息']

    Raises ConfigError for a word jieba would cut whatever its frequency (with white space or
    punctuation inside).
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words = tuple(words)
        self._tokenizer: Any = None
        self._lock = threading.Lock()
        for word in self.words:
            if not _SEGMENTABLE.fullmatch(word):
                raise ConfigError(
                    f"special word {word!r}: expected Chinese characters, letters and digits only; "
                    "take white space and punctuation out of it"
                )

    def cut(self, text: str) -> list[str]:
        """The words of `text`; together they are the text, white space and marks included."""
        return self._loaded().lcut(text, HMM=False)

    def __contains__(self, word: object) -> bool:
        """Whether `word` is in the dictionary, special words included."""
        return self._loaded().FREQ.get(word, 0) > 0

    def frequency(self, word: str) -> int:
        """How often `word` occurs by the dictionary; 0 where it is not there."""
        return self._loaded().FREQ.get(word, 0)

    @property
    def total(self) -> int:
        """The sum of all frequencies in the dictionary."""
        return self._loaded().total

    def _loaded(self) -> Any:
        with self._lock:
            if self._tokenizer is None:
                with warnings.catch_warnings():
                    # jieba's old code warns about its own regular expressions and pkg_resources.
                    warnings.simplefilter("ignore")
                    import jieba

                tokenizer = jieba.Tokenizer()
                # Read as it is: `initialize` would talk on stderr and trust a cache in the common
                # temporary folder, which another program may have written.
                with tokenizer.get_dict_file() as file:
                    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(file)
                tokenizer.initialized = True
                # A word has to win over the shorter ones inside it, so those come first.
                for word in sorted(self.words, key=len):
                    tokenizer.add_word(word)
                self._tokenizer = tokenizer
        return self._tokenizer

    def __getstate__(self) -> dict[str, Any]:
        # Worker processes of `datasets` receive the words and read the dictionary themselves.
        return {"words": self.words}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["words"])  # type: ignore[misc]


def read_words(path: str | Path) -> list[str]:
    """The words of a list: one per line, blank lines and lines beginning with # are passed over.

    Raises InputError when the file cannot be read, RecordError (file:line) for a word with white
    space or punctuation inside and for a word that comes twice.
    """
    seen: dict[str, int] = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        if not _SEGMENTABLE.fullmatch(word):
            raise RecordError(
                f"{path}:{number}: expected one word without punctuation, got {word!r}"
            )
        if word in seen:
            raise RecordError(f"{path}:{number}: {word!r} came already in line {seen[word]}")
        seen[word] = number
    return list(seen)


def write_words(path: str | Path, words: Iterable[str], comment: str = "") -> None:
    """Write a list that `read_words` reads; each line of `comment` goes on top behind a #."""
    with atomic_write(path) as file:
        file.writelines(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
        file.writelines(f"{word}\n" for word in words)


@dataclass(frozen=True)
class MinedWord:
    """A word found in a corpus, with what speaks for it.

    count, documents: how often, and in how many texts, it occurs. cohesion: pointwise mutual
    information of its weakest split, in bits. freedom: the smaller of the entropies of its left and
    right neighbours, in bits. Both are infinite for a name of a statute, which its 《》 delimit.
    """

    word: str
    count: int
    documents: int
    cohesion: float
    freedom: float


def mine_words(
    texts: Iterable[str],
    *,
    max_words: int,
    min_count: int = 10,
    min_documents: int = 5,
    min_cohesion: float = 6.0,
    min_freedom: float = 1.5,
    max_length: int = 8,
    known: Container[str] = (),
) -> list[MinedWord]:
    """At most `max_words` words of `texts` that are not `known`, those that cover most text first.

    Candidates are strings of 2 to `max_length` Chinese characters, and names of statutes in 《》.
    The order is by `count * (length - 1)`, the tokens saved against single characters. `texts` is
    read once, as a stream, and kept in 8 bytes per character; counting takes some 60 bytes per
    character for a moment. Measured: 25 million characters, 47 s and 1.6 GB on one core.

    >>> [w.word for w in mine_words(["甲诉请还款。", "乙诉请离婚。", "丙诉请赔偿。"], max_words=1,
    ...     min_count=3, min_documents=3, min_cohesion=1)]
    ['诉请']
    """
    if min_count < 2 or max_length < 2 or max_words < 1:
        raise ConfigError(
            "mining words expects min_count and max_length of at least 2, max_words of at least 1, "
            f"got {min_count}, {max_length} and {max_words}"
        )
    statutes: Counter[str] = Counter()
    in_documents: Counter[str] = Counter()

    def noting_statutes() -> Iterator[str]:
        for text in texts:
            names = Counter(_STATUTE.findall(text))
            statutes.update(names)
            in_documents.update(names.keys())
            yield text

    corpus = _Corpus(noting_statutes())
    found = {
        word.word: word
        for word in corpus.candidates(min_count, max_length)
        if word.documents >= min_documents
        and word.cohesion >= min_cohesion
        and word.freedom >= min_freedom
        and not _EDGES.intersection((word.word[0], word.word[-1]))
    }
    for name, count in statutes.items():
        if count >= min_count and in_documents[name] >= min_documents:
            infinite = float("inf")
            found[name] = MinedWord(name, count, in_documents[name], infinite, infinite)
    new = [word for word in found.values() if word.word not in known]
    new.sort(key=lambda w: (-w.count * (len(w.word) - 1), w.word))
    return new[:max_words]


class _Corpus:
    """Texts as one array of character numbers, 0 for everything that is not a Chinese character.

    Strings are counted level by level: a string of n characters can only be frequent when its first
    and its last n - 1 characters are, so it is named by the pair of their numbers and only places
    where both are frequent are looked at (Apriori; Agrawal and Srikant 1994). Exact, no hashing.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        import numpy as np

        pieces, sizes = [np.zeros(1, np.uint32)], [1]
        for text in texts:
            # A 0 behind each text keeps strings from running over its end.
            points = np.frombuffer((text + "\0").encode("utf-32-le", "surrogatepass"), np.uint32)
            han = ((points >= 0x4E00) & (points <= 0x9FFF)) | (
                (points >= 0x3400) & (points <= 0x4DBF)
            )
            pieces.append(np.where(han, points, 0))
            sizes.append(len(points))
        self.points = np.concatenate(pieces)  # (N,) code points, 0 elsewhere
        self.document = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)  # (N,)

    def candidates(self, min_count: int, max_length: int) -> Iterator[MinedWord]:
        """Strings of 2 to `max_length` characters that occur `min_count` times or more."""
        import numpy as np

        counts: dict[str, int] = {}
        total = max(int((self.points > 0).sum()), 1)
        # Per length: the places where a frequent string begins, and the number of that string.
        places = np.flatnonzero(self.points > 0)
        numbers = self.points[places].astype(np.int64)
        for length in range(1, max_length + 1):
            if length > 1:
                places, numbers = _extend(places, numbers)
            _, first, numbers, sizes = np.unique(
                numbers, return_index=True, return_inverse=True, return_counts=True
            )
            often = np.flatnonzero(sizes >= min_count)
            if not len(often):
                return
            words = [self._string(places[first[i]], length) for i in often]
            counts.update(zip(words, sizes[often].tolist(), strict=True))
            renumbered = np.full(len(sizes), -1, np.int64)
            renumbered[often] = np.arange(len(often))
            numbers = renumbered[numbers]
            places, numbers = places[numbers >= 0], numbers[numbers >= 0]
            if length == 1:
                continue
            left = self._entropy(numbers, places - 1, len(often))
            right = self._entropy(numbers, places + length, len(often))
            freedom = np.minimum(left, right)
            documents = self._documents(numbers, places, len(often))
            for i, word in enumerate(words):
                yield MinedWord(
                    word,
                    counts[word],
                    int(documents[i]),
                    _cohesion(word, counts, total),
                    float(freedom[i]),
                )

    def _string(self, place: int, length: int) -> str:
        return "".join(map(chr, self.points[place : place + length].tolist()))

    def _entropy(self, numbers: np.ndarray, neighbours: np.ndarray, n: int) -> np.ndarray:
        """(n,) entropy in bits of the characters at `neighbours`, for each string number.

        Each punctuation mark or end of a text counts as a character of its own kind: a string that
        stands alone between marks is as free as can be.
        """
        import numpy as np

        characters = self.points[neighbours].astype(np.int64)
        edge = characters == 0
        edges = np.bincount(numbers[edge], minlength=n)
        keys, sizes = np.unique(numbers[~edge] << 32 | characters[~edge], return_counts=True)
        owners = keys >> 32
        total = edges + np.bincount(owners, weights=sizes, minlength=n)
        # H = log N - sum(c log c) / N; what was seen once, each edge included, adds 0 to the sum.
        return np.log2(total) - np.bincount(owners, sizes * np.log2(sizes), minlength=n) / total

    def _documents(self, numbers: np.ndarray, places: np.ndarray, n: int) -> np.ndarray:
        """(n,) in how many texts each string occurs."""
        import numpy as np

        pairs = np.unique(numbers << 32 | self.document[places])
        return np.bincount(pairs >> 32, minlength=n)


def _extend(places: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places where two strings begin one character apart, and a number for each such pair."""
    import numpy as np

    next_to = np.flatnonzero(np.diff(places) == 1)
    return places[next_to], numbers[next_to] << 32 | numbers[next_to + 1]


def _cohesion(word: str, counts: dict[str, int], total: int) -> float:
    """Pointwise mutual information in bits of the split at which `word` holds together least."""
    import math

    parts = max(counts[word[:i]] * counts[word[i:]] for i in range(1, len(word)))
    return math.log2(counts[word] * total / parts)
