"""The names a configuration may use are those the rooms know."""

from __future__ import annotations

from agents.aggregators.choosing import AGGREGATORS
from experts.scripted import SCRIPTS
from routing.recruiters.registry import ROUTERS
from wiring.configuration.names import Names
from wiring.tools import TOOLS


def test_every_name_that_is_allowed_is_there_and_the_other_way_round() -> None:
    names = Names()

    assert names.routers == set(ROUTERS)
    assert names.aggregators == set(AGGREGATORS)
    assert names.scripts == set(SCRIPTS)
    assert names.tools == set(TOOLS)
