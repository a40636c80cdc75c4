from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.explain import ListingFacts, LocationFacts, OpenOrder, Sign, receipt


def test_the_receipt_of_a_mug():
    westlands = LocationFacts(
        name="Westlands",
        on_hand=50,
        reading="reading begun 10:42:04",
        open_orders=[OpenOrder(name="#1042", units=2), OpenOrder(name="#1043", units=1, why="not paid yet")],
        safety_stock=2,
        safety_source="set for all mugs",
    )
    lines = receipt([westlands], ListingFacts(store="Mwangaza Online", buffer=1, shows=44, story="run 812"))
    assert [(line.sign, line.label, line.amount, line.detail) for line in lines] == [
        (Sign.ADDS, "on hand", 50, "Westlands, reading begun 10:42:04"),
        (Sign.TAKES, "open orders", 3, "#1042 (2), #1043 (1), not paid yet"),
        (Sign.TAKES, "safety stock", 2, "set for all mugs"),
        (Sign.EQUALS, "available", 45, "Westlands"),
        (Sign.TAKES, "buffer", 1, "Mwangaza Online"),
        (Sign.EQUALS, "should show", 44, ""),
        (Sign.NOTE, "shows", 44, "run 812"),
    ]


def test_what_is_not_known_is_not_published():
    lines = receipt([LocationFacts(name="A", on_hand=None)], ListingFacts(store="S"))
    should = next(line for line in lines if line.label == "should show")
    assert should.amount is None
    assert "nothing is published" in should.detail


def test_below_zero_and_cap_are_lines_of_their_own():
    below = receipt([LocationFacts(name="A", on_hand=-2)], ListingFacts(store="S"))
    capped = receipt([LocationFacts(name="A", on_hand=12)], ListingFacts(store="S", cap=10))
    assert ("below zero is shown as 0", 2) in [(line.label, line.amount) for line in below]
    assert ("cap", 2) in [(line.label, line.amount) for line in capped]


LOCATIONS = st.builds(
    LocationFacts,
    name=st.just("A"),
    on_hand=st.integers(-20, 99),
    open_orders=st.lists(st.builds(OpenOrder, name=st.just("#1"), units=st.integers(-3, 9)), max_size=4),
    safety_stock=st.integers(0, 9),
)
LISTINGS = st.builds(
    ListingFacts, store=st.just("S"), buffer=st.integers(0, 9), cap=st.none() | st.integers(0, 50), shows=st.none()
)


@given(st.lists(LOCATIONS, min_size=1, max_size=3), LISTINGS)
def test_every_receipt_sums(locations, listing):
    lines = receipt(locations, listing)
    signs = {Sign.ADDS: 1, Sign.TAKES: -1}
    total = sum(signs[line.sign] * line.amount for line in lines if line.sign in signs)
    assert next(line.amount for line in lines if line.label == "should show") == total
