"""The database fails in the middle of a step: that is nobody's fault but its own."""

import pytest
from sqlalchemy import text
from sqlmodel import select

from schema.tables import Delivery, DeliveryState
from syncd.engine import intake
from syncd.errors import DatabaseAway
from tests.market.market import Market

DISK_FULL = """
CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER disk_is_full BEFORE INSERT ON movement FOR EACH ROW EXECUTE FUNCTION disk_is_full();
"""


@pytest.mark.parametrize("database_backend", ["postgresql"], indirect=True)
def test_a_delivery_that_meets_a_full_disk_however_often_is_not_given_up(market: Market) -> None:
    with market.engine.database.transaction() as session:
        session.execute(text(DISK_FULL))
    market.shops["a"].sell({"MUG": 3}, is_paid=True)
    market.deliver()
    for _ in range(20):
        with pytest.raises(DatabaseAway, match="no space left"):
            intake.apply_new(market.engine)
        market.pass_time(600)
    with market.engine.database.transaction() as session:
        told = session.exec(select(Delivery)).all()
        assert DeliveryState.DEAD not in {delivery.state for delivery in told}
        assert {delivery.attempts for delivery in told} == {0}
        session.execute(text("DROP TRIGGER disk_is_full ON movement"))
    market.take_in()
    assert market.cache("MUG") == (10, 3)
