"""Targeting as bitmaps over ads: made when a catalog is built, looked up by every request.

What an attribute or a rule's text means is `attributes`; flights, caps and money are not known
here. The one surprising fact: an unknown value and a value that no rule lists are the same thing,
namely the ads without an include list.
"""

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.domain.campaign import Rule, Targeting
from models.domain.rule_words import Version, half_open
from ranking.attributes import ATTRIBUTES, Attribute, Range, Viewer, hours_mask
from ranking.slate import CODES, Bitmap, Rows

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Listed:
    """One attribute over a catalog: the steps that each listed value adds to `nobody`'s.

    `included` and `excluded` have them as (code, bitmap) pairs.
    """

    of: Callable[[Viewer], Iterable[Hashable]]
    nobody: tuple[int, int]
    included: dict[Hashable, tuple[int, int]]
    excluded: dict[Hashable, tuple[int, int]]

    def add_steps(self, viewer: Viewer, steps: list[int]) -> None:
        steps += self.nobody
        values = self.of(viewer)
        for value in values:
            steps += self.included.get(value, ())
        for value in values:
            steps += self.excluded.get(value, ())


@dataclass(frozen=True, slots=True)
class _Ranged:
    """One range attribute over a catalog: a bitmap for each stretch between two ends."""

    of: Callable[[Viewer], Version | None]
    nobody: tuple[int, int]
    cuts: list[Version]
    stretches: list[tuple[int, int]]

    def add_steps(self, viewer: Viewer, steps: list[int]) -> None:
        if (value := self.of(viewer)) is None:
            steps += self.nobody
        else:
            steps += self.stretches[bisect_right(self.cuts, value)]


@dataclass(frozen=True, slots=True)
class TargetingIndex:
    """All targeting of a catalog. `hours` are 168 bits a line item, for its own time zone."""

    bitmaps: NDArray[np.uint64]
    hours: NDArray[np.uint64]
    attributes: tuple[_Listed | _Ranged, ...]

    def program(self, viewer: Viewer) -> Rows:
        """What to AND for this viewer: (reason code, bitmap) pairs, flat.

        Within one code the first bitmap is who lists nothing, the following are OR-ed in, and those
        given as ~bitmap are taken out.
        """
        steps: list[int] = []
        for attribute in self.attributes:
            attribute.add_steps(viewer, steps)
        return np.array(steps, np.int32)


def build(targetings: Sequence[Targeting], ad_line_item: Rows) -> TargetingIndex:
    """The index over ads, each of which follows the targeting of its line item.

    Attributes that no line item uses cost nothing later: they are left out.
    """
    shelf = _Bitmaps(ad_line_item, len(targetings))
    indexed = [_indexed(attribute, targetings, shelf) for attribute in ATTRIBUTES]
    return TargetingIndex(
        bitmaps=shelf.stacked(),
        hours=_hours([targeting.hour_of_week for targeting in targetings]),
        attributes=tuple(index for index in indexed if index is not None),
    )


def _hours(rules: Sequence[Rule]) -> NDArray[np.uint64]:
    hours = np.empty((len(rules), 3), np.uint64)
    hours[:] = hours_mask(Rule())
    for rule, rows in _rows_by_rule(rules).items():
        hours[rows] = hours_mask(rule)
    return hours


class _Bitmaps:
    """Turns sets of line items into numbered bitmaps over ads."""

    def __init__(self, ad_line_item: Rows, line_items: int) -> None:
        self.ad_line_item, self.line_items = ad_line_item, line_items
        self.rows: list[Bitmap] = []

    def add(self, mask: Mask) -> int:
        self.rows.append(packed(mask[self.ad_line_item]))
        return len(self.rows) - 1

    def stacked(self) -> NDArray[np.uint64]:
        words = -(-len(self.ad_line_item) // 64)
        return np.array(self.rows, np.uint64).reshape(len(self.rows), words)

    def mask(self, members: Iterable[int]) -> Mask:
        mask = np.zeros(self.line_items, bool)
        mask[list(members)] = True
        return mask


def packed(mask: Mask) -> Bitmap:
    """A bool per ad as words of 64 bits, ad 0 in the lowest bit."""
    words = -(-len(mask) // 64)
    padded = np.zeros(words * 64, bool)
    padded[: len(mask)] = mask
    return np.packbits(padded, bitorder="little").view(np.uint64)


def _indexed(
    attribute: Attribute | Range, targetings: Sequence[Targeting], shelf: _Bitmaps
) -> _Listed | _Ranged | None:
    rules = _rows_by_rule([getattr(targeting, attribute.reason) for targeting in targetings])
    if not rules:
        return None
    anyone = ~shelf.mask(row for rule, rows in rules.items() if rule.include for row in rows)
    if isinstance(attribute, Range):
        return _ranged(attribute, rules, anyone, shelf)
    return _listed(attribute, rules, anyone, shelf)


def _rows_by_rule(rules: Sequence[Rule]) -> dict[Rule, list[int]]:
    """The rows of each rule that says something: few rules differ, and each is read once."""
    rows: dict[Rule, list[int]] = {}
    for row, rule in enumerate(rules):
        if rule.include or rule.exclude:
            rows.setdefault(rule, []).append(row)
    return rows


def _listed(
    attribute: Attribute, rules: dict[Rule, list[int]], anyone: Mask, shelf: _Bitmaps
) -> _Listed:
    included: dict[Hashable, list[int]] = {}
    excluded: dict[Hashable, list[int]] = {}
    for rule, rows in rules.items():
        for listed, into in ((rule.include, included), (rule.exclude, excluded)):
            for value in {value for text in listed for value in attribute.values(text)}:
                into.setdefault(value, []).extend(rows)
    code = CODES[attribute.reason]
    return _Listed(
        attribute.of,
        (code, shelf.add(anyone)),
        {value: (code, shelf.add(shelf.mask(rows))) for value, rows in included.items()},
        {value: (code, ~shelf.add(shelf.mask(rows))) for value, rows in excluded.items()},
    )


def _ranged(
    attribute: Range, rules: dict[Rule, list[int]], anyone: Mask, shelf: _Bitmaps
) -> _Ranged:
    texts = {text for rule in rules for text in rule.include | rule.exclude}
    ends = {text: ends for text in texts if (ends := half_open(text)) is not None}
    cuts = sorted({end for pair in ends.values() for end in pair if end})
    allowed = np.tile(anyone, (len(cuts) + 1, 1))
    for listed, value in (("include", True), ("exclude", False)):
        for rule, rows in rules.items():
            for low, high in (ends[text] for text in getattr(rule, listed) if text in ends):
                stop = len(cuts) + 1 if high is None else bisect_right(cuts, high)
                allowed[bisect_right(cuts, low) : stop, rows] = value
    code = CODES[attribute.reason]
    stretches = [(code, shelf.add(mask)) for mask in allowed]
    return _Ranged(attribute.of, (code, shelf.add(anyone)), cuts, stretches)
