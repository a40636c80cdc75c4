"""Products that were sold and deleted before we had read them: their sales count all the same.

Asked for by `catalogue.py` when a store lacks what an order names.
"""

from collections.abc import Iterable

from sqlmodel import col, select

from schema.tables import Connection, Listing, Match, Order, OrderLine, StockItem
from syncd.engine.context import Engine
from syncd.engine.leases import Held, confirm
from syncd.engine.match import known_skus


def remember_sold(engine: Engine, held: Held, connection_id: int, external_ids: Iterable[str]) -> None:
    """Make listings, gone already, of those that some order names and that we never had.

    All that is known of one is what its order says. It has a figure of its own, which no store shows.
    """
    now = engine.clock.now()
    with engine.database.transaction() as session:
        confirm(session, held, now)
        connection = session.get_one(Connection, connection_id)
        names = sorted(external_ids)
        had = select(Listing.external_id).where(
            Listing.connection_id == connection_id, col(Listing.external_id).in_(names)
        )
        sold = session.exec(
            select(OrderLine)
            .join(Order, col(Order.id) == col(OrderLine.order_id))
            .where(
                Order.connection_id == connection_id,
                col(OrderLine.listing_id).is_(None),
                col(OrderLine.listing_external_id).in_(names),
                col(OrderLine.listing_external_id).not_in(had),
            )
            .order_by(col(OrderLine.id))
        ).all()
        lines = {line.listing_external_id or "": line for line in sold}
        known = known_skus(session, connection.merchant_id, sorted({line.told_sku or "" for line in lines.values()}))
        for external_id, line in lines.items():
            figure = StockItem(connection_id=connection_id, external_id=f"gone:{external_id}"[:191])
            session.add(figure)
            session.flush()
            sku = line.told_sku if line.told_sku in known else None
            session.add(
                Listing(
                    merchant_id=connection.merchant_id,
                    connection_id=connection_id,
                    external_id=external_id,
                    stock_item_id=figure.id or 0,
                    external_sku=line.told_sku,
                    sku=sku,
                    match=Match.LINKED if sku else Match.UNMATCHED if line.told_sku else Match.NO_SKU,
                    title=line.title,
                    linked_at=now if sku else None,
                    seen_at=now,
                    gone_at=now,
                )
            )
