"""YAML to plain data with the line of every key and value; never runs a tag, and never grows beyond stated bounds.

Scalars follow YAML 1.2's core schema, so `no` and `12:30` stay text. `${NAME}` and `part{1..22}` may stand unquoted
anywhere, also inside `{...}` and `[...]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from wiring.configuration.problems import Path, Problem, refuse, shown

MAX_BYTES = 256 * 1024
MAX_DEPTH = 24
MAX_NODES = 20_000

Scalar = None | bool | int | float | str
Plain = Scalar | list["Plain"] | dict[str, "Plain"]

_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}\n]*)?\}|(?<=[\w-])\{\d{1,4}\.\.\d{1,4}\}")
# One private-use character for each of YAML's own, so that a reference reads as one plain word and columns stay right.
_SHIELD = {ord(character): 0xE000 + ord(character) for character in " \"#%&'*,:>?@[]`{|}!-"}
_UNSHIELD = {shielded: plain for plain, shielded in _SHIELD.items()}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?\Z")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Document:
    """A file as plain data; `lines` knows the line of every path, counted from 1."""

    file: str
    data: Plain
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Return the line of `path`, or of the nearest parent that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path, message: str) -> Problem:
        """Return a problem at `path`."""
        return Problem(self.line(path), path, message)


@dataclass(slots=True)
class _Node:
    """A value under construction; `keys` holds the line of each key of a mapping."""

    line: int
    value: Scalar | list[_Node] | dict[str, _Node] = None
    keys: dict[str, int] = field(default_factory=dict)
    waiting: str | None = None


def read_document(content: bytes, file: str) -> Document:
    """Return the document; raises `ConfigurationError` with file and line when it is not one plain YAML mapping."""
    if len(content) > MAX_BYTES:
        raise refuse(file, [Problem(0, (), f"larger than {MAX_BYTES} bytes")])
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse(file, [Problem(content[: error.start].count(b"\n") + 1, (), "not UTF-8 text")]) from None
    shielded = _REFERENCE.sub(lambda match: match[0].translate(_SHIELD), text)
    try:
        root = _assemble(shielded, file)
    except yaml.MarkedYAMLError as error:
        raise refuse(file, [_explain(error)]) from None
    except yaml.YAMLError as error:
        position = getattr(error, "position", 0)
        raise refuse(file, [Problem(text[:position].count("\n") + 1, (), "a character YAML does not allow")]) from None
    if root is None or not isinstance(root.value, dict):
        raise refuse(file, [Problem(1, (), "expected a mapping with the keys of conclave.yaml")])
    lines: dict[Path, int] = {(): 1}
    return Document(file, _plain(root, (), lines, iter(range(MAX_NODES)), file), lines)


def _explain(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    said = " ".join(part for part in (error.context, error.problem) if part).translate(_UNSHIELD)
    return Problem(mark.line + 1 if mark else 0, (), f"not valid YAML: {said}")


def _assemble(text: str, file: str) -> _Node | None:
    """Build the tree from parser events, without recursion, so that depth is a bound and not a crash."""
    root: _Node | None = None
    open_nodes: list[_Node] = []
    anchors: dict[str, _Node] = {}
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = _line(event)
        if isinstance(event, yaml.CollectionEndEvent):
            open_nodes.pop()
            continue
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise refuse(file, [Problem(line, (), "a second document; one file holds one")])
        if not isinstance(event, yaml.NodeEvent):
            continue
        node = _node(event, anchors, file)
        root = root or node
        if open_nodes:
            _attach(open_nodes[-1], node, event, file)
        if isinstance(event, yaml.CollectionStartEvent):
            if len(open_nodes) == MAX_DEPTH:
                raise refuse(file, [Problem(line, (), f"nested deeper than {MAX_DEPTH} levels")])
            open_nodes.append(node)
    return root


def _node(event: yaml.NodeEvent, anchors: dict[str, _Node], file: str) -> _Node:
    line = _line(event)
    if isinstance(event, yaml.AliasEvent):
        if event.anchor not in anchors:
            raise refuse(file, [Problem(line, (), f"*{event.anchor} refers to nothing above")])
        return anchors[event.anchor]
    if getattr(event, "tag", None) not in (None, "!"):
        raise refuse(file, [Problem(line, (), "tags are not read")])
    if isinstance(event, yaml.ScalarEvent):
        node = _Node(line, _scalar(event))
    else:
        node = _Node(line, {} if isinstance(event, yaml.MappingStartEvent) else [])
    if event.anchor is not None:
        anchors[event.anchor] = node
    return node


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark else 0


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    text = event.value.translate(_UNSHIELD)
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text


def _attach(parent: _Node, node: _Node, event: yaml.NodeEvent, file: str) -> None:
    line = _line(event)
    if isinstance(parent.value, list):
        parent.value.append(node)
        return
    if not isinstance(parent.value, dict):
        return
    if parent.waiting is not None:
        parent.value[parent.waiting] = node
        parent.waiting = None
        return
    if not isinstance(event, yaml.ScalarEvent):
        raise refuse(file, [Problem(line, (), "a key must be plain text")])
    key = event.value.translate(_UNSHIELD)
    if key in parent.keys:
        raise refuse(file, [Problem(line, (), f"key {shown(key)} is already set on line {parent.keys[key]}")])
    parent.keys[key] = line
    parent.waiting = key


def _plain(node: _Node, path: Path, lines: dict[Path, int], room: Iterator[int], file: str) -> Plain:
    """Copy the tree as plain data; aliases are expanded, within `room`."""
    if next(room, None) is None or len(path) > MAX_DEPTH:
        raise refuse(file, [Problem(node.line, (), f"more than {MAX_NODES} values, or an alias inside itself")])
    lines.setdefault(path, node.line)
    if isinstance(node.value, list):
        return [_plain(item, (*path, index), lines, room, file) for index, item in enumerate(node.value)]
    if isinstance(node.value, dict):
        lines.update({(*path, key): line for key, line in node.keys.items()})
        return {key: _plain(item, (*path, key), lines, room, file) for key, item in node.value.items()}
    return node.value
