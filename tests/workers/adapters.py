"""A LoRA adapter for SmolLM2, made of noise: strong enough that whoever answers with it answers differently."""

from __future__ import annotations

import hashlib
import random
import struct
from pathlib import Path

from core.experts import Adapter, Source

_WIDTH, _RANK, _LAYERS = 576, 4, 4
_TEXT, _FLOAT = 8, 6


def noise(folder: Path, name: str = "noise", strength: float = 1.0) -> Adapter:
    """Write the adapter's GGUF into a folder and return how a configuration names it."""
    rng = random.Random(name)
    shapes = {
        f"blk.{layer}.attn_output.weight.{part}": shape
        for layer in range(_LAYERS)
        for part, shape in (("lora_a", (_WIDTH, _RANK)), ("lora_b", (_RANK, _WIDTH)))
    }
    head, offset = b"", 0
    for tensor, shape in shapes.items():
        head += _text(tensor) + struct.pack("<IQQIQ", 2, *shape, 0, offset)
        offset += _WIDTH * _RANK * 4
    facts = [("general.type", "adapter"), ("general.architecture", "llama"), ("adapter.type", "lora")]
    said = b"".join(_text(key) + struct.pack("<I", _TEXT) + _text(value) for key, value in facts)
    said += _text("adapter.lora.alpha") + struct.pack("<If", _FLOAT, _RANK)
    content = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(facts) + 1) + said + head
    content += b"\0" * (-len(content) % 32)
    numbers = [rng.uniform(-strength, strength) for _ in range(len(shapes) * _WIDTH * _RANK)]
    content += struct.pack(f"<{len(numbers)}f", *numbers)
    path = folder / f"{name}.gguf"
    path.write_bytes(content)
    return Adapter(name, (Source("path", str(path)),), hashlib.sha256(content).hexdigest())


def _text(words: str) -> bytes:
    return struct.pack("<Q", len(words)) + words.encode()
