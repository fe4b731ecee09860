"""A line to an expert: everything the gateway keeps about calling it, found once and kept."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from core.calls import Deadlines
from core.errors import ConfigurationError, NotFound
from core.experts import Catalogue, ExpertSpec, Kind
from core.ids import ExpertName
from core.ports import Transport
from experts.circuit import Circuit
from experts.pace import Pace
from experts.ports import CompletingTransport, QuotingTransport, SelfReportingTransport
from experts.quota import Quota, deployment, quota_group

DEADLINES: Mapping[Kind, Deadlines] = {
    Kind.REMOTE: Deadlines(),
    # A hosted model may have to be loaded first, behind another one's turn.
    Kind.HOSTED: Deadlines(first_token=90.0, total=300.0),
    Kind.RECORDED: Deadlines(),
    Kind.TOOL: Deadlines(first_token=10.0, total=10.0),
    Kind.SCRIPTED: Deadlines(),
}


@dataclass(frozen=True, slots=True)
class Line:
    """How one expert is reached. `circuit` and `quota` are shared with the experts that fail or wait together."""

    spec: ExpertSpec
    transport: Transport
    deadlines: Deadlines
    circuit: Circuit
    quota: Quota
    pace: Pace
    completing: CompletingTransport | None
    quoting: QuotingTransport | None
    reporting: SelfReportingTransport | None


class Switchboard:
    """The lines to all experts of a catalogue."""

    def __init__(
        self,
        catalogue: Catalogue,
        transports: Mapping[Kind, Transport],
        rng: random.Random,
        deadlines: Mapping[Kind, Deadlines],
    ) -> None:
        """Serve the experts of `catalogue`; kinds that `deadlines` leaves out keep the defaults."""
        self._catalogue = catalogue
        self._transports = transports
        self._deadlines = {**DEADLINES, **deadlines}
        self._lines: dict[ExpertName, Line] = {}
        self._circuits: defaultdict[str, Circuit] = defaultdict(lambda: Circuit(rng))
        self._quotas: defaultdict[str, Quota] = defaultdict(Quota)

    def line(self, name: ExpertName) -> Line:
        """Return the line to an expert; raises `NotFound` with near names."""
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = self._connect(name)
        return line

    def _connect(self, name: ExpertName) -> Line:
        spec = self._catalogue.experts.get(name)
        if spec is None:
            raise NotFound.named("expert", name, self._catalogue.experts, param="model")
        transport = self._transports.get(spec.kind)
        if transport is None:
            raise ConfigurationError(f"expert {name}: this process has no way to call {spec.kind} experts")
        return Line(
            spec=spec,
            transport=transport,
            deadlines=self._deadlines[spec.kind],
            circuit=self._circuits[deployment(spec)],
            quota=self._quotas[quota_group(spec)],
            pace=Pace(spec.limits),
            completing=transport if isinstance(transport, CompletingTransport) else None,
            quoting=transport if isinstance(transport, QuotingTransport) else None,
            reporting=transport if isinstance(transport, SelfReportingTransport) else None,
        )
