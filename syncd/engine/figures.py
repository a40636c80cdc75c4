"""Reading what a store shows now, outside of a look: no belief rests on it."""

from collections.abc import Sequence

from connectors.sdk.contract import Store
from connectors.sdk.values import StockRef
from syncd.domain import border
from syncd.engine.batches import batched


def read_figures(store: Store, refs: Sequence[StockRef]) -> dict[str, int]:
    """The figures by the platform's id; what the store does not count is missing. Raises ConnectorError."""
    return {
        stock_id: figure
        for batch in batched(refs, store.traits.read_rows)
        for stock_id, told in store.read_stock(batch).figures.items()
        if (figure := border.figure(told)) is not None
    }
