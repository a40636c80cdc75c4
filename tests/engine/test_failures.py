"""What a failing call means for its connection."""

from datetime import timedelta

import pytest

from connectors.sdk.errors import MalformedPayload, OutcomeUnknown, Unavailable
from syncd.engine.failures import note_failure


@pytest.mark.parametrize("error", [Unavailable("away"), OutcomeUnknown("no answer came to delete a webhook")], ids=repr)
def test_a_store_is_called_again_after_a_second_whatever_became_of_the_call(merchant_with, error):
    world = merchant_with(stores=("A",))
    note_failure(world.engine, world.connection("A"), error)
    row = world.connection("A")
    assert row.failing_since == world.clock.now()
    assert timedelta(0) <= row.not_before - world.clock.now() <= timedelta(seconds=1)


def test_what_does_not_heal_by_waiting_is_tried_after_minutes(merchant_with):
    world = merchant_with(stores=("A",))
    note_failure(world.engine, world.connection("A"), MalformedPayload("no JSON"))
    assert world.connection("A").not_before - world.clock.now() == timedelta(minutes=5)
