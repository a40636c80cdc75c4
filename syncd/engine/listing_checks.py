"""Asking that a listing be read again: the hand of its store does, as `catalogue.recheck_due` says."""

from datetime import datetime

from sqlmodel import Session, select

from schema.tables import Listing, ListingCheck, StockItem


def check_listing(session: Session, connection_id: int, external_id: str, *, due_at: datetime) -> None:
    """Have one listing read; what was asked for before stands."""
    if session.get(ListingCheck, (connection_id, external_id)) is None:
        session.add(ListingCheck(connection_id=connection_id, external_id=external_id, due_at=due_at))


def check_listings_of(session: Session, item: StockItem, now: datetime) -> None:
    """Have all listings of a figure read, because the store gave none for it."""
    for listing in session.exec(select(Listing).where(Listing.stock_item_id == item.id)):
        check_listing(session, item.connection_id, listing.external_id, due_at=now)
