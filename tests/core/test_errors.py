"""Promises about errors: every one is typed, and the tree drawn at the head of the file is the tree."""

from __future__ import annotations

import re

from core import errors
from core.errors import ConclaveError, NotFound


def _classes(root: type[ConclaveError]) -> list[type[ConclaveError]]:
    return [root] + [found for child in root.__subclasses__() for found in _classes(child)]


def test_the_drawn_tree_names_every_error_with_its_status() -> None:
    own = [kind for kind in _classes(ConclaveError)[1:] if kind.__module__ == errors.__name__]
    drawn = dict(re.findall(r"─ (\w+) +(\d{3})", errors.__doc__ or ""))

    assert drawn == {kind.__name__: str(kind.http_status) for kind in own}


def test_only_waiting_and_upstream_trouble_is_retryable() -> None:
    retryable = {kind.__name__ for kind in _classes(ConclaveError) if kind.retryable}

    assert retryable == {
        "RateLimited", "Overloaded", "Unavailable", "HostLost", "UpstreamError", "UpstreamRateLimited",
        "MalformedStream", "DeadlineExceeded",
    }  # fmt: skip


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    error = NotFound.named("pool", "defualt", ["default", "cheap"], param="model")

    assert error.message == 'no pool "defualt"; did you mean "default"?'
    assert (error.error_code, error.http_status) == ("unknown_pool", 404)


def test_a_hostile_name_is_shown_as_plain_ascii() -> None:
    error = NotFound.named("pool", 'a\n\ud800"\u202eb' + "x" * 500, [])

    assert error.message.isascii()
    assert len(error.message) < 120
