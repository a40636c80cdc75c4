"""Issues: one open per key, counted, resolved once."""

from datetime import timedelta

import pytest
from sqlmodel import select

from schema.tables import Issue, IssueState
from syncd.engine.issues import raise_issue, resolve_by_id, resolve_issue


@pytest.fixture
def world(merchant_with):
    return merchant_with(stores=(), skus={})


def tell(world, key="k", **words):
    with world.engine.database.transaction() as session:
        return raise_issue(
            session,
            merchant_id=world.merchant_id,
            kind="test",
            key=key,
            now=world.clock.now(),
            **{"title": "Something", **words},
        )


def issues(world):
    with world.engine.database.reading() as session:
        return session.exec(select(Issue).order_by(Issue.id)).all()


def test_the_same_issue_again_is_counted_and_keeps_its_first_time(world):
    first = tell(world, title="Then")
    opened_at = world.clock.now()
    world.clock.advance(timedelta(minutes=5))
    assert tell(world, title="Now", details={"n": 2}) == first
    (issue,) = issues(world)
    assert (issue.times, issue.title, issue.details) == (2, "Now", {"n": 2})
    assert (issue.opened_at, issue.seen_at) == (opened_at, world.clock.now())


def test_what_comes_back_after_it_was_resolved_is_a_new_issue(world):
    tell(world)
    with world.engine.database.transaction() as session:
        assert resolve_issue(session, world.merchant_id, "k", by="ann@example.org", now=world.clock.now()) is True
        assert resolve_issue(session, world.merchant_id, "k", by="ann@example.org", now=world.clock.now()) is False
    tell(world)
    assert [(issue.state, issue.resolved_by, issue.times) for issue in issues(world)] == [
        (IssueState.RESOLVED, "ann@example.org", 1),
        (IssueState.OPEN, "", 1),
    ]


def test_an_issue_is_resolved_by_id_for_its_own_merchant_only(world, merchant_with):
    other = merchant_with(name="Other", stores=(), skus={})
    issue_id = tell(world)
    with world.engine.database.transaction() as session:
        assert resolve_by_id(session, other.merchant_id, issue_id, by="x", now=world.clock.now()) is False
        assert resolve_by_id(session, world.merchant_id, issue_id, by="x", now=world.clock.now()) is True
