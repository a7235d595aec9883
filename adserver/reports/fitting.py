"""Where a line item could appear at all: placements by format, size, blocks, and rules over apps.

The same answers as the engine's shelves (`ranking.shelf`), which a test compares; the console may
not import those. Never here: who asks for ads there (`reports.targeting_sql`). The one surprising
fact: blocking a category of the first tier ("IAB7") blocks all below it ("IAB7-3").
"""

from collections.abc import Iterable
from dataclasses import dataclass

from models.domain.campaign import Advertiser, Creative, LineItem, Rule
from models.domain.marketplace import Marketplace
from models.domain.placement import App, Format, Placement
from models.domain.rule_words import category_family, word

ANY_SIZE = (0, 0)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a creative is made for; 0 x 0 fits every size."""

    format: Format
    w: int = 0
    h: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """A line item as it would be booked, whether it is saved or not, and what it would show.

    `item.line_item_id` is "" for one that was never saved.
    """

    advertiser: Advertiser
    item: LineItem
    shapes: frozenset[Shape]


def shapes_of(creatives: Iterable[Creative]) -> frozenset[Shape]:
    """What these creatives are made for, archived ones aside."""
    return frozenset(Shape(one.format, one.w, one.h) for one in creatives if one.active)


def placements_for(marketplace: Marketplace, draft: Draft) -> list[Placement]:
    """The placements that would take the draft's ads and that its targeting allows, by id."""
    apps = {app.app_id: app for app in marketplace.apps if app.active}
    return [
        placement
        for placement in marketplace.placements
        if placement.active
        and (app := apps.get(placement.app_id)) is not None
        and any(_fits(shape, placement) for shape in draft.shapes)
        and not _is_blocked(draft.advertiser, app, placement)
        and _allowed(draft.item, app, placement)
    ]


def _fits(shape: Shape, placement: Placement) -> bool:
    size = (shape.w, shape.h)
    sized = not placement.sizes or size == ANY_SIZE or size in placement.sizes
    return shape.format is placement.format and sized


def _is_blocked(advertiser: Advertiser, app: App, placement: Placement) -> bool:
    if advertiser.advertiser_id in app.blocked_advertisers | placement.blocked_advertisers:
        return True
    blocked = {word(text) for text in app.blocked_categories | placement.blocked_categories}
    return any(not blocked.isdisjoint(category_family(own)) for own in advertiser.categories)


def _allowed(item: LineItem, app: App, placement: Placement) -> bool:
    rules = item.targeting
    return _passes(rules.app_category, category_family(app.category)) and _passes(
        rules.placement, (placement.placement_id.lower(),)
    )


def _passes(rule: Rule, values: tuple[str, ...]) -> bool:
    included, excluded = ({word(text) for text in side} for side in (rule.include, rule.exclude))
    return (not rule.include or not included.isdisjoint(values)) and excluded.isdisjoint(values)
