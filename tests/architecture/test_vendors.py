"""Vendor rules that import-linter cannot state: submodules, and an allow-list for core."""

from __future__ import annotations

import sys

from tests.architecture.tree import imports, modules, rooms, where

CORE_MAY_IMPORT = {"__future__", "core", "pydantic", "pydantic_core", "pydantic_settings"}
PROXY = ".".join(("litellm", "proxy"))
MOCKS = ("mock", "pytest_mock", "unittest.mock")


def test_core_imports_only_the_standard_library_and_pydantic() -> None:
    strangers = [
        f"{where(path)} imports {name}"
        for path in modules("core")
        for name in imports(path)
        if (root := name.partition(".")[0]) not in sys.stdlib_module_names and root not in CORE_MAY_IMPORT
    ]

    assert strangers == []


def test_nothing_names_the_proxy_of_litellm() -> None:
    named = [where(path) for path in modules(*rooms(), "tests") if PROXY in path.read_text("utf-8")]

    assert named == []


def test_nothing_uses_the_router_of_litellm() -> None:
    used = [where(path) for path in modules() if {"litellm.Router", "litellm.router"} & set(imports(path))]

    assert used == []


def test_nothing_is_mocked() -> None:
    mocked = [f"{where(path)} imports {name}" for path in modules() for name in imports(path) if name.startswith(MOCKS)]

    assert mocked == []
