"""Which rules are asked, and which hours a rule allows."""

from models.domain.campaign import Rule, Targeting
from ranking.attributes import ATTRIBUTES, hours_mask


def test_hours_are_bits_and_exclude_wins() -> None:
    words = hours_mask(Rule(frozenset({"0", "64", "167"}), frozenset({"64"})))
    assert words == [1, 0, 1 << 39]
    assert sum(word.bit_count() for word in hours_mask(Rule())) == 168


def test_every_rule_of_targeting_is_asked() -> None:
    asked = {attribute.reason.value for attribute in ATTRIBUTES} | {"hour_of_week"}
    assert asked == set(Targeting.__dataclass_fields__)
