"""Settings that change numbers: safety stock, buffer, cap, low stock."""

from starlette.responses import Response

from schema.tables import RuleKind
from syncd.engine import connections, rule_setting
from syncd.engine.views.stores import connected_stores
from syncd.errors import NotPossible
from syncd.web.frame.pages import Pages
from syncd.web.frame.visit import Visit

pages = Pages()

KINDS = {
    RuleKind.SAFETY_STOCK: ("Safety stock", "Units that are never offered, at each location."),
    RuleKind.BUFFER: ("Buffer", "Units held back in one store."),
    RuleKind.CAP: ("Highest number shown", "A store shows at most this many."),
    RuleKind.LOW_STOCK: ("Low stock", "At this many or fewer available a SKU is listed as low."),
}


@pages.get("/app/settings/rules")
def rule_list(visit: Visit) -> Response:
    """Every rule; the narrowest one counts."""
    return _page(visit, wrong="")


def _page(visit: Visit, *, wrong: str) -> Response:
    with visit.reading() as session:
        rules = rule_setting.list_rules(session, visit.merchant_id)
        stores = connected_stores(session, visit.merchant_id)
    kinds = {kind.value: words for kind, words in KINDS.items()}
    return visit.render(
        "settings/rules.html",
        422 if wrong else 200,
        rules=rules,
        stores=stores,
        kinds=kinds,
        wrong=wrong,
        sku=visit.sent("sku") or visit.query("sku"),
        kind=visit.sent("kind"),
        drift_limit=visit.engine.settings.reconcile.drift_limit,
        brake=visit.engine.settings.backoffice,
    )


@pages.post("/app/settings/rules")
def set_rule(visit: Visit) -> Response:
    """Set one, or take it away; the numbers of the stores follow."""
    told, name = visit.sent("value"), visit.sent("store")
    is_taken_away = visit.sent("deed") == "remove"
    if not is_taken_away and not told.isdigit():
        return _page(visit, wrong="Type a whole number of units, 0 or more.")
    try:
        kind = RuleKind(visit.sent("kind"))
    except ValueError:
        return _page(visit, wrong="Choose what to set.")
    try:
        with visit.reading() as session:
            store = connections.find(session, visit.merchant_id, name) if name else None
        rule_setting.set_rule(
            visit.engine,
            visit.merchant_id,
            kind,
            None if is_taken_away else int(told),
            connection_id=store.id if store else None,
            sku=visit.sent("sku") or None,
            actor=visit.actor,
        )
    except NotPossible as error:
        return _page(visit, wrong=str(error))
    return visit.go("/app/settings/rules", said="Saved. Your stores follow within seconds.")
