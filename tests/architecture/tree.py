"""The files of this tree as the rules of the house see them: tracked or about to be, never ignored ones."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@cache
def project() -> dict[str, Any]:
    """pyproject.toml, parsed."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@cache
def rooms() -> tuple[str, ...]:
    """The root packages, as the dependency rule names them."""
    return tuple(project()["tool"]["importlinter"]["root_packages"])


@cache
def files() -> tuple[Path, ...]:
    """Every file that git tracks or would track, as absolute paths."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode("utf-8")
    return tuple(path for name in sorted(set(listed.split("\0"))) if name and (path := ROOT / name).is_file())


def modules(*roots: str) -> Iterator[Path]:
    """Python files under the named root folders; all of them when none is named."""
    for path in files():
        if path.suffix == ".py" and (not roots or path.relative_to(ROOT).parts[0] in roots):
            yield path


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text("utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a module imports, wherever in it."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of attributes on a name, else an empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := dotted(node.value)):
        return f"{head}.{node.attr}"
    return ""


def names_used(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted names used in a module, imports resolved to where they come from, with the line."""
    origin: dict[str, str] = {}
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            origin.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        elif isinstance(node, ast.Import):
            origin.update({alias.asname: alias.name for alias in node.names if alias.asname})
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute | ast.Name) and (name := dotted(node)):
            head, _, rest = name.partition(".")
            full = origin.get(head, head)
            yield (f"{full}.{rest}" if rest else full), node.lineno


def where(path: Path, line: int = 0) -> str:
    """A place that an editor can jump to."""
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))
