"""`adunion explain-earning`: the story of one earning, from the order or the day to the payout.

Never here: looking anything up (`accounting.explaining`). The one surprising fact: hardly a figure
here is computed; each is what was booked, with the key under which it was.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

import click

from adserver.accounting.explaining import (
    AdStory,
    EntryStory,
    Judged,
    OrderStory,
    PaidWith,
    Story,
    UnknownEarningError,
    explain,
)
from adserver.commands.books import AS_JSON, opened_books
from adserver.commands.catalog_access import print_json, printable
from adserver.statements.lines import why_of
from adserver.statements.wording import OUTCOMES, REASONS, percent, shown
from adserver.stores.order_rows import OrderRow
from affiliate.attribution import Unearned
from affiliate.ledger import Entry
from affiliate.order import OrderFact
from affiliate.settlement import Outcome, outcome
from models.domain.money import micros_of, portion

Part = tuple[str, list[tuple[str, str]]]
_EPILOG = """\b
Examples:
  adunion explain-earning o6d0c0f3f1f2c4f0e8f4f9a0b1c2d3e4f
  adunion explain-earning shop/2026112200017/1
  adunion explain-earning 2026-10-05/app_reader/pl_splash
  adunion explain-earning 2026-10-p_reader-CNY
  adunion explain-earning mature:2026-10:p_reader:CNY"""


@click.command(epilog=_EPILOG)
@click.argument("name", metavar="ID")
@AS_JSON
def command(name: str, as_json: bool) -> None:
    """Why somebody earned what they did: rule, base, rate, rounding, cap, subsidy, until payout.

    ID is an order line's row id or "merchant/order/line", a day of ads as "day/app/placement", a
    payout's id, or the key of any entry of the ledger.
    """
    with opened_books() as books:
        try:
            stories = explain(books.engine, books.zone, name)
        except UnknownEarningError:
            raise click.ClickException(
                f"nothing is called {name!r}: give a row id, merchant/order/line, "
                "day/app/placement, a payout or a ledger key"
            ) from None
    told = [list(_parts(story, books.zone)) for story in stories]
    if as_json:
        print_json([_document(parts) for parts in told])
        return
    for number, parts in enumerate(told):
        if number:
            click.echo()
        for title, facts in parts:
            click.secho(printable(title), bold=True)
            width = max((len(label) for label, _ in facts), default=0)
            for label, text in facts:
                click.echo(printable(f"  {label:<{width}}  {text}".rstrip()))


def _document(parts: Iterable[Part]) -> list[dict[str, Any]]:
    return [
        {"part": title, "facts": [{"what": label, "is": text} for label, text in facts]}
        for title, facts in parts
    ]


def _parts(story: Story, zone: tzinfo) -> Iterator[Part]:
    if isinstance(story, OrderStory):
        yield from _order_parts(story, zone)
        currency = story.row.currency
    elif isinstance(story, AdStory):
        yield from _ad_parts(story)
        currency = story.row.currency
    else:
        currency = story.entry.transaction.currency
    entries = (story.entry,) if isinstance(story, EntryStory) else story.entries
    yield "What was booked", [fact for one in entries for fact in _entry(one, zone)]
    if not isinstance(story, EntryStory):
        yield "What closings found", _closings(story, zone) or [("", _not_judged(story, zone))]
    if story.paid:
        yield "Payout", [fact for one in story.paid for fact in _payout(one, zone, currency)]


def _order_parts(story: OrderStory, zone: tzinfo) -> Iterator[Part]:
    row = story.row
    of = f"{row.merchant_id}/{row.order_id}/{row.line_id}"
    yield f"Order line {of} (row {row.row_id})", [_told(one, zone) for one in story.facts]
    yield (
        "Whose sale it is",
        _given(
            {
                "partner": row.partner_id or "nobody's",
                "found by": row.method,
                "bought": row.relation.replace("_", " "),
                "link": row.link_code,
                "touch": f"{row.touch_id} ({row.touch_kind})" if row.touch_id else "",
                "placement": "/".join(one for one in (row.app_id, row.placement_id) if one),
                "reason": row.reason.replace("_", " "),
            }
        ),
    )
    yield "What it earns", _given(_order_money(row))


def _told(fact: OrderFact, zone: tzinfo) -> tuple[str, str]:
    paid = shown(micros_of(fact.paid_minor, fact.currency), fact.currency)
    back = shown(micros_of(fact.refunded_minor, fact.currency), fact.currency)
    refunded = f", {back} refunded" if fact.refunded_minor else ""
    when = _moment(fact.occurred_at, zone)
    return f"version {fact.version}", f"{fact.status} {when}: {paid} {fact.currency}{refunded}"


def _order_money(row: OrderRow) -> Mapping[str, str]:
    def money(minor: int | None) -> str:
        return "" if minor is None else shown(micros_of(minor, row.currency), row.currency)

    unit = shown(micros_of(1, row.currency), row.currency)
    rate = f"{money(row.flat_minor)} a unit, {row.quantity} units"
    if row.rate_ppm is not None:
        rate = f"{percent(row.rate_ppm)} of {money(row.base_minor)}, rounded once to {unit}"
    contract = f"{row.contract_id} v{row.contract_version}" if row.contract_id else ""
    granted = f"{money(row.subsidy_minor)} of {money(row.subsidy_granted_minor)} granted"
    return {
        "rule": row.rule,
        "contract": contract,
        "rate": rate if row.partner_id else "",
        "cap": f"took {_capped(row, money)}" if row.reason == Unearned.CAP_REACHED else "",
        "estimated": _pair(money, row.estimated_commission_minor, row.estimated_partner_minor),
        "actual": _pair(money, row.actual_commission_minor, row.actual_partner_minor),
        "after refunds": _pair(money, row.commission_minor, row.partner_minor),
        "platform fee": money(row.fee_minor) if row.fee_minor else "",
        "subsidy": f"{granted} by {row.pool_id}" if row.pool_id else "",
    }


def _capped(row: OrderRow, money: Any) -> str:
    """What the rate alone would have come to, and what the contract's cap left of it."""
    full = (row.flat_minor or 0) * row.quantity
    if row.rate_ppm is not None:
        full = portion(row.base_minor, row.rate_ppm)
    return f"{money(full)} down to what was left of it"


def _pair(money: Any, commission: int | None, partner: int | None) -> str:
    if commission is None:
        return ""
    return f"commission {money(commission)}, of it {money(partner)} the partner's"


def _ad_parts(story: AdStory) -> Iterator[Part]:
    row = story.row

    def money(micros: int) -> str:
        return shown(micros, row.currency)

    title = f"Ads of {row.day} in {row.app_id}/{row.placement_id}, partner {row.partner_id}"
    yield (
        title,
        _given(
            {
                "valid impressions": f"{row.impressions:,}",
                "valid revenue": f"{money(row.revenue_micros)} {row.currency}",
                "invalid traffic": money(row.invalid_revenue_micros)
                if row.invalid_revenue_micros
                else "",
            }
        ),
    )
    amounts = {
        "share": row.share_micros,
        "subsidy": row.subsidy_micros,
        "guarantee top-up": row.guarantee_micros,
        "estimated": row.estimated_micros,
        "restated": row.restated_micros,
        "invalid, taken back": -row.invalid_micros,
    }
    yield (
        "What it earns",
        _given(
            {
                "rule": row.rule,
                "contract": f"{row.contract_id} v{row.contract_version}" if row.contract_id else "",
                **{name: money(amount) for name, amount in amounts.items() if amount},
                "fund": row.pool_id,
                "reason": row.reason.replace("_", " "),
            }
        ),
    )


def _entry(entry: Entry, zone: tzinfo) -> Iterator[tuple[str, str]]:
    said = entry.transaction
    when = _moment(said.occurred_at, zone)
    yield said.key, f"{REASONS[said.reason]}, {when}, in the books of {entry.period}"
    for posting in entry.postings:
        yield "", f"{posting.account} {shown(posting.amount, said.currency)}"
    if because := why_of(entry):
        yield "", because


def _closings(story: OrderStory | AdStory, zone: tzinfo) -> list[tuple[str, str]]:
    return [fact for one in story.judged for fact in _judgement(one, zone)]


def _judgement(judged: Judged, zone: tzinfo) -> Iterator[tuple[str, str]]:
    item, funding = judged.item, judged.funding
    amount = f"{shown(item.amount, item.currency)} {item.currency}"
    text = f"{amount} {OUTCOMES[item.outcome]}"
    if item.outcome is Outcome.IN_HOLD and item.payable_from:
        text += f" until {_moment(item.payable_from, zone)}"
    yield item.period, text
    if item.outcome is Outcome.NOT_FUNDED and funding is not None:
        paid, left = (
            shown(micros_of(funding[name], item.currency), item.currency)
            for name in ("paid_minor", "available_minor")
        )
        yield "", f"the merchant had paid {paid}, of which {left} were left for ripe lines"
    if item.outcome is Outcome.PAYABLE:
        yield "", f"adunion statement show {item.partner_id} {item.period}"


def _not_judged(story: OrderStory | AdStory, zone: tzinfo) -> str:
    if isinstance(story, AdStory):
        return "Its month has not been closed yet."
    row = story.row
    if row.earned_minor <= row.matured_minor:
        return "There is nothing to make payable."
    found = outcome(row.payable_from, datetime.now(UTC), funded=True)
    if found is Outcome.IN_HOLD and row.payable_from:
        return f"It is ripe on {_moment(row.payable_from, zone)}."
    waits = found is Outcome.NOT_RECEIVED
    return "It waits until it is received." if waits else "It is ripe for the next closing."


def _payout(paid: PaidWith, zone: tzinfo, currency: str) -> Iterator[tuple[str, str]]:
    amount = shown(micros_of(paid.payout.amount_minor, currency), currency)
    yield paid.payout.payout_id, f"{amount} {currency} in all, {paid.payout.state}"
    for event in paid.events:
        note = f" ({event.note})" if event.note else ""
        yield "", f"attempt {event.attempt} {event.state} {_moment(event.at, zone)}{note}"


def _given(facts: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(label, text) for label, text in facts.items() if text]


def _moment(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
