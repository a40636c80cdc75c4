"""The question that the database is asked for looks is the rule's (`syncd.domain.look.wants_look_at`)."""

from datetime import timedelta

import pytest

from schema.tables import Connection, StockItem
from syncd.domain.look import wants_look_at
from syncd.engine import due, items


@pytest.mark.parametrize("is_marked", [False, True])
@pytest.mark.parametrize("suspected", [None, -61, -59])
@pytest.mark.parametrize("quarantine", [None, -1, 1])
def test_a_look_is_due_when_the_rule_says_so(merchant_with, is_marked, suspected, quarantine):
    world = merchant_with(stores=("A",))
    now = world.clock.now()
    with world.engine.database.transaction() as session:
        item = session.get_one(StockItem, world.stock_item("A", "MUG").id)
        item.look_at = now if is_marked else None
        if suspected is not None:
            item.suspect, item.suspect_at = -1, now + timedelta(seconds=suspected)
        if quarantine is not None:
            item.unknown_until = now + timedelta(seconds=quarantine)
        wanted = wants_look_at(items.belief(item), now=now, quarantine_until=item.unknown_until)
    with world.engine.database.reading() as session:
        store = session.get_one(Connection, world.connection_ids["A"])
        is_due = due.store_work(session, world.engine.settings, store, now).looks
    assert is_due is (wanted is not None and wanted <= now)
