"""The world of the engine's tests stands on both databases."""

from sqlmodel import select

from schema.tables import InventoryCache


def test_a_world_has_every_store_showing_what_lies_on_the_shelf(merchant_with):
    world = merchant_with(stores=("A", "B"), skus={"MUG": 5})
    with world.engine.database.reading() as session:
        cache = session.exec(select(InventoryCache)).one()
    assert (cache.on_hand, cache.open) == (5, 0)
    assert [world.stock_item(name, "MUG").observed for name in ("A", "B")] == [5, 5]
    assert [world.stock_item(name, "MUG").desired for name in ("A", "B")] == [5, 5]
    assert world.office.stock("MUG") == world.stores["A"].stock("MUG") == 5
