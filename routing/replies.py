"""Clues of a reply: what its length, its ending and its arithmetic say of it, without knowing the right answer."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

REPLY_CLUES: Final = ("cut off", "sums", "wrong sums", "share of wrong sums", "hedges", "numbers used", "lines")
"""What each number of `reply_clues` tells."""

_READ: Final = 8000
# Bounded, and only from where a number begins: a model that loops writes thousands of digits on end.
# Nor from within a longer sum: the end of `1 + 2 + 3 = 6` is no wrong `2 + 3 = 6`.
_DIGITS: Final = r"(\d[\d,]{0,15}(?:\.\d{0,9})?)"
_SUM: Final = re.compile(
    r"(?<![\d,.])(?<![\d)] [-+*/x\u00d7\u00f7] )(?<![\d)][-+*/x\u00d7\u00f7])"
    rf"{_DIGITS}\s{{0,3}}([-+*/x\u00d7\u00f7])\s{{0,3}}{_DIGITS}\s{{0,3}}=\s{{0,3}}(?:<<[^>]{{0,40}}>>)?\s{{0,3}}\$?{_DIGITS}"
)
_ENDS: Final = frozenset(".!?])}>*`\"'0123456789")
_HEDGE: Final = re.compile(
    r"\b(?:however|assum\w*|unclear|cannot|not possible|approximately|not sure|i think|wait|sorry|ambiguous)\b", re.I
)
_NUMBER: Final = re.compile(r"\d+")
_NEAR: Final = 0.02


def reply_clues(text: str | None, question: str) -> Numbers:
    """Return the clues of a reply, [clues]; nan when its words were not kept, so that nothing is made of them.

    Sums are those written out as `a op b = c`; one is wrong when it is off by more than 2 %.
    """
    if not text:
        return np.full(len(REPLY_CLUES), np.nan)
    read = text[-_READ:]
    sums = _SUM.findall(read)
    wrong = sum(not _holds(*one) for one in sums)
    asked = set(_NUMBER.findall(question))
    used = len(asked & set(_NUMBER.findall(read))) / len(asked) if asked else 1.0
    return np.array(
        [
            float(read.rstrip()[-1:] not in _ENDS),
            np.log1p(len(sums)),
            np.log1p(wrong),
            wrong / (len(sums) + 1),
            np.log1p(len(_HEDGE.findall(read))),
            used,
            np.log1p(read.count("\n")),
        ]
    )


def _holds(left: str, operator: str, right: str, result: str) -> bool:
    a, b, c = (float(number.replace(",", "").rstrip(".") or 0) for number in (left, right, result))
    if operator in "/\u00f7" and b == 0:
        return False
    found = {"+": a + b, "-": a - b, "*": a * b, "x": a * b, "\u00d7": a * b}.get(operator, a / b if b else 0.0)
    return abs(found - c) <= _NEAR * max(1.0, abs(c))
