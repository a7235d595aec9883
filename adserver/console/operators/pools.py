"""Funds as operators see them: what is left, how it went, who is enrolled; deposit and enrol.

Never here: who gets what of it (`affiliate.revenue_share`). The one surprising fact: the curve of a
fund is its ledger account, day by day; nothing beside the ledger is kept of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import select

from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.operators import payments
from adserver.console.operators.house import amount, sheet, text, zone_of
from adserver.console.operators.paging import Order, Place, moment, paged, part_of
from adserver.console.operators.payments import Booked, Payment, PaymentIn
from adserver.console.operators.refusals import Errors, errors_of, in_words, refused
from adserver.console.web import plots
from adserver.console.web.exchange import Call, Download, Html, Listed, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.plots import Frame
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.notation import identifier
from adserver.marketplace.problem import CatalogError, Sentence
from adserver.stores import audit, database, funds, partners as stored
from adserver.stores.funds import Enrolment, Fund
from adserver.stores.ledger import Journal
from adserver.stores.ledger_tables import LEDGER_POSTINGS, LEDGER_TRANSACTIONS
from affiliate.chart_of_accounts import Kind, subsidy_pool
from models.domain.ids import PartnerId, PoolId
from models.domain.money import NO_MONEY, Micros

PATH = "/house/funds"
ONE = f"{PATH}/{{fund}}"
LONGEST_NAME = 200
MOST_ENROLLED = 1_000_000


class FundOut(Struct):
    """A fund; amounts in micros. `enrolment_limit` null: as many partners as like."""

    pool_id: str
    name: str
    currency: str
    left_micros: int
    paid_in_micros: int
    enrolled: list[str]
    enrolment_limit: int | None


class NewFund(Struct):
    """A fund to be made, empty."""

    pool_id: str
    name: str = ""
    enrolment_limit: int | None = None


class Enrolled(Struct):
    """A partner that may draw on a fund from now on, or no more."""

    partner_id: str


class EnrolmentOut(Struct):
    """A partner that may draw on a fund, or might until `left_at`."""

    partner_id: str
    enrolled_at: datetime
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class Pool:
    """A fund, what is left of it, all that was paid in, and who is in it or was."""

    fund: Fund
    left: Micros
    paid_in: Micros
    enrolments: tuple[Enrolment, ...]

    @property
    def inside(self) -> tuple[Enrolment, ...]:
        """Who is enrolled now."""
        return tuple(one for one in self.enrolments if one.left_at is None)


BY_ID: Order[Fund] = Order(lambda one: (one.pool_id,))


def _place(one: Enrolment) -> Place:
    return moment(one.enrolled_at), one.partner_id


EARLIEST_FIRST = Order(_place)
_BY_PARTNER: Order[Enrolment] = Order(lambda one: _place(one)[::-1])


def everything(desk: Desk) -> list[Fund]:
    """All funds, by id."""
    with database.reading(desk.engine) as connection:
        return BY_ID.sorted(funds.all_funds(connection))


def with_money(desk: Desk, some: Sequence[Fund]) -> list[Pool]:
    """These funds with what is in them and who, in few statements."""
    with database.reading(desk.engine) as connection:
        journal = Journal(connection, zone_of(desk))
        left = {
            (code, one.account): one.posted
            for code in {one.currency for one in some}
            for one in journal.balances(code, Kind.SUBSIDY_POOL)
        }
        paid_in = funds.paid_into(connection, some)
        inside = funds.enrolments_of(connection, [one.pool_id for one in some])
    return [
        Pool(
            one,
            left.get((one.currency, subsidy_pool(one.pool_id)), NO_MONEY),
            paid_in.get(one.pool_id, NO_MONEY),
            tuple(inside.get(one.pool_id, ())),
        )
        for one in some
    ]


def find(desk: Desk, pool_id: str) -> Pool:
    """One fund. Raises NotFoundError."""
    for fund in everything(desk):
        if fund.pool_id == pool_id:
            return with_money(desk, [fund])[0]
    raise NotFoundError("there is no such fund")


def course(desk: Desk, fund: Fund) -> list[tuple[date, Micros]]:
    """The balance at the end of each day on which it moved, on the house's clock."""
    posting, told = LEDGER_POSTINGS.c, LEDGER_TRANSACTIONS.c
    query = (
        select(told.occurred_at, posting.amount)
        .join(LEDGER_POSTINGS, (posting.currency == told.currency) & (posting.seq == told.seq))
        .where(
            posting.currency == fund.currency,
            posting.account == subsidy_pool(fund.pool_id),
            posting.moves,
        )
        .order_by(told.occurred_at, told.seq)
    )
    moved: dict[date, int] = {}
    with database.reading(desk.engine) as connection:
        for at, amount_micros in connection.execute(query):
            day = at.astimezone(zone_of(desk)).date()
            moved[day] = moved.get(day, 0) + amount_micros
    level, found = NO_MONEY, []
    for day in sorted(moved):
        level = Micros(level + moved[day])
        found.append((day, level))
    return found


def make(desk: Desk, who: Identity, given: NewFund, now: datetime) -> Fund:
    """A new fund, empty. Raises CatalogError."""
    if fault := identifier().check(given.pool_id):
        raise refused(fault, "pool_id")
    if given.enrolment_limit is not None and not 0 <= given.enrolment_limit <= MOST_ENROLLED:
        raise refused(
            Sentence("a whole number up to %(most)s", most=f"{MOST_ENROLLED:,}"), "enrolment_limit"
        )
    name = (given.name or given.pool_id)[:LONGEST_NAME]
    fund = Fund(PoolId(given.pool_id), name, desk.settings.currency, now, given.enrolment_limit)
    with in_words(), database.writing(desk.engine) as connection:
        funds.add_fund(connection, fund)
        audit.record(connection, who, "add", "fund", fund.pool_id, None, fund, now)
    return fund


def pay_in(desk: Desk, who: Identity, pool_id: str, told: PaymentIn, now: datetime) -> Booked:
    """Books money paid into a fund. Raises NotFoundError, CatalogError."""
    fund = find(desk, pool_id).fund
    account = subsidy_pool(fund.pool_id)
    payment = Payment(account, Micros(told.amount_micros), fund.currency, told.reference)
    return payments.book(desk, who, payment, now)


def enrol(desk: Desk, who: Identity, pool_id: str, partner_id: str, now: datetime) -> bool:
    """Lets a partner draw on it; False when it may already. Raises NotFoundError, CatalogError."""
    find(desk, pool_id)
    partner = PartnerId(partner_id)
    with in_words(), database.writing(desk.engine) as connection:
        if not stored.partners_of(connection, [partner]):
            raise refused(N_("there is no such partner"), "partner_id")
        new = funds.enrol(connection, PoolId(pool_id), partner, now)
        if new:
            audit.record(connection, who, "enrol", "fund", pool_id, None, _who(partner_id), now)
    return new


def leave(desk: Desk, who: Identity, pool_id: str, partner_id: str, now: datetime) -> bool:
    """Ends an enrolment; False when there was none. Raises NotFoundError."""
    find(desk, pool_id)
    with in_words(), database.writing(desk.engine) as connection:
        was = funds.leave(connection, PoolId(pool_id), PartnerId(partner_id), now)
        if was:
            audit.record(connection, who, "leave", "fund", pool_id, _who(partner_id), None, now)
    return was


def _who(partner_id: str) -> dict[str, str]:
    return {"partner_id": partner_id}


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/funds`."""
    return _list_page(desk, call, {}, 200)


def add(desk: Desk, call: Call) -> Reply:
    """`POST /house/funds`."""
    limit = text(call, "enrolment_limit")
    try:
        if limit and not (limit.isdecimal() and len(limit) <= len(str(MOST_ENROLLED))):
            raise refused(
                Sentence("a whole number up to %(most)s, or nothing", most=f"{MOST_ENROLLED:,}"),
                "enrolment_limit",
            )
        given = NewFund(text(call, "pool_id"), text(call, "name"), int(limit) if limit else None)
        made = make(desk, call.identity, given, call.now)
    except CatalogError as error:
        return _list_page(desk, call, errors_of(call, error), 422)
    return See(f"{PATH}/{made.pool_id}", N_("The fund is made. Pay something in next."))


def _list_page(desk: Desk, call: Call, errors: Errors, status: int) -> Html:
    given = {name: text(call, name) for name in ("pool_id", "name", "enrolment_limit")}
    some, further = part_of(call, PATH, everything(desk), BY_ID)
    values = {"pools": with_money(desk, some), "next": further, "values": given, "errors": errors}
    return Html("operators/funds.html", values, status)


def as_csv(desk: Desk, _: Call) -> Download:
    """`GET /house/funds.csv`."""
    return sheet("funds", FundOut, map(_out, with_money(desk, everything(desk))))


def one_page(desk: Desk, call: Call) -> Html:
    """`GET /house/funds/{fund}`."""
    return _one_page(desk, call, {}, 200)


def post_deposit(desk: Desk, call: Call) -> Reply:
    """`POST /house/funds/{fund}/deposit`."""
    pool_id = call.params["fund"]
    try:
        told = PaymentIn(amount(text(call, "amount")), text(call, "reference"))
        pay_in(desk, call.identity, pool_id, told, call.now)
    except CatalogError as error:
        return _one_page(desk, call, errors_of(call, error), 422)
    return See(f"{PATH}/{pool_id}", N_("The payment is booked."))


def post_enrol(desk: Desk, call: Call) -> Reply:
    """`POST /house/funds/{fund}/enrol` and `/leave`."""
    pool_id, partner_id = call.params["fund"], text(call, "partner_id")
    leaving = call.path.endswith("/leave")
    try:
        (leave if leaving else enrol)(desk, call.identity, pool_id, partner_id, call.now)
    except CatalogError as error:
        return _one_page(desk, call, errors_of(call, error), 422)
    said = N_("The enrolment has ended.") if leaving else N_("The partner is enrolled.")
    return See(f"{PATH}/{pool_id}", said)


def _one_page(desk: Desk, call: Call, errors: Errors, status: int) -> Html:
    pool = find(desk, call.params["fund"])
    fund = pool.fund
    some, further = part_of(call, f"{PATH}/{fund.pool_id}", pool.enrolments, EARLIEST_FIRST)
    went = course(desk, fund)
    rows: list[dict[str, Any]] = [{"day": day, "left": left} for day, left in went]
    frame = Frame(call._(N_("Balance of the fund by day")), unit=f"micros:{fund.currency}")
    values = {
        "pool": pool,
        "fund": fund,
        "enrolments": some,
        "next": further,
        "course": went,
        "plot": plots.line(rows, "day", "left", frame=frame),
        "values": {name: text(call, name) for name in ("amount", "reference", "partner_id")},
        "errors": errors,
    }
    return Html("operators/fund.html", values, status)


def enrolments_csv(desk: Desk, call: Call) -> Download:
    """`GET /house/funds/{fund}/enrolments.csv`: who is in it, and was."""
    pool = find(desk, call.params["fund"])
    return sheet(f"{pool.fund.pool_id}-enrolments", EnrolmentOut, map(_enrolment, pool.enrolments))


def _enrolment(one: Enrolment) -> EnrolmentOut:
    return EnrolmentOut(one.partner_id, one.enrolled_at, one.left_at)


def list_enrolments(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/funds/{fund}/enrolments`, by partner."""
    return paged(call, find(desk, call.params["fund"]).enrolments, _BY_PARTNER, _enrolment)


def listed(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/funds`, by id."""
    some, more = BY_ID.piece(everything(desk), call.cursor, call.limit)
    return Listed([_out(one) for one in with_money(desk, some)], more)


def post(desk: Desk, call: Call) -> FundOut:
    """`POST /api/v1/house/funds`."""
    made = make(desk, call.identity, call.data, call.now)
    return _out(find(desk, made.pool_id))


def rest_deposit(desk: Desk, call: Call) -> Booked:
    """`POST /api/v1/house/funds/{fund}/deposits`."""
    return pay_in(desk, call.identity, call.params["fund"], call.data, call.now)


def rest_enrol(desk: Desk, call: Call) -> FundOut:
    """`POST /api/v1/house/funds/{fund}/enrolments`."""
    given: Enrolled = call.data
    enrol(desk, call.identity, call.params["fund"], given.partner_id, call.now)
    return _out(find(desk, call.params["fund"]))


def rest_leave(desk: Desk, call: Call) -> None:
    """`DELETE /api/v1/house/funds/{fund}/enrolments/{partner}`. Raises NotFoundError."""
    if not leave(desk, call.identity, call.params["fund"], call.params["partner"], call.now):
        raise NotFoundError("this partner is not enrolled")


def _out(pool: Pool) -> FundOut:
    fund = pool.fund
    return FundOut(
        fund.pool_id,
        fund.name,
        fund.currency,
        pool.left,
        pool.paid_in,
        [one.partner_id for one in pool.inside],
        fund.enrolment_limit,
    )


PAGES = (
    Page("GET", PATH, page, OPERATORS),
    Page("GET", f"{PATH}.csv", as_csv, OPERATORS),
    Page("POST", PATH, add, OPERATORS),
    Page("GET", ONE, one_page, OPERATORS),
    Page("GET", f"{ONE}/enrolments.csv", enrolments_csv, OPERATORS),
    Page("POST", f"{ONE}/deposit", post_deposit, OPERATORS),
    Page("POST", f"{ONE}/enrol", post_enrol, OPERATORS),
    Page("POST", f"{ONE}/leave", post_enrol, OPERATORS),
)
_API = "/api/v1/house/funds"
_ONE = f"{_API}/{{fund}}"
ENDPOINTS = (
    Endpoint("GET", _API, "All funds", listed, OPERATORS, answer=FundOut, listed=True),
    Endpoint(
        "POST", _API, "Make a fund", post, OPERATORS, body=NewFund, answer=FundOut, status=201
    ),
    Endpoint(
        "POST", f"{_ONE}/deposits", "Book money paid into a fund", rest_deposit, OPERATORS,
        body=PaymentIn, answer=Booked,
    ),
    Endpoint(
        "GET", f"{_ONE}/enrolments", "Who may draw on a fund, or might", list_enrolments,
        OPERATORS, answer=EnrolmentOut, listed=True,
    ),
    Endpoint(
        "POST", f"{_ONE}/enrolments", "Let a partner draw on a fund", rest_enrol, OPERATORS,
        body=Enrolled, answer=FundOut,
    ),
    Endpoint(
        "DELETE", f"{_ONE}/enrolments/{{partner}}", "End a partner's enrolment", rest_leave,
        OPERATORS, status=204,
    ),
)  # fmt: skip
