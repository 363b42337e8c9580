"""Items of the ruling and of the claim, which are told whole or not at all.

Of 三、丙连带清偿；丙清偿后，有权向乙追偿。 the end alone gives the right of recourse to whoever
stands before it. Nor may an order be missing before another that is told, for what stands first is
the main order, nor a numbered one behind it that orders something more. Of 2.判令甲赔偿，同时判令乙
承担连带责任； the end alone would be asked for nothing, and the beginning alone loses one of the
two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from spaces.sections import SECTIONS

__all__ = ["share_orders", "share_requests"]

_CLAIM, _RULING = SECTIONS.index("claim"), SECTIONS.index("ruling")
_NUMBER = re.compile(r"\s*[（(]?[一二三四五六七八九十\d]{1,3}[、.．)）:：]")
# What orders nothing more: the rest refused, costs, what default costs
_FORMAL = re.compile("驳回|受理费|诉讼费|迟延履行|^.{0,4}(?:如不服|如果|如未)")
_LONGEST_ORDER = 400  # characters
_LONGEST_REQUEST = 60  # characters; behind that, sums are told one by one and periods are counted


def share_orders(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with every clause of an item of the ruling having the highest of them, and
    of those behind: no item is left out before one that is kept. Numbered items that order
    something have the highest of all such.

    An item goes from its number to the next one or to the end of its sentence; a ruling without
    numbers has its sentences. `sections` count `sections.SECTIONS`. An item of more than 400
    characters is a list of its own, does not fit into a summary, and stays as it is.

    >>> share_orders([0.9, 0.1, 0.2], ["一、还款，", "付利息；", "二、驳回。"], [5, 5, 5]).tolist()
    [0.9, 0.9, 0.2]
    """
    shared = np.array(probabilities)
    orders = [
        (first, last)
        for first, last in _orders(texts, sections)
        if sum(map(len, texts[first:last])) <= _LONGEST_ORDER
    ]
    ordering = [
        i
        for first, last in orders
        if _NUMBER.match(texts[first]) and not _FORMAL.search("".join(texts[first:last]))
        for i in range(first, last)
    ]
    shared[ordering] = shared[ordering].max(initial=0)
    highest = 0.0
    for first, last in reversed(orders):
        highest = max(highest, shared[first:last].max())
        shared[first:last] = highest
    return shared


def _orders(texts: Sequence[str], sections: Sequence[int]) -> list[tuple[int, int]]:
    """Where each item of the ruling begins, and the clause behind its last."""
    items: list[tuple[int, int]] = []
    numbered = False
    for place, (text, section) in enumerate(zip(texts, sections, strict=True)):
        if section != _RULING:
            continue
        number = _NUMBER.match(text) is not None
        if items and items[-1][1] == place and not number:
            end = texts[place - 1].rstrip()[-1:]
            if end != "。" and (numbered or end not in "；;"):
                items[-1] = items[-1][0], place + 1
                continue
        items.append((place, place + 1))
        numbered = number
    return items


def share_requests(
    probabilities: Sequence[float] | np.ndarray, texts: Sequence[str], sections: Sequence[int]
) -> np.ndarray:
    """The probabilities with every clause of a numbered request of the claim having the highest of
    them. A request goes from its number to the next one or to the end of its sentence; one of more
    than 60 characters stays as it is.

    >>> texts = ["1、判令乙还款5万元，", "并付利息；", "2、诉讼费由乙承担。"]
    >>> share_requests([0.9, 0.1, 0.2], texts, [1, 1, 1]).tolist()
    [0.9, 0.9, 0.2]
    """
    shared = np.array(probabilities)
    for first, last in _requests(texts, sections):
        if sum(map(len, texts[first:last])) <= _LONGEST_REQUEST:
            shared[first:last] = shared[first:last].max()
    return shared


def _requests(texts: Sequence[str], sections: Sequence[int]) -> list[tuple[int, int]]:
    """Where each numbered request begins, and the clause behind its last."""
    requests: list[tuple[int, int]] = []
    for place, (text, section) in enumerate(zip(texts, sections, strict=True)):
        if section != _CLAIM:
            continue
        if _NUMBER.match(text):
            requests.append((place, place + 1))
        elif (
            requests and requests[-1][1] == place and texts[place - 1].rstrip()[-1:] not in "。；;"
        ):
            requests[-1] = requests[-1][0], place + 1
    return requests
