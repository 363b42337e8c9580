"""The errors a user can cause: whatever serves people catches one class and prints one line.

Every message says what was expected, what came, and what to do about it.
"""

from __future__ import annotations

__all__ = ["ConfigError", "InputError", "ModelError", "RecordError", "SpacesError"]


class SpacesError(Exception):
    """Something the user can put right; the message alone should be enough to do so."""


class InputError(SpacesError):
    """A file or folder that is missing, is of the wrong kind, or cannot be read or written."""


class RecordError(SpacesError):
    """A record that its file should not hold; the message begins with `file:line: field`."""


class ConfigError(SpacesError):
    """A setting outside its range, or settings that contradict each other."""


class ModelError(SpacesError):
    """A model directory with a missing part, or parts that do not fit together."""
