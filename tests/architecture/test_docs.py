"""The documents point at things that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files, where

PAGES = [path for path in files() if path.suffix == ".md"]
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=where)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(FENCE.sub("", page.read_text("utf-8")))
    targets = [link.partition("#")[0] for link in links if "://" not in link and not link.startswith(("#", "mailto:"))]

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_of_docs_is_reached_from_its_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link).resolve() for link in LINK.findall(index.read_text("utf-8"))}

    assert [where(page) for page in PAGES if page.is_relative_to(index.parent) and page not in {*linked, index}] == []


def test_every_promise_names_a_test_that_is_there() -> None:
    promises = (ROOT / "docs" / "promises.md").read_text("utf-8")
    held = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", promises)

    missing = [
        f"{file}::{name}"
        for file, name in held
        if not (ROOT / file).exists() or (name and f"def {name}(" not in (ROOT / file).read_text("utf-8"))
    ]
    assert held
    assert missing == []
