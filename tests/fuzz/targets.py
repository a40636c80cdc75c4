"""All targets, in the order in which a run takes them."""

from collections.abc import Iterator

from tests.fuzz import answers, parsers, site, webhooks
from tests.fuzz.house import NewUrl
from tests.fuzz.target import Target


def all_targets(new_url: NewUrl | None = None) -> Iterator[Target]:
    """One of each. Those with a database build it when the first input comes: `new_url` tells where, else on SQLite."""
    yield from parsers.targets()
    yield from answers.targets()
    yield from webhooks.targets(new_url)
    yield from site.targets(new_url)
