"""A caller can find out which recruiters there are, and which pools use which."""

from __future__ import annotations

from routing.recruiters import RECRUITERS
from tests.api.conftest import Running


def test_every_recruiter_is_listed_with_its_traits(api: Running) -> None:
    with api.http() as client:
        listed = client.get("/v1/routers").json()["data"]

    assert [router["id"] for router in listed] == list(RECRUITERS)
    assert all(router["timing"] in {"before", "after"} and router["cold_start"] for router in listed)
    assert any(router["pools"] for router in listed)
