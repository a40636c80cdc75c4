"""Recording, listing, changing and deleting sales, and returns."""

from syncd.sandbox.prokip import sale_shapes
from syncd.sandbox.prokip.business import NotFound, as_id
from syncd.sandbox.prokip.call import SERVER_ERROR, Answer, Call
from syncd.sandbox.prokip.paging import paged
from syncd.sandbox.prokip.records import Sale
from syncd.sandbox.prokip.sale_filters import matching_sales
from syncd.sandbox.prokip.selling import (
    Form,
    PhpError,
    SaleRefused,
    delete_sale,
    record_return,
    record_sale,
    rows,
    update_sale,
)
from syncd.sandbox.prokip.shapes import Json


def record_sells(call: Call, _: str) -> Answer:
    """Each element in its own transaction; a PHP Error in one leaves those before it committed."""
    sells = rows(call.form.get("sells"))
    if not sells:
        return 200, [_buried("Invalid form data")]
    answers: list[object] = []
    for sell in sells:
        try:
            sale = _recorded(call, sell)
        except (NotFound, SaleRefused) as refused:
            answers.append(_buried(str(refused)))
        except PhpError:
            return SERVER_ERROR
        else:
            answers.append(sale_shapes.created_sale(call.business, sale, call.host))
    return 200, answers


def _recorded(call: Call, sell: Form) -> Sale:
    if call.faults.reject_sells:
        raise SaleRefused(call.faults.reject_sells)
    return record_sale(call.business, sell)


def _buried(words: str) -> Json:
    """A JsonResponse that was serialised inside an array: its status is lost."""
    return {"headers": {}, "original": {"error": {"message": words}}, "exception": None}


def list_sells(call: Call, _: str) -> Answer:
    """`GET sell`: sales with their lines; other filters than those of `sale_filters.py` are ignored."""
    if not call.may_view_sells:
        return 403, {"message": "Unauthorized action."}
    found = matching_sales(call.business.sales.values(), call.query)
    if any(call.query.get(name) for name in call.lossy_filters):
        found = []
    if call.hides_drafts:
        found = [sale for sale in found if sale.status != "draft"]
    order = call.query.get("order_by_date")
    if order:
        found.sort(key=lambda sale: (sale.sold_at, sale.id), reverse=order.lower() == "desc")
    else:
        found = call.unordered(found)

    def shape(sale: Sale) -> Json:
        return sale_shapes.listed_sale(call.business, sale, call.host)

    return 200, paged(call.page, found, shape)


def show_sells(call: Call, ids: str) -> Answer:
    """`GET sell/{ids}`: an unknown id is no error, it is only missing."""
    wanted = {as_id(one) for one in ids.split(",")}
    found = [sale for sale in call.business.sales.values() if sale.id in wanted]
    return 200, {"data": [sale_shapes.shown_sale(sale, call.host) for sale in found]}


def change_sell(call: Call, key: str) -> Answer:
    """`PUT sell/{id}`: real 404 and 400 on errors."""
    sale = call.business.sales.get(as_id(key))
    if sale is None:
        raise NotFound("Transaction", key)
    update_sale(call.business, sale, call.form)
    return 200, sale_shapes.updated_sale(sale, call.host)


def remove_sell(call: Call, key: str) -> Answer:
    """`DELETE sell/{id}`: says success for an unknown id, and 200 when it refuses."""
    if delete_sale(call.business, as_id(key)):
        return 200, {"success": True, "msg": "Sale deleted successfully"}
    return 200, {"success": False, "msg": "Return exist for the transaction"}


def return_units(call: Call, _: str) -> Answer:
    """`POST sell-return`: 201 for the first return of a sale, 200 for a change of it."""
    sale, is_new = record_return(call.business, call.form)
    return (201 if is_new else 200), sale_shapes.sell_return(call.business, sale, is_new=is_new)


def list_returns(call: Call, _: str) -> Answer:
    """The resource loops over lines that are not loaded: an error as soon as one row matches."""
    wanted = as_id(call.query["sell_id"]) if call.query.get("sell_id") else None
    for sale in call.business.sales.values():
        if sale.return_document and wanted in {None, sale.id}:
            return SERVER_ERROR
    nothing: list[Sale] = []
    return 200, paged(call.page, nothing, lambda sale: sale_shapes.shown_sale(sale, call.host))
