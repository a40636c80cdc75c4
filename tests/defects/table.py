"""The defects: what each does wrong, where it is planted, and the cheapest check that should catch it.

A change is (file, old text, new text); the old text stands in the file exactly once. Where no test is named, or none
fails, random histories of the whole system are the check. Tests run on SQLite; `postgresql` behind one's name says that
only PostgreSQL shows the defect.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Defect:
    name: str
    changes: tuple[tuple[str, str, str], ...]
    check: str = ""


def one(name: str, file: str, old: str, new: str, check: str = "") -> Defect:
    return Defect(name, ((file, old, new),), check)


DOMAIN, ENGINE = "syncd/domain", "syncd/engine"
T_DOMAIN, T_ENGINE, T_MARKET, T_CONNECTORS = "tests/domain", "tests/engine", "tests/market", "tests/connectors"

PUSHING = (
    Defect(
        "a push compares with the value just read instead of the believed one",
        (
            (
                f"{ENGINE}/push.py",
                "return Owed(item_id=item.id or 0, ref=ref, is_doubtful=plan.write is None)",
                "return Owed(item_id=item.id or 0, ref=ref, is_doubtful=True)",
            ),
            (
                f"{ENGINE}/push.py",
                "    if plan.write is not None:\n        return plan.write\n    if found is None:\n        return None\n",
                (
                    "    if found is None:\n        return None\n    if plan.write is not None:\n"
                    "        return publish.PushWrite(expected=found, quantity=plan.desired, full=plan.write.full)\n"
                ),
            ),
        ),
        f"{T_MARKET}/test_races.py::test_a_sale_that_nobody_told_us_of_is_not_written_over",
    ),
    one(
        "after a mismatch the value found is believed, and the old target written again",
        f"{ENGINE}/push_answers.py",
        "            state = publish.after_push_refused(items.belief(item), was_doubtful=push.is_doubtful)\n",
        "            item.observed = result.found\n            state = items.belief(item)\n",
        f"{T_MARKET}/test_races.py::test_mismatch_after_mismatch_ends_in_reading_orders",
    ),
    one(
        "a mismatch asks for no look",
        f"{DOMAIN}/publish.py",
        "return state if was_doubtful else mark_for_look(state)",
        "return state",
        f"{T_DOMAIN}/test_publish.py",
    ),
    one(
        "an answer sets the belief instead of adding to it",
        f"{DOMAIN}/publish.py",
        "        observed=state.observed + write.full,\n        held=state.held - unwritten",
        "        observed=write.quantity,\n        held=state.held - unwritten",
        f"{T_DOMAIN}/test_publish.py",
    ),
    Defect(
        "the quantity is frozen when the push is queued",
        (
            (
                f"{ENGINE}/push.py",
                "    ref: StockRef\n    is_doubtful: bool\n",
                "    ref: StockRef\n    is_doubtful: bool\n    frozen: object = None\n",
            ),
            (
                f"{ENGINE}/push.py",
                "ref=ref, is_doubtful=plan.write is None)",
                "ref=ref, is_doubtful=plan.write is None, frozen=plan.write)",
            ),
            (
                f"{ENGINE}/push.py",
                "                write = _plan(item, found.get(item.external_id))\n",
                (
                    "                kept = next(each.frozen for each in group if each.item_id == item.id)\n"
                    "                write = kept or _plan(item, found.get(item.external_id))\n"
                ),
            ),
        ),
        f"{T_MARKET}/test_scenarios.py::test_what_is_sent_is_what_is_right_when_it_is_sent_not_when_it_was_planned",
    ),
    one(
        "a listing in doubt may be raised",
        f"{DOMAIN}/publish.py",
        "    elif desired > state.observed:\n        return None\n",
        "",
        f"{T_DOMAIN}/test_publish.py",
    ),
    one(
        "a push without an answer counts as not sent",
        f"{ENGINE}/push_answers.py",
        "            lost(engine, push, item, result.words, now)\n",
        "            push.state = PushState.NOT_SENT\n",
        f"{T_MARKET}/test_races.py::test_a_push_without_an_answer_is_settled_by_a_look",
    ),
    one(
        "a push without an answer counts as done",
        f"{ENGINE}/sending.py",
        "self._all(batch, WriteOutcome.UNKNOWN, str(unknown))",
        "self._all(batch, WriteOutcome.WRITTEN, str(unknown))",
        f"{T_MARKET}/test_races.py::test_a_push_without_an_answer_is_settled_by_a_look",
    ),
    Defect(
        "a look begins within the quarantine of a lost push",
        (
            (
                f"{ENGINE}/look.py",
                "            or_(col(StockItem.unknown_until).is_(None), col(StockItem.unknown_until) <= now),\n        )\n        .order_by",
                "        )\n        .order_by",
            ),
            (
                f"{ENGINE}/look.py",
                "    if item.unknown_until is not None and item.unknown_until > first.began_at:\n        return False\n",
                "",
            ),
        ),
        f"{T_MARKET}/test_scenarios.py::test_two_pushes_of_5_then_4_cannot_be_swapped",
    ),
    one(
        "what the dead process had sent is forgotten",
        f"{ENGINE}/push.py",
        "        for push, _batch in rows:\n            item = items.locked(session, push.stock_item_id)\n"
        '            push_answers.lost(engine, push, item, "the daemon stopped before the answer came", now)\n',
        "        for push, _batch in rows:\n            push.state = PushState.NOT_SENT\n",
        f"{T_MARKET}/test_scenarios.py::test_what_a_dead_process_had_sent_is_neither_repeated_nor_taken_for_done",
    ),
    one(
        "a batch with a row that cannot be written is begun again for ever",
        f"{ENGINE}/push_answers.py",
        "    item.not_before = now + timedelta(minutes=1)\n",
        "",
        f"{T_MARKET}/test_scenarios.py::test_a_figure_that_is_gone_does_not_have_its_batch_begun_again_for_ever",
    ),
    one(
        "a store that cannot compare gets no fence",
        f"{DOMAIN}/publish.py",
        "    buried = not store_compares and write.changes_the_store\n",
        "    buried = False\n",
        f"{T_DOMAIN}/test_publish.py",
    ),
)

LOOKING = (
    one(
        "an inventory webhook sets the belief",
        f"{ENGINE}/hints.py",
        "    state = items.belief(item)\n    if fact.quantity is None:",
        "    item.observed = fact.quantity\n    state = items.belief(item)\n    if fact.quantity is None:",
        f"{T_MARKET}/test_races.py::test_an_inventory_webhook_before_its_order_erases_nothing",
    ),
    one(
        "a look believes a figure that moves while it looks",
        f"{DOMAIN}/look.py",
        "    if look.first != look.second or look.moves != state.moves:\n",
        "    if False:\n",
        f"{T_DOMAIN}/test_look.py",
    ),
    one(
        "a lower figure is drift at once, however far the order lists lag",
        f"{DOMAIN}/look.py",
        "    if difference < 0 and not _is_settled(state.suspect, difference, look.began_at, settle):\n",
        "    if False:\n",
        f"{T_DOMAIN}/test_look.py",
    ),
    one(
        "drift of any size is corrected",
        f"{DOMAIN}/drift.py",
        "    if abs(difference) > limit:\n        return DriftJudgement.HOLD_LARGE\n",
        "",
        f"{T_DOMAIN}/test_look.py",
    ),
    one(
        "a line that our figure may hold already asks for no look",
        f"{DOMAIN}/orders.py",
        "        return LookCause.LATE\n",
        "        return None\n",
        f"{T_DOMAIN}/test_orders.py",
    ),
    one(
        "untracked is read as zero",
        "connectors/shopify/translate.py",
        "        return StockFigure(state=FigureState.UNTRACKED)\n",
        "        return StockFigure(state=FigureState.TRACKED, quantity=0)\n",
        f"{T_CONNECTORS}/shopify/test_stock.py::test_untracked_not_stocked_and_gone_are_no_zero",
    ),
    one(
        "a figure that is gone is asked for for ever",
        f"{ENGINE}/look.py",
        "    if not linking.is_published(session, item):\n        linking.let_go(session, connection, item, now)\n"
        "        item.unknown_until = None\n        return\n",
        "",
        f"{T_MARKET}/test_goods.py::test_a_figure_that_is_gone_is_not_asked_for_for_ever",
    ),
    one(
        "a product that lost a page of the catalogue is gone",
        f"{ENGINE}/catalogue.py",
        "        found = store.items(asked)\n",
        "        found = ()\n",
        f"{T_ENGINE}/test_catalogue.py::test_a_catalogue_that_lost_pages_makes_nothing_gone",
    ),
    one(
        "a look closes before a doubtful order was read",
        f"{ENGINE}/look.py",
        "    intake.reread_due(engine, connection.id or 0)\n",
        "",
        f"{T_MARKET}/test_races.py::test_a_look_waits_for_an_order_of_which_two_states_of_one_second_were_told",
    ),
)

ORDERS = (
    one(
        "on hand is pushed without the open orders",
        f"{DOMAIN}/stock.py",
        "return None if cache.on_hand is None else cache.on_hand - cache.open - cache.safety_stock",
        "return None if cache.on_hand is None else cache.on_hand - cache.safety_stock",
        f"{T_DOMAIN}/test_stock.py",
    ),
    one(
        "safety stock is forgotten",
        f"{DOMAIN}/stock.py",
        "return None if cache.on_hand is None else cache.on_hand - cache.open - cache.safety_stock",
        "return None if cache.on_hand is None else cache.on_hand - cache.open",
        f"{T_DOMAIN}/test_stock.py",
    ),
    one(
        "an older version is applied",
        f"{DOMAIN}/orders.py",
        "    if told.version < stored.version:\n        return Decision.OLDER\n",
        "    if told.version < stored.version:\n        return Decision.APPLY\n",
        f"{T_DOMAIN}/test_orders.py",
    ),
    one(
        "two messages of one second are one",
        f"{DOMAIN}/orders.py",
        "        return Decision.OLDER\n    return Decision.DUPLICATE if told.content_hash == stored.content_hash else Decision.REREAD\n",
        "        return Decision.OLDER\n    return Decision.DUPLICATE\n",
        f"{T_DOMAIN}/test_orders.py",
    ),
    one(
        "an order read again is applied over what came meanwhile",
        f"{ENGINE}/orders.py",
        "    if order.rev != seen_rev:\n        return rules.Decision.REREAD\n",
        "    if order.rev != seen_rev:\n        return rules.Decision.APPLY\n",
        f"{T_MARKET}/test_scenarios.py::test_an_order_that_changes_while_it_is_read_again_is_read_once_more",
    ),
    one(
        "restocked whatever the refund says",
        f"{DOMAIN}/orders.py",
        "for refund in refunds if refund.restocked and refund.line_id == line_id)",
        "for refund in refunds if refund.line_id == line_id)",
        f"{T_DOMAIN}/test_orders.py",
    ),
    one(
        "refunds are taken off again at every update",
        f"{ENGINE}/orders.py",
        "        taken = rules.taken_units(told, refunds)\n",
        "        taken = rules.taken_units(told, refunds)\n        if row.moves and row.told_taken is None:\n"
        "            taken = max(0, row.taken - rules.restocked_units(refunds, row.external_id))\n",
        f"{T_MARKET}/test_main_job.py::test_a_refund_is_not_taken_off_again_at_the_next_update",
    ),
    one(
        "the refund's id is taken for the order's",
        "connectors/shopify/webhooks.py",
        'OrderRefunds(order_id=row.id("order_id"), refunds',
        'OrderRefunds(order_id=row.id("id"), refunds',
        f"{T_CONNECTORS}/shopify/test_samples.py {T_CONNECTORS}/shopify/test_webhooks.py",
    ),
    one(
        "two topics of one sale are booked twice",
        f"{ENGINE}/lines.py",
        "    delta = taken - row.taken\n    if delta:\n",
        "    delta = taken\n    if delta:\n",
        f"{T_MARKET}/test_main_job.py::test_the_create_and_the_payment_of_one_sale_count_once",
    ),
    one(
        "paid before create is thrown away",
        f"{ENGINE}/orders.py",
        "    if decision is not rules.Decision.APPLY:\n        return\n",
        "    is_unknown = order.version is None and snapshot.version != snapshot.created_at\n"
        "    if decision is not rules.Decision.APPLY or (is_unknown and seen_rev is None):\n        return\n",
        f"{T_MARKET}/test_scenarios.py::test_a_payment_that_comes_before_its_create_is_recorded_at_once",
    ),
    one(
        "cancel before create is lost",
        f"{ENGINE}/orders.py",
        "    if decision is not rules.Decision.APPLY:\n        return\n",
        "    is_cancel = order.version is None and snapshot.cancelled_at is not None\n"
        "    if decision is not rules.Decision.APPLY or is_cancel:\n        return\n",
        f"{T_MARKET}/test_scenarios.py::test_a_cancel_that_comes_before_its_create_counts",
    ),
    one(
        "an order that was deleted gives its units back",
        f"{ENGINE}/orders.py",
        "    order.is_deleted = True\n    order.is_final = True\n",
        "    order.is_deleted = True\n    order.is_final = True\n"
        "    for row in session.exec(select(OrderLine).where(OrderLine.order_id == order.id)):\n        row.told_taken = 0\n",
        f"{T_MARKET}/test_main_job.py::test_an_order_that_the_store_deleted_gives_nothing_back",
    ),
    one(
        "an order from before going live counts",
        f"{ENGINE}/lines.py",
        "    return golive.standing(golive.began_at(live_at), met_at) is golive.Standing.BASELINE\n",
        "    return False\n",
        f"{T_MARKET}/test_going_live.py::test_orders_around_going_live",
    ),
    one(
        "a store that goes live is pushed the number of before",
        f"{ENGINE}/desired.py",
        "    if not self.is_ledger and not _was_read_since(cache, store):\n            return None\n",
        "    if False:\n            return None\n",
        f"{T_MARKET}/test_scenarios.py::test_a_store_that_goes_live_is_not_pushed_the_number_of_before",
    ),
    Defect(
        "check, then insert, against two of a kind",
        (
            (
                f"{ENGINE}/leases.py",
                '.on_conflict_do_update(index_elements=["name"], set_=taken, where=is_over)',
                '.on_conflict_do_update(index_elements=["name"], set_=taken)',
            ),
            (
                f"{ENGINE}/leases.py",
                "    with engine.database.transaction() as session:\n        gained = session",
                (
                    "    with engine.database.reading() as session:\n        known = session.get(Lease, name)\n"
                    "        if known is not None and known.expires_at > now:\n            return None\n"
                    "    with engine.database.transaction() as session:\n        gained = session"
                ),
            ),
        ),
        f"{T_ENGINE}/test_leases.py::test_of_many_who_want_it_at_once_one_gets_it",
    ),
    one(
        "the cursor moves to now although the pull failed",
        f"{ENGINE}/pull.py",
        "        note_failure(engine, connection, error)\n        raise\n    note_success(engine, connection)\n",
        "        note_failure(engine, connection, error)\n        changed, began = 0, engine.clock.now()\n",
        f"{T_MARKET}/test_scenarios.py::test_a_pull_that_fails_leaves_its_cursor_where_it_was",
    ),
    one(
        "the first page is taken for the whole list",
        f"{ENGINE}/pull.py",
        "        changed += take_in_page(engine, connection, page)\n",
        "        changed += take_in_page(engine, connection, page)\n        break\n",
        f"{T_MARKET}/test_scenarios.py::test_more_orders_of_one_second_than_a_page_holds_are_all_pulled",
    ),
    one(
        "a message that cannot be read is tried for ever",
        f"{ENGINE}/intake.py",
        "    except (MalformedPayload, border.Unfit) as error:\n        _bury(session, connection, delivery, str(error), now)\n        return\n",
        "    except (MalformedPayload, border.Unfit):\n        return\n",
        f"{T_MARKET}/test_main_job.py::test_an_unreadable_delivery_is_kept_and_told",
    ),
    one(
        "what was paid while a store was away is recorded before it goes live again",
        f"{DOMAIN}/backoffice.py",
        "return bool(documents) or (is_met and not order.waits_for_live)",
        "return bool(documents) or is_met",
        f"{T_MARKET}/test_again.py::test_orders_around_an_absence",
    ),
    one(
        "a new key brings back a store that was left",
        f"{ENGINE}/connect.py",
        "    if row.state is ConnectionState.DISCONNECTED:\n        begins",
        "    if row.state is None:\n        begins",
        f"{T_MARKET}/test_again.py::test_a_new_key_does_not_bring_back_a_store_that_was_left",
    ),
)

READINGS = (
    one(
        "the time stamp of a reading is taken after it",
        f"{ENGINE}/readings.py",
        "            began_at=row.began_at,\n            last_write_at",
        "            began_at=now,\n            last_write_at",
        f"{T_MARKET}/test_scenarios.py::test_a_reading_that_began_before_our_sale_was_recorded_is_dropped_though_it_ended_after_it",
    ),
    one(
        "a reading is applied while a sale is on its way",
        f"{DOMAIN}/readings.py",
        "    if intents_open:\n        return Dropped.IN_FLIGHT\n",
        "",
        f"{T_DOMAIN}/test_readings.py",
    ),
    one(
        "an unknown sale fences nothing",
        f"{ENGINE}/readings.py",
        "    in_flight = (DocumentState.SENT, DocumentState.UNKNOWN)\n",
        "    in_flight = (DocumentState.SENT,)\n",
        f"{T_ENGINE}/test_poll.py::test_a_reading_while_a_sale_is_unknown_is_dropped",
    ),
    one(
        "an empty or partial list is believed",
        f"{ENGINE}/poll.py",
        "    if alarm is None or was_released:\n        return False\n",
        "    if True:\n        return False\n",
        f"{T_ENGINE}/test_poll.py::test_a_sweep_that_empties_the_shop_is_held_whole",
    ),
    one(
        "what a list does not hold is read as zero",
        f"{ENGINE}/poll.py",
        "    wanted -= {item.sku for page in pages for item in page.items if item.sku and not item.tracked}\n",
        "    now = reader.engine.clock.now()\n    told = {row.sku for row in rows}\n    rows += [\n"
        "        Row(sku=sku, location_id=place, quantity=0, began_at=now, answered_at=now)\n"
        "        for sku in wanted - told\n        for place in reader.locations.values()\n    ]\n",
        f"{T_MARKET}/test_scenarios.py::test_an_item_that_the_back_office_stops_counting_is_not_sold_out",
    ),
    Defect(
        "not stocked there is read as zero",
        (
            (
                f"{ENGINE}/backoffice_reader.py",
                "                quantity=row.quantity,\n",
                "                quantity=row.quantity or 0,\n",
            ),
            (
                f"{ENGINE}/backoffice_reader.py",
                "            if row.quantity is not None and row.external_id in usable",
                "            if row.external_id in usable",
            ),
        ),
        f"{T_MARKET}/test_scenarios.py::test_an_item_that_the_back_office_stops_counting_is_not_sold_out",
    ),
    one(
        "a location that owes units takes nothing from the others",
        f"{DOMAIN}/publish.py",
        "        total += units\n",
        "        total += max(0, units)\n",
        f"{T_DOMAIN}/test_publish.py",
    ),
    one(
        "one figure behind several listings shows the most",
        f"{DOMAIN}/publish.py",
        "least = figure if least is None else min(least, figure)",
        "least = figure if least is None else max(least, figure)",
        f"{T_DOMAIN}/test_publish.py",
    ),
    one(
        "SKUs that differ only in case are one",
        f"{ENGINE}/backoffice_reader.py",
        "                sku=names[row.external_id],\n",
        "                sku=names[row.external_id].upper(),\n",
        f"{T_MARKET}/test_scenarios.py::test_skus_that_differ_only_in_case_are_two",
    ),
    one(
        "listings that wait for an SKU are never linked",
        f"{ENGINE}/poll.py",
        "    match_waiting(engine, merchant_id)\n",
        "",
        f"{T_MARKET}/test_goods.py::test_an_sku_that_the_back_office_gets_later_is_linked_and_its_sales_are_recorded",
    ),
)

RECORDING = (
    one(
        "a sale without an answer is sent again",
        f"{ENGINE}/record.py",
        "            self._lost(intent, str(lost))\n            self.done += lookup.settle_now(intent)\n            return False\n",
        "            self._forget(intent)\n            return True\n",
        f"{T_ENGINE}/test_record.py::test_a_sale_whose_answer_was_lost_is_found_and_not_sent_again",
    ),
    one(
        "not found once is not recorded",
        f"{ENGINE}/sale_lookup.py",
        "        elif asked_at < end:\n            row.not_before = end\n",
        "        elif False:\n            row.not_before = end\n",
        f"{T_ENGINE}/test_record.py::test_a_sale_that_commits_only_after_the_first_look_is_counted_once",
    ),
    one(
        "a return moves the shelf for what a cashier has returned",
        f"{DOMAIN}/stock.py",
        "on_hand=_if_known(cache, returned_after - returned_before), open=quantity",
        "on_hand=_if_known(cache, quantity), open=quantity",
        f"{T_DOMAIN}/test_stock.py",
    ),
    one(
        "further documents have the number of the first",
        f"{DOMAIN}/backoffice.py",
        '    return f"{connection_code}/{order}" + (f"-{n}" if n > 1 else "")',
        '    return f"{connection_code}/{order}"',
        f"{T_DOMAIN}/test_backoffice.py",
    ),
    one(
        "an acknowledged sale leaves its units open",
        f"{DOMAIN}/stock.py",
        "on_hand=_if_known(cache, -quantity), open=-quantity",
        "on_hand=_if_known(cache, -quantity), open=0",
        f"{T_DOMAIN}/test_stock.py",
    ),
    one(
        "an answer that comes twice is booked twice",
        f"{ENGINE}/record.py",
        "            if row is None or row.state not in (DocumentState.SENT, DocumentState.UNKNOWN):\n                return\n",
        "            if row is None:\n                return\n",
        f"{T_ENGINE}/test_record.py::test_a_stalled_hand_that_gets_its_answer_late_books_it_once",
    ),
    one(
        "an outage of the back office parks what is owed for ever",
        f"{ENGINE}/record.py",
        "        except (Unavailable, AccessDenied):\n            self._forget(intent)\n            raise\n",
        "        except (Unavailable, AccessDenied):\n            raise\n",
        f"{T_ENGINE}/test_record.py::test_an_outage_of_an_hour_loses_nothing_and_backs_off",
    ),
)

HANDS = (
    one(
        "a lease is not renewed while its holder works",
        f"{ENGINE}/leases.py",
        "    if keeper is not None:\n        keeper.keep(held)\n",
        "",
        f"{T_ENGINE}/test_leases.py::test_the_keeper_renews_what_is_held_and_no_longer",
    ),
    one(
        "a hand that lost its lease goes on",
        f"{ENGINE}/leases.py",
        '    if found is None or found.token != held.token:\n        raise LeaseLost(f"{held.name}: somebody else has the lease")\n',
        "    if found is None:\n        return\n",
        f"{T_ENGINE}/test_record.py::test_a_hand_that_lost_its_lease_sends_nothing",
    ),
    one(
        "one store's failure skips the others",
        f"{ENGINE}/sync.py",
        "        except (ConnectorError, NotPossible, LeaseLost) as error:\n            self.failures.append",
        "        except (NotPossible, LeaseLost) as error:\n            self.failures.append",
        f"{T_ENGINE}/test_sync.py::test_a_store_that_is_down_fails_the_run_and_not_the_other_stores",
    ),
)

EDGES = (
    one(
        "a delivery is answered before it is stored",
        "syncd/web/webhooks.py",
        "                await asyncio.wrap_future(self.inbox.put(arrival))\n",
        "                self.inbox.put(arrival)\n",
        "tests/web/test_webhooks.py::test_a_database_that_takes_nothing_is_503_and_nothing_is_acknowledged",
    ),
    one(
        "the signature is checked over JSON that was read and written again",
        "connectors/shopify/webhooks.py",
        '        check_hmac_base64(body, headers.get("x-shopify-hmac-sha256"), secrets)\n',
        "        import json\n\n        body = json.dumps(json.loads(body)).encode() if body else body\n"
        '        check_hmac_base64(body, headers.get("x-shopify-hmac-sha256"), secrets)\n',
        f"{T_CONNECTORS}/shopify/test_webhooks.py::TestDoor",
    ),
    one(
        "what is unsigned is accepted",
        "connectors/sdk/signatures.py",
        "    if not any(matches):\n",
        "    if any(presented) and not any(matches):\n",
        f"{T_CONNECTORS}/sdk/test_signatures.py",
    ),
    one(
        "a refusal inside a 200 is a success",
        "connectors/shopify/stock.py",
        '        errors = list(payload.each("userErrors"))\n',
        "        errors: list[Reader] = []\n",
        f"{T_CONNECTORS}/shopify/test_stock.py",
    ),
    one(
        "the first page of a store's orders is the last",
        "connectors/shopify/orders.py",
        '            is_last = not page.flag("hasNextPage")\n            yield self._page',
        "            is_last = True\n            yield self._page",
        f"{T_CONNECTORS}/shopify/test_orders.py",
    ),
    one(
        "429 is a refusal",
        "connectors/sdk/failures.py",
        "    429: RateLimited,\n",
        "    429: Refused,\n",
        f"{T_CONNECTORS}/sdk/test_http.py",
    ),
    one(
        "a write that may have arrived is sent again",
        "connectors/sdk/http.py",
        "return isinstance(error, Unavailable) and (not call.is_write or isinstance(error.__cause__, NOT_SENT))",
        "return isinstance(error, (Unavailable, OutcomeUnknown))",
        f"{T_CONNECTORS}/sdk/test_http.py",
    ),
)

DEFECTS = (*PUSHING, *LOOKING, *ORDERS, *READINGS, *RECORDING, *HANDS, *EDGES)
