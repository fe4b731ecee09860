"""Words that say nothing of a subject, by language: they tell what language a text is in, and what leans on what.

Languages that are not here are told by their script, and their questions by length alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _listed(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


FREQUENT: Final[Mapping[str, frozenset[str]]] = {
    "en": _listed(
        "the of and to is in what how that for are was with which a who why does do you an as at be by can did from",
        "has have he her his i if it its me my not on or she so than their them then there they this we were when",
        "where will would your could should any all am been but had him into just no our out some up us very yes",
    ),
    "fr": _listed(
        "le la les l de des du un une et est dans pour que quelle quel qui quoi avec sont je vous tu il elle",
        "comment sur ce cette pas par plus ou où au aux en mais pourquoi",
    ),
    "de": _listed(
        "der die das den dem und ist sind nicht ein eine einen wie was wer welche für von mit ich sie es zu auf",
        "im in warum wo oder aber auch bei",
    ),
    "es": _listed(
        "el los las la un una es son por para que cuál qué con y o del de se como está cómo en quién dónde pero",
        "más muy",
    ),
    "it": _listed(
        "il lo gli la le che chi è sono di del della una un per quale con nel come si cosa perché e o in dove ma più",
    ),
    "pt": _listed(
        "o os a as uma um é são não para qual quem com do da em que e ou dos como você por onde mas mais porque",
    ),
    "nl": _listed("de het een en van is zijn niet dat wat wie hoe waarom voor met ik je op in te"),
    "pl": _listed("jest są i w na nie się co jak czy do z że dla to jaka jaki kto gdzie"),
    "sv": _listed("och att det som är en ett inte vad vem hur varför för med på jag den av"),
    "tr": _listed("bir ve bu için ne nasıl mi ile çok ben nedir neden da de var kim"),  # noqa: RUF001 (its own letter)
    "id": _listed("yang dan di apa itu untuk dengan ini dari adalah tidak bagaimana pada saya akan"),
    "vi": _listed("là của và một các cho không có được những với người này như gì"),
    "cs": _listed("je a v se na že co jak pro není jsou to kde kdo jako nebo když"),
}
"""What texts of a language are mostly made of."""

REFERRING: Final = _listed(
    "above again another before else former it its instead last latter more next other others previous same second",
    "that them these they third this those",
    "ça cela celui ceci autre encore précédent dies diese dieser dieses nochmal vorherige andere",
    "eso esa ese esto otra otro anterior questo quello altro ancora precedente isso esse essa isto outro outra",
)
"""What points at something that was said."""

HANDLING: Final = _listed(
    "about after also answer answers ask because clear clearly continue correct detail details done don elaborate",
    "example examples explain explanation few first further get give go got here keep know less let like longer make",
    "many maybe mean much need now off ok okay one ones only over please point really reason repeat rephrase rewrite",
    "right s say see shorten shorter show simpler simplify step steps still summarise summarize sure t tell thanks",
    "thing things think too try understand understands until use want way well while whose wrong yet re ll ve",
    "continuez exemple explique merci beispiel bitte danke erkläre genau weiter ejemplo explica gracias continúa",
    "esempio spiega grazie exemplo explique obrigado",
    "为什么 继续 然后 还有 那么 呢 なぜ どうして 続けて それは 왜 계속 그리고",
)
"""What says how to go on, and not with what."""

EMPTY: Final = frozenset().union(*FREQUENT.values(), REFERRING, HANDLING)
"""All words by which no subject is told."""
