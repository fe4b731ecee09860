"""Which family a model is of, told from its name: experts of one family tend to err together."""

from __future__ import annotations

import re
from typing import Final

_BRANDS: Final = frozenset(
    {"claude", "command", "deepseek", "gemini", "granite", "grok", "jamba", "nemotron", "nova", "phi", "yi"}
)
# These brands name their kin by what they put before: codellama, chatgpt, mathstral, mixtral.
_ENDINGS: Final = (
    ("gemma", "gemma"),
    ("glm", "glm"),
    ("gpt", "gpt"),
    ("llama", "llama"),
    ("qwen", "qwen"),
    ("stral", "mistral"),
    ("xtral", "mistral"),
)
_VENDOR: Final = re.compile(r"^(?:.*/)?(?:[a-z][a-z-]*_(?=[a-z]))?")
_WORD: Final = re.compile(r"[^\W\d_]+")
_REASONER: Final = re.compile(r"o\d")


def family_of(model: str) -> str:
    """Return the family of the model of this name, in lower case; sizes, versions, tunings and formats do not matter.

    The first brand in the name decides, so a tuned model is of the family it was tuned from: "Hermes-2-Pro-Llama-3-8B"
    is a llama. A name without a brand gives its first word after the vendor's ("vendor/" or "vendor_"), and one
    without letters is a family of its own.
    """
    whole = model.lower()
    own = _VENDOR.sub("", whole)
    if _REASONER.match(own):
        return "gpt"
    words: list[str] = _WORD.findall(own)
    # The vendor's words come last: they tell that QwQ of qwen/ is a qwen, but not that Gemma of gemini/ is a gemini.
    brands = [brand for word in [*words, *_WORD.findall(whole)] if (brand := _brand(word))]
    return [*brands, *words, whole][0]


def _brand(word: str) -> str | None:
    if word in _BRANDS:
        return word
    return next((brand for ending, brand in _ENDINGS if word.endswith(ending)), None)
