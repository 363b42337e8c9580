"""The limits of the service: what is asked beyond them is refused, and the answer says so."""

from __future__ import annotations

from dataclasses import dataclass

from spaces.documents.pdf import MAX_CHARACTERS
from spaces.errors import ConfigError

__all__ = ["ServiceSettings"]


@dataclass(frozen=True)
class ServiceSettings:
    """Limits; raises ConfigError for a number outside its range.

    max_characters: of one judgment.
    max_document_bytes: of one document, as uploaded.
    max_list: judgments in one request.
    max_waiting: judgments that wait, of all requests; past it the answer is 429.
    max_uploads, max_documents: requests whose JSON, and whose document, is in memory before its
        judgment waits.
    batch_size: judgments summarized together.
    gather_s: seconds that the first judgment waits for others to come along.
    deadline_s, upload_s: seconds a request may take to be summarized, and to arrive.
    reading_s, reading_bytes: seconds and memory that reading one document may take.
    readers: documents read at the same time.
    """

    max_characters: int = 200_000
    max_document_bytes: int = 20_000_000
    max_list: int = 32
    max_waiting: int = 64
    max_uploads: int = 128
    max_documents: int = 16
    batch_size: int = 8
    gather_s: float = 0.005
    deadline_s: float = 120.0
    upload_s: float = 30.0
    reading_s: float = 20.0
    reading_bytes: int = 1_500_000_000
    readers: int = 2

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ConfigError(f"{name}: expected a positive number, got {value}")
        if self.max_characters > MAX_CHARACTERS:
            raise ConfigError(
                f"max_characters: expected at most {MAX_CHARACTERS:,}, got {self.max_characters:,}"
            )

    @property
    def max_body(self) -> int:
        """Bytes of a request in JSON: room for the longest judgment however it is spelled."""
        return 12 * self.max_characters + 65_536  # a character beyond 16 bits may be \uXXXX twice
