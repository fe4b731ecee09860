"""An API process of its own, for what only a process can show: signals and its exit code."""

from __future__ import annotations

from api.serve import run_api
from core.settings import load_settings
from tests.api.conftest import CLOCK, container_on
from tests.api.scripted import ScriptedConvener, ScriptedRecruiter
from wiring.container import Container


def main() -> None:
    """Serve on the address of the environment."""
    settings = load_settings()
    url = settings.database_url
    assert url is not None

    async def build() -> Container:
        recruiter = ScriptedRecruiter()
        return container_on(url.get_secret_value(), ScriptedConvener(recruiter, CLOCK), recruiter)

    run_api(settings, build)


if __name__ == "__main__":
    main()
