"""Why a partner earned what it did: the story of one order line or day, in sentences and figures.

Never here: looking it up (`accounting.explaining`) or a computation of money. The one surprising
fact: a story that is not wholly the caller's does not exist for it, so another partner's order
number answers 404 whatever one types.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

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
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.partners import words
from adserver.console.partners.figures import today_of
from adserver.console.partners.next_steps import next_of_day, next_of_order
from adserver.console.partners.sums import ad_sums, order_sums
from adserver.console.partners.voice import Voice
from adserver.console.web import figures
from adserver.console.web.language import N_
from adserver.statements.lines import lines_of, why_of
from adserver.stores import database
from affiliate.attribution import Method, Relation
from affiliate.chart_of_accounts import partner_accounts
from affiliate.ledger import Entry, Reason
from affiliate.order import OrderFact
from affiliate.settlement import Outcome
from models.domain.ids import PartnerId
from models.domain.money import micros_of

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Part:
    """A titled part of the story: sentences, and figures with their names."""

    title: str
    says: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """A whole story. `earned` in micros; `next` says what will happen, the first thing first."""

    title: str
    name: str
    currency: str
    earned: int
    parts: tuple[Part, ...]
    next: tuple[str, ...]


def told_of(desk: Desk, partner_id: PartnerId, name: str, voice: Voice, now: datetime) -> Told:
    """The story of an earning of this partner.

    Raises:
        NotFoundError: nothing of the partner's is called that.
    """
    house = ZoneInfo(desk.settings.time_zone)
    try:
        stories = explain(desk.engine, house, name)
    except UnknownEarningError:
        stories = []
    story = next((one for one in stories if _is_of(one, partner_id)), None)
    if story is None:
        return _today(desk, partner_id, name, voice, now)
    if isinstance(story, OrderStory):
        return _order(desk, story, partner_id, voice, now)
    if isinstance(story, AdStory):
        return _day(desk, story, partner_id, voice, now)
    return _entry_alone(story, partner_id, voice)


def _is_of(story: Story, partner_id: PartnerId) -> bool:
    if isinstance(story, EntryStory):
        touched = {posting.account for posting in story.entry.postings}
        return bool(touched & set(partner_accounts(partner_id)))
    return story.row.partner_id == partner_id


def _order(
    desk: Desk, story: OrderStory, partner_id: PartnerId, voice: Voice, now: datetime
) -> Told:
    row, say = story.row, voice.say
    attributed = [
        say(words.METHODS[Method(row.method)]) if row.method else "",
        say(words.RELATIONS[Relation(row.relation)]) if row.relation else "",
        say(words.REASONS[row.reason]) if row.reason in words.REASONS else "",
    ]
    touched = (
        (say(N_("Link")), row.link_code),
        (say(N_("App")), row.app_id),
        (say(N_("Placement")), row.placement_id),
        *((f"sub{number}", getattr(row, f"sub{number}")) for number in range(1, 6)),
    )
    parts = (
        Part(say(N_("How it was computed")), *order_sums(row, say)),
        Part(say(N_("Whose sale it is")), _said(attributed), _given(touched)),
        Part(
            say(N_("What the shop told us")),
            (),
            tuple(_fact(one, voice) for one in story.facts),
        ),
        *_books(story.entries, partner_id, voice),
        *_afterwards(story, voice),
    )
    with database.reading(desk.engine) as connection:
        coming = next_of_order(connection, row, voice, now, ZoneInfo(desk.settings.time_zone))
    return Told(
        say(N_("Order %(order)s, line %(line)s, at %(merchant)s"))
        % {"order": row.order_id, "line": row.line_id, "merchant": row.merchant_id},
        row.row_id,
        row.currency,
        micros_of(row.earned_minor, row.currency),
        parts,
        tuple(coming),
    )


def _fact(fact: OrderFact, voice: Voice) -> tuple[str, str]:
    label = voice.say(N_("Version %(version)s, %(when)s")) % {
        "version": fact.version,
        "when": voice.moment(fact.occurred_at),
    }
    paid = figures.minor(fact.paid_minor, fact.currency)
    text = f"{voice.say(words.STATUSES[fact.status])} · {paid}"
    if fact.refunded_minor:
        back = figures.minor(fact.refunded_minor, fact.currency)
        text += " · " + voice.say(N_("%(amount)s went back")) % {"amount": back}
    return label, text


def _day(desk: Desk, story: AdStory, partner_id: PartnerId, voice: Voice, now: datetime) -> Told:
    row, say = story.row, voice.say
    why = say(words.REASONS[row.reason]) if row.reason in words.REASONS else ""
    says, facts = ad_sums(row, say)
    parts = (
        Part(say(N_("How it was computed")), _said([*says, why]), facts),
        *_books(story.entries, partner_id, voice),
        *_afterwards(story, voice),
    )
    with database.reading(desk.engine) as connection:
        coming = next_of_day(connection, row, voice, now, ZoneInfo(desk.settings.time_zone))
    title = say(N_("Ads of %(day)s in %(app)s, placement %(placement)s"))
    return Told(
        title % {"day": row.day, "app": row.app_id, "placement": row.placement_id},
        row.name,
        row.currency,
        row.earned,
        parts,
        tuple(coming),
    )


def _today(desk: Desk, partner_id: PartnerId, name: str, voice: Voice, now: datetime) -> Told:
    """The story of ads of today, which no book has yet."""
    ads = today_of(desk, partner_id, now).ads
    row = next((one for one in ads if one.name == name), None)
    if row is None:
        raise NotFoundError("you have no earning of this name")
    estimate = N_(
        "This is an estimate: every ad that is paid for adds to it within seconds. The day is "
        "booked soon after its midnight, and counted once more for that."
    )
    told = _day(desk, AdStory(row, (), (), ()), partner_id, voice, now)
    return replace(told, next=(voice.say(estimate), *told.next))


def _entry_alone(story: EntryStory, partner_id: PartnerId, voice: Voice) -> Told:
    entry = story.entry
    moved = sum(sum(line.moved) for line in lines_of([entry], partner_id))
    paid = _payouts(story.paid, voice)
    parts = (*_books((entry,), partner_id, voice), *([paid] if paid else []))
    title = voice.say(BOOKED[entry.transaction.reason])
    return Told(title, entry.transaction.key, entry.transaction.currency, moved, parts, ())


BOOKED: dict[Reason, str] = {
    Reason.DEPOSIT: N_("Deposit"),
    Reason.AD_SPEND: N_("Ad spend"),
    Reason.AD_SHARE: N_("Share of ad revenue"),
    Reason.SUBSIDY: N_("Subsidy for ads"),
    Reason.GUARANTEE: N_("Guarantee top-up"),
    Reason.INVALID_TRAFFIC: N_("Invalid traffic"),
    Reason.COMMISSION: N_("Commission"),
    Reason.REFUND: N_("Refund"),
    Reason.CANCELLED: N_("Cancelled order"),
    Reason.MATURITY: N_("Became payable"),
    Reason.CLAWBACK: N_("Overpaid money netted"),
    Reason.PAYOUT: N_("Payout"),
    Reason.REVERSAL: N_("Reversal"),
    Reason.CORRECTION: N_("Correction"),
}


def _books(entries: tuple[Entry, ...], partner_id: PartnerId, voice: Voice) -> Iterator[Part]:
    """What was posted on the partner's accounts, entry by entry; nobody else's accounts."""
    facts: Pairs = []
    for line in lines_of(entries, partner_id):
        currency = next(
            one.transaction.currency for one in entries if one.transaction.key == line.key
        )
        label = f"{voice.say(BOOKED[line.reason])} · {voice.moment(line.occurred_at)}"
        amount = figures.micros(sum(line.moved), currency)
        facts.append((label, f"{amount} · {line.key}"))
    because = [why_of(one) for one in entries]
    if facts:
        title = voice.say(N_("What was booked"))
        yield Part(title, _said(dict.fromkeys(because)), tuple(facts))


def _afterwards(story: OrderStory | AdStory, voice: Voice) -> Iterator[Part]:
    if story.judged:
        facts = tuple(_judged(one, voice) for one in story.judged)
        yield Part(voice.say(N_("What closings found")), (), facts)
    if paid := _payouts(story.paid, voice):
        yield paid


def _judged(judged: Judged, voice: Voice) -> tuple[str, str]:
    item = judged.item
    amount = figures.micros(item.amount, item.currency)
    text = f"{amount} · {voice.say(words.OUTCOMES[item.outcome])}"
    if item.outcome is Outcome.IN_HOLD and item.payable_from:
        until = voice.say(N_("until %(when)s"))
        text += " " + until % {"when": voice.moment(item.payable_from)}
    return item.period, text


def _payouts(paid: tuple[PaidWith, ...], voice: Voice) -> Part | None:
    facts: Pairs = []
    for one in paid:
        whole = figures.minor(one.payout.amount_minor, one.payout.currency)
        state = voice.say(words.PAYOUT_STATES[one.payout.state])
        facts.append((one.payout.payout_id, f"{whole} · {state}"))
        facts += [
            (voice.moment(event.at), voice.say(words.PAYOUT_STATES[event.state]))
            for event in one.events
        ]
    if not facts:
        return None
    says = voice.say(N_("The payout that took this money along, with all else that was payable."))
    return Part(voice.say(N_("Payout")), (says,), tuple(facts))


def _said(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _given(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in pairs if pair[1])
