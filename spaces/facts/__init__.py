"""Facts a reader checks first: amounts of money, dates, statute articles, other numbers, names.

`find_facts` finds them in the forms Chinese judgments use and gives each a value that can be
compared; `missing_facts` names those of a summary that its judgment does not state;
`describe_missing` says so in words, for `Summary.warnings`.
"""

from __future__ import annotations

from spaces.facts.comparing import describe_missing, missing_facts
from spaces.facts.finding import Fact, find_facts
from spaces.facts.names import find_names

__all__ = ["Fact", "describe_missing", "find_facts", "find_names", "missing_facts"]
