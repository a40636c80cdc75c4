"""A merchant without a back office: people count in syncd's own ledger, and what stores sell is booked there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.sdk.fake.office import FakeOffice
from syncd.engine import adjust

if TYPE_CHECKING:
    from tests.simulation.system.world import World

ON_HAND = "SELECT on_hand FROM inventory_cache WHERE sku = ? AND location_id = ?"
DOCUMENTS = """
SELECT l.sku, p.quantity, p.returned FROM sale_document_line p JOIN sale_document d ON d.id = p.document_id
JOIN order_line l ON l.id = p.order_line_id JOIN order_header o ON o.id = d.order_id
WHERE d.state = 'recorded' AND o.connection_id = ? AND o.external_id = ?
"""


@dataclass(slots=True, kw_only=True)
class OwnLedger(FakeOffice):
    """Takes the place of the office: what people would do there they do in the ledger. No call ever reaches it."""

    world: "World | None" = None

    def begin(self) -> None:
        """Everything is counted once."""
        for item in self.items.values():
            self._count(item.sku, {place: self.shelves[item.external_id, place] for place in self.world.places})

    def add_item(self, sku: str, quantities: Mapping[str, int]) -> str:
        external_id = FakeOffice.add_item(self, sku, quantities)
        if self.world.processes:
            self._count(sku, quantities)
        return external_id

    def stock(self, sku: str, location_id: str = "L1") -> int:
        return self.world.query(ON_HAND, sku, self.world.places[location_id])[0][0]

    def move(self, external_id: str, location_id: str, units: int) -> None:
        self._adjust(self.items[external_id].sku, location_id, delta=units)

    def documents(self, connection_id: int, order_id: str) -> list[tuple[str, int, int]]:
        """SKU, units sold and units returned of what is booked of an order."""
        return self.world.query(DOCUMENTS, connection_id, order_id)

    def _count(self, sku: str, quantities: Mapping[str, int]) -> None:
        for place, units in quantities.items():
            self._adjust(sku, place, to=units)

    def _adjust(self, sku: str, place: str, **what: int) -> None:
        """A person's command takes effect whole: who dies are the processes of the daemon."""
        world = self.world
        listening, world.database.on_moment = world.database.on_moment, None
        engine = world.processes[0].engine
        adjust.adjust(engine, world.merchant_id, sku, **what, location=place, reason="", actor="me")
        world.database.on_moment = listening
