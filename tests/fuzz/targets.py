"""All targets, in the order in which a run takes them."""

from collections.abc import Iterator

from tests.fuzz import answers, parsers, site, webhooks
from tests.fuzz.target import Target


def all_targets() -> Iterator[Target]:
    """One of each, made when its turn comes."""
    yield from parsers.targets()
    yield from answers.targets()
    yield from webhooks.targets()
    yield from site.targets()
