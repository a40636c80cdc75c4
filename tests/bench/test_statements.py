"""However much there is, a page and a list of the API ask the database the same number of questions."""

import random
from datetime import UTC, datetime

import pytest

from schema.migrate import upgrade
from tests.bench.mall import Mall, Size
from tests.bench.rows import opened_books
from tests.bench.visits import FILES, served

SMALL = Size(stores=6, skus=60, listings=240, sales=300, issues=20)
LARGE = Size(stores=12, skus=240, listings=1200, sales=3000, issues=80)
MOST = 50
MORE = 2
"""A page that has another kind of thing to tell of may ask once or twice more."""

pytestmark = pytest.mark.timeout(300)


def questions(folder, size):
    """How many statements each address took, in the order of the addresses; asked twice, so that nothing is new."""
    url = f"sqlite:///{folder / 'mall.db'}"
    upgrade(url)
    with opened_books(url) as books:
        merchant = Mall(books=books, size=size, name="Mall", now=datetime.now(UTC), random=random.Random(1)).build()
    found = []
    with served(url, merchant, folder) as site:
        for path, is_page in site.addresses():
            if FILES in path:  # written portion by portion
                continue
            site.ask(path, is_page=is_page)
            site.statements.clear()
            site.ask(path, is_page=is_page)
            found.append((path, len(site.statements)))
    return found


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    small = questions(tmp_path_factory.mktemp("small"), SMALL)
    large = questions(tmp_path_factory.mktemp("large"), LARGE)
    return [(path, few, many) for (path, few), (_, many) in zip(small, large, strict=True)]


def test_a_page_asks_as_often_of_ten_times_the_sales_and_twice_the_stores(asked):
    assert [one for one in asked if one[2] > one[1] + MORE] == []


def test_no_page_asks_more_than_fifty_questions(asked):
    assert [one for one in asked if one[2] > MOST] == []
