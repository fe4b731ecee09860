"""The rules of the house for every source file: names, docstrings, and where the world may be touched."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, dotted, files, modules, names_used, parsed, rooms, where

VAGUE = {"base", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
VENDORED = {"_vendor", "node_modules", "third_party", "thirdparty", "vendor", "vendored"}
WEIGHTS = {".bin", ".gguf", ".h5", ".npz", ".onnx", ".pt", ".pth", ".safetensors", ".whl"}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv", "os.unsetenv"}
WALL_CLOCK = {"time.time", "time.time_ns", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today"}
MEGABYTE = 1_000_000

# The words are built from parts so that this file does not contain them.
HOSTS = tuple(
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"))
)


def uses(path: Path, forbidden: set[str]) -> Iterator[str]:
    """Places where a module uses one of the forbidden names or something below one."""
    for name, line in names_used(path):
        if name in forbidden:
            yield f"{where(path, line)} uses {name}"


def test_no_module_or_folder_has_a_vague_name() -> None:
    vague = [
        where(path) for path in files() if VAGUE & {part.partition(".")[0] for part in path.relative_to(ROOT).parts}
    ]

    assert vague == []


def test_every_module_says_what_it_is() -> None:
    silent = [where(path) for path in modules() if not ast.get_docstring(parsed(path))]

    assert silent == []


def test_only_settings_read_the_environment() -> None:
    allowed = ROOT / "core" / "settings.py"

    assert [use for path in modules(*rooms()) if path != allowed for use in uses(path, ENVIRONMENT)] == []


def test_only_the_clock_reads_the_time_of_day() -> None:
    allowed = ROOT / "core" / "clock.py"

    assert [use for path in modules(*rooms()) if path != allowed for use in uses(path, WALL_CLOCK)] == []


def test_no_test_sleeps() -> None:
    # `asyncio.sleep(0)` waits for nothing: it lets others run.
    sleeps = [
        where(path, node.lineno)
        for path in modules("tests")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "sleep"
        if not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]

    assert sleeps == []


def test_monkeypatch_changes_only_the_environment() -> None:
    patched = [
        where(path, node.lineno)
        for path in modules("tests")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and dotted(node.value) == "monkeypatch"
        if node.attr not in {"chdir", "context", "delenv", "setenv"}
    ]

    assert patched == []


def test_nothing_of_others_is_kept_here() -> None:
    kept = [
        where(path)
        for path in files()
        if VENDORED & set(path.relative_to(ROOT).parts) or path.suffix in WEIGHTS or path.stat().st_size > MEGABYTE
    ]

    assert kept == []


def test_no_source_carries_the_notice_of_another_owner() -> None:
    notices = ("Copyright " + "(", "SPDX-" + "License-Identifier", "\u00a9")

    carried = [where(path) for path in modules() if any(notice in path.read_text("utf-8") for notice in notices)]

    assert carried == []


@pytest.mark.parametrize("host", HOSTS)
def test_no_file_names_the_host_of_a_package_index(host: str) -> None:
    named = [where(path) for path in files() if host.encode() in path.read_bytes()]

    assert named == []
