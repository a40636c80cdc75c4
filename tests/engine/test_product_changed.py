"""A store tells of a product as a whole: the listings below it are read again, and no other."""

from sqlmodel import select

from connectors.sdk.values import ProductChanged
from schema.tables import ListingCheck
from syncd.engine import intake
from tests.engine.test_match import listing


def test_every_listing_below_a_product_is_read_again(merchant_with):
    world = merchant_with(skus={"MUG": 5, "TIN": 5, "CUP": 5})
    connection = world.connection("A")
    ids = {item.sku: item.external_id for item in world.stores["A"].items.values()}
    with world.engine.database.transaction() as session:
        for sku, product in (("MUG", "p1"), ("TIN", "p1"), ("CUP", "p2")):
            figure = world.stock_item("A", sku)
            figure.parent_id = product
            session.add(figure)
    for told in (ProductChanged(product_id="p1"), ProductChanged(product_id="p1"), ProductChanged(product_id="p9")):
        with world.engine.database.transaction() as session:
            intake.apply_fact(world.engine, session, connection, told, world.clock.now())
    with world.engine.database.reading() as session:
        checks = session.exec(select(ListingCheck.external_id)).all()
    assert sorted(checks) == sorted([ids["MUG"], ids["TIN"]])
    assert listing(world, ids["CUP"]).gone_at is None
