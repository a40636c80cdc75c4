"""What people do in the stores, at the till and at our desk, and what goes wrong with the platforms.

Each act takes the history, uses its chance, and tells in a few words what was done; nothing to tell means nothing done.
"""

from datetime import timedelta

from connectors.sdk.errors import ConnectorError
from connectors.sdk.fake import CatalogueFault, FakeShop
from syncd.engine import connect, connections, golive, leases, leaving, release, sync, undo
from syncd.errors import LeaseLost, NotPossible
from tests.simulation.system.world import LATE_SKU

OUTAGES = {"20 minutes": 1_200, "3 hours": 10_800, "8 days": 691_200, "70 days": 6_048_000}


# ------------------------------------------------------------------------------------------- customers


def sell(history) -> str:
    name = history.any_shop()
    shop = history.world.shops[name]
    skus = history.chance.sample(history.world.setting.skus, k=history.chance.choice([1, 1, 1, 2]) % 3)
    offered = {item.sku for item in shop.items.values()}
    basket = {sku: history.chance.choice([1, 1, 2, 3]) for sku in skus if sku in offered}
    is_paid, is_test = history.chance.random() < 0.7, history.chance.random() < 0.03
    if not basket:
        return ""
    history.measure_window(name, basket)
    order = shop.sell(basket, is_paid=is_paid, is_test=is_test)
    history.note_sale(name, order, basket)
    goods = " and ".join(f"{units} {sku}" for sku, units in basket.items())
    return f"{name} sells {goods} as {order}, {'a test, ' if is_test else ''}{'paid' if is_paid else 'unpaid'}"


def pay(history) -> str:
    name, shop, order = history.any_order()
    if order is None or order.is_paid or order.is_final:
        return ""
    shop.pay(order.order_id)
    return f"{name}'s order {order.order_id} is paid"


def refund(history) -> str:
    name, shop, order = history.any_order()
    if order is None:
        return ""
    line = history.chance.choice(order.lines)
    restock = history.chance.random() < 0.7
    units = history.chance.choice([1, 1, 2])
    shop.refund(order.order_id, {line.sku: units}, restock=restock)
    return f"{name} refunds {units} {line.sku} of {order.order_id}, {'with' if restock else 'without'} restock"


def cancel(history) -> str:
    name, shop, order = history.any_order()
    restock = history.chance.random() < 0.8
    if order is None or order.cancelled_at is not None:
        return ""
    shop.cancel(order.order_id, restock=restock)
    return f"{name} cancels {order.order_id}{'' if restock else ', without restock'}"


def edit(history) -> str:
    name, shop, order = history.any_order()
    if order is None or order.cancelled_at is not None or history.truth.handed.get((name, order.order_id)):
        return ""
    line = history.chance.choice(order.lines)
    units = history.chance.randrange(1, 5)
    if line.sku not in {item.sku for item in shop.items.values()}:
        return ""
    shop.edit(order.order_id, line.sku, units)
    return f"{name} edits {order.order_id} to {units} {line.sku}"


# ------------------------------------------------------------------------------------------- staff


def till(history) -> str:
    sku, place = history.any_shelf()
    if history.truth.shelf[sku, place] <= 0:
        return ""
    history.truth.move(sku, place, -1)
    return f"the till sells 1 {sku} at {place}"


def lorry(history) -> str:
    sku, place = history.any_shelf()
    units = history.chance.choice([2, 5, 40])
    history.truth.move(sku, place, units)
    return f"{units} {sku} arrive at {place}"


def hand_return(history) -> str:
    """A cashier takes a unit of an online sale back; such an order is edited no more."""
    simple = [
        booked
        for booked in history.world.office.booked.values()
        if len(booked.record.lines) == 1 and booked.record.lines[0].returned < booked.record.lines[0].quantity
    ]
    if not simple:
        return ""
    booked = history.chance.choice(simple)
    name, _, order_id = booked.record.invoice_no.partition("/")
    order = history.world.shops[name].orders.get(order_id)
    if order is None or len(order.now.lines) != 1 or order.now.lines[0].quantity != booked.record.lines[0].quantity:
        return ""
    key = (name, order_id)
    history.truth.handed[key] = max(history.truth.handed[key], booked.record.lines[0].returned) + 1
    history.world.office.hand_return(booked.record.sale_id, order.now.lines[0].sku, 1)
    return f"a cashier takes 1 of {name}'s {order_id} back"


def staff_edit(history) -> str:
    name = history.any_shop()
    if not history.world.setting.has_edits or not history.may_be_found(name):
        return ""
    shop = history.world.shops[name]
    sku = history.any_offered(shop)
    by = history.chance.choice([-2, -1, -1, 1, 3, 3, 30])
    if sku is None or shop.item(sku).ref.stock_id not in shop.figures:
        return ""
    figure = max(0, shop.stock(sku) + by)
    history.watch.blur(name, shop.item(sku).ref.stock_id)
    shop.set_stock(sku, figure)
    return f"staff of {name} set {sku} to {figure}"


def delete_product(history) -> str:
    name = history.any_shop()
    shop = history.world.shops[name]
    sku = history.any_offered(shop)
    live = history.truth.live_at(name) is not None
    if sku in (None, "MUG", LATE_SKU, "CUP", "TIN", "SET") or not live:
        return ""
    history.watch.blur(name, shop.item(sku).ref.stock_id)
    shop.delete_item(sku)
    history.truth.gone.add((name, sku))
    return f"{name} deletes {sku}"


def make_anew(history) -> str:
    gone = sorted(history.truth.gone)
    if not gone:
        return ""
    name, sku = history.chance.choice(gone)
    history.truth.gone.discard((name, sku))
    shop = history.world.shops[name]
    external_id = shop.add_item(sku, history.chance.randrange(10))
    history.watch.blur(name, shop.items[external_id].ref.stock_id)
    return f"{name} makes {sku} anew"


def track(history) -> str:
    """Tracking is switched on or off where no order is on its way."""
    if "PLATE" not in history.world.setting.skus:
        return ""
    shop = history.world.shops["a"]
    if not any(item.sku == "PLATE" for item in shop.items.values()):
        return ""
    history.watch.blur("a", shop.item("PLATE").ref.stock_id)
    was_tracked = shop.item("PLATE").tracked
    if was_tracked and any(line.sku == "PLATE" for order in history.truth.orders("a") for line in order.lines):
        return ""
    shop.track("PLATE", None if was_tracked else history.chance.randrange(12))
    return f"a tracks PLATE {'no more' if was_tracked else 'from now on'}"


def late_sku(history) -> str:
    """The back office gets an item that stores sell already."""
    setting = history.world.setting
    if LATE_SKU not in setting.skus or history.truth.is_known(LATE_SKU):
        return ""
    history.world.office.add_item(LATE_SKU, {"L1": setting.on_hand, "L2": 2})
    history.truth.shelf[LATE_SKU, "L1"], history.truth.shelf[LATE_SKU, "L2"] = setting.on_hand, 2
    return f"the back office gets the item {LATE_SKU}"


# ------------------------------------------------------------------------------------------- platforms


def fault(history) -> str:
    who = history.chance.choice([*history.world.shops.values(), history.world.office])
    faults = who.faults
    kind = history.chance.choice(
        ["lost", "lost", "swallowed", "swallowed", "late", "down", "deaf", "throttled", "catalogue", "mend", "mend"]
    )
    match kind:
        case "lost":
            faults.lost_writes = 1
        case "swallowed":
            faults.swallowed_writes = 1
        case "late":
            faults.late_writes = 1
        case "down":
            faults.is_down = True
        case "deaf" if isinstance(who, FakeShop):
            faults.is_deaf = True
        case "throttled":
            faults.rate_limit = history.chance.choice([0.5, 4, 30])
        case "catalogue":
            faults.catalogue = history.chance.choice(list(CatalogueFault))
            history.truth.is_stale = history.truth.is_stale or faults.catalogue is CatalogueFault.STALE
        case "mend":
            return mend(who)
        case _:
            return ""
    return f"fault at {who.account_id}: {kind}{f' {faults.catalogue}' if kind == 'catalogue' else ''}"


def mend(who) -> str:
    faults = who.faults
    faults.is_down = faults.is_deaf = False
    faults.rate_limit = faults.catalogue = None
    return f"{who.account_id} is mended"


def outage(history) -> str:
    """A platform is away for long; its customers, if it is a store, go on buying."""
    who = history.chance.choice([*history.world.shops.values(), history.world.office])
    length = history.chance.choice(list(OUTAGES))
    who.faults.is_down, who.faults.is_deaf = True, history.chance.random() < 0.7
    history.say(f"{who.account_id} is away for {length}")
    parts = history.chance.choice([3, 5])
    for _ in range(parts):
        for act in (sell, sell, history.chance.choice([pay, refund, cancel, till])):
            history.do(act)
        history.pass_time(OUTAGES[length] / parts)
        history.work(2)
    return mend(who)


def denied(history) -> str:
    who = history.chance.choice([*history.world.shops.values(), history.world.office])
    if who.faults.is_denied:
        return reconnect(history)
    who.faults.is_denied = True
    return f"{who.account_id} takes our key no more"


# ------------------------------------------------------------------------------------------- our desk


def reconnect(history) -> str:
    for name, who in {**history.world.shops, "office": history.world.office}.items():
        if name not in history.world.ids:
            continue
        if who.faults.is_denied or history.world.state(name) == "needs_auth":
            who.faults.is_denied = False
            return history.by_hand(
                f"{name} is reconnected",
                lambda engine, name=name: connect.reconnect(engine, history.world.ids[name], {}, actor="me"),
            )
    return ""


def leave(history) -> str:
    """A store is disconnected, or connected again."""
    name = history.any_shop()
    if history.world.state(name) == "disconnected":
        return come_back(history, name)
    due, warnings = history.truth.due_orders(name), ["cut short"]

    def act(engine) -> None:
        warnings[:] = leaving.disconnect(engine, history.world.ids[name], actor="me")

    told = history.by_hand(f"{name} is left", act)
    if history.world.state(name) == "disconnected":
        was_heard = not warnings and not history.setting.shops[name].order_lag
        history.truth.left[name] = (due if was_heard else set(), history.truth.due_orders(name))
    history.world.look_around()
    return told


def come_back(history, name: str) -> str:
    """The same store is connected again: in shadow, and its orders are judged anew."""
    shop = history.world.shops[name]
    shop.faults.is_denied = False
    wanted = connect.StoreRequest(
        merchant_id=history.world.merchant_id,
        platform="fake",
        name=name,
        record=history.setting.shops[name].record,
        settings={"shop": shop.account_id},
    )
    told = history.by_hand(f"{name} is connected again", lambda engine: connect.connect_store(engine, wanted, {}))
    if history.world.state(name) != "disconnected":
        history.truth.keep_what_was_ours(name)
    history.world.look_around()
    return told


def go_live(history) -> str:
    waiting = [name for name in history.world.shops if history.may_go_live(name)]
    if not waiting:
        return ""
    return make_live(history, history.chance.choice(waiting))


def make_live(history, name: str) -> str:
    connection_id = history.world.ids[name]

    def act(engine) -> None:
        with leases.holding(engine, f"store:{connection_id}") as held:
            if held is None:
                raise NotPossible("busy")
            golive.go_live(engine, held, connection_id, actor="me")

    told = history.by_hand(f"{name} goes live", act)
    if history.world.state(name) == "live":
        history.was_live.add(name)
    history.truth.ring_up(name)
    return told


def pause(history) -> str:
    name = history.any_shop()
    state, connection_id = history.world.state(name), history.world.ids[name]
    if state == "live":
        return history.by_hand(f"{name} is paused", lambda engine: connections.pause(engine, connection_id, actor="me"))
    if state == "paused":
        return history.by_hand(f"{name} goes on", lambda engine: connections.resume(engine, connection_id, actor="me"))
    return ""


def force_sync(history) -> str:
    is_full = history.chance.random() < 0.3
    return history.by_hand(
        f"a {'full ' if is_full else ''}sync is asked for",
        lambda engine: sync.want(engine, history.world.merchant_id, full=is_full, actor="me"),
    )


def undo_run(history) -> str:
    rows = history.world.query(
        "SELECT r.id FROM sync_run r JOIN push p ON p.run_id = r.id "
        "WHERE p.state = 'acknowledged' AND NOT p.is_undo AND r.undone_by IS NULL AND r.state = 'done' GROUP BY 1"
    )
    if not rows:
        return ""
    (run_id,) = history.chance.choice(rows[-4:])
    return history.by_hand(
        f"run {run_id} is undone", lambda engine: undo.undo(engine, history.world.merchant_id, run_id, actor="me")
    )


def release_one(history) -> str:
    rows = history.world.query(
        "SELECT id, kind FROM issue WHERE state = 'open' AND kind IN ('drift_held', 'undone', 'reading_held')"
    )
    if not rows:
        return ""
    issue_id, kind = history.chance.choice(rows)
    is_reading = kind == "reading_held"
    if is_reading and history.world.office.faults.catalogue is not None:
        return ""  # who looks sees that the reading is wrong
    choice = (
        None if is_reading else history.chance.choice([release.Choice.OURS, release.Choice.OURS, release.Choice.KEEP])
    )
    until = history.world.now() + timedelta(hours=1) if choice is release.Choice.KEEP else None
    return history.by_hand(
        f"{kind} is released{f': {choice.value}' if choice else ''}",
        lambda engine: release.release(engine, history.world.merchant_id, issue_id, choice, until=until, actor="me"),
    )


LEFT_OUT = "SELECT id FROM order_header WHERE connection_id = ? AND external_id = ? AND left_out"


def let_go(history) -> str:
    """A person lets go of an order that will never be paid."""
    rows = history.world.query(
        "SELECT i.id, c.name, o.external_id FROM issue i JOIN order_header o ON o.id = i.order_id "
        "JOIN connection c ON c.id = o.connection_id WHERE i.state = 'open' AND i.kind = 'never_paid'"
    )
    if not rows:
        return ""
    issue_id, name, order_id = history.chance.choice(rows)

    def act(engine) -> None:
        release.release(engine, history.world.merchant_id, issue_id, actor="me")
        history.truth.left_out.add((name, order_id))

    told = history.by_hand(f"order {order_id} of {name} is let go", act)
    if history.world.query(LEFT_OUT, history.world.ids[name], order_id):  # cut short after it was done
        history.truth.left_out.add((name, order_id))
    return told


CUSTOMERS = [sell] * 6 + [pay, pay, refund, refund, cancel, edit]
STAFF = [till, till, lorry, hand_return, staff_edit, staff_edit, delete_product, make_anew, make_anew, track, late_sku]
DESK = [
    *[go_live, go_live, leave, pause, pause, reconnect, reconnect],
    *[force_sync, undo_run, release_one, release_one, let_go],
]
AT_MOMENTS = [*CUSTOMERS, till, till, lorry, staff_edit]
EVENTS = [*CUSTOMERS * 3, *STAFF * 2, *[fault] * 16, *DESK, outage, denied]
RAISES = (ConnectorError, NotPossible, LeaseLost)
