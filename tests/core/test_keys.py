"""API keys: what is shown once opens, what is stored does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import KeyId
from core.keys import ApiKey, is_genuine, key_id_of, mint_key

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PEPPER = b"pepper"


def minted(entropy: bytes = b"\x01" * 32) -> tuple[ApiKey, str]:
    return mint_key(KeyId("01ABC"), "a key", PEPPER, NOW, entropy=lambda size: entropy[:size])


@given(st.binary(min_size=32, max_size=32))
def test_every_minted_key_is_genuine_and_names_its_id(entropy: bytes) -> None:
    key, shown = minted(entropy)

    assert is_genuine(key, shown, PEPPER)
    assert key_id_of(shown) == "01ABC"
    assert shown.encode() not in key.digest


@given(st.integers(0, 59), st.sampled_from("0aZ_"))
def test_a_key_with_one_wrong_character_is_never_genuine(place: int, character: str) -> None:
    key, shown = minted()
    changed = shown[:place] + character + shown[place + 1 :]

    assert changed == shown or not is_genuine(key, changed, PEPPER)


def test_a_key_is_worthless_under_another_pepper() -> None:
    key, shown = minted()

    assert not is_genuine(key, shown, b"another")


@pytest.mark.parametrize("shown", ["", "cvl_", "sk-123", "cvl_01ABC_short_000000", "cvl_a_b_c_d", "cvl_\x00_\u0660_x"])
def test_what_is_no_key_names_no_id(shown: str) -> None:
    assert key_id_of(shown) is None


def test_a_mistyped_key_fails_its_checksum_before_any_look_up() -> None:
    _, shown = minted()

    assert key_id_of(shown[:-1] + ("0" if shown[-1] != "0" else "1")) is None


def test_an_id_that_could_not_be_read_back_is_refused() -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        mint_key(KeyId("a_b"), "a key", PEPPER, NOW)
