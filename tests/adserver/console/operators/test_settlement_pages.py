"""The settlement calendar: what closing has before it, closing once, payouts, the bank's answer."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from multidict import MultiDict

from adserver.api.problems import NotFoundError
from adserver.config import Settings
from adserver.console.desk import Desk
from adserver.console.operators import month_pages, months, payout_pages
from adserver.console.operators.month_pages import CloseMonth, ExtendMonth
from adserver.console.operators.payout_pages import BankAnswer
from adserver.console.web.exchange import Call, Download, See
from adserver.marketplace.problem import CatalogError
from adserver.stores import audit, database
from adserver.stores.audit import Sought
from affiliate.calendar import Period
from affiliate.payout import State
from tests.adserver.accounting.till import Till, at
from tests.adserver.console.operators.at_the_desk import WHO, call, further, page, with_data
from tests.adserver.console.web.running import desk_over

IN_TIME = at("2026-11-12")
PAY_DAY = at("2026-11-20")
ID = "2026-10-p1-CNY"


@dataclass
class Office:
    desk: Desk
    till: Till

    def month(self, now: datetime, form: dict[str, str] | None = None) -> Call:
        return call(now, form, period="2026-10", currency="CNY")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A trusted merchant, an approved partner, and 250 yuan sold and received in October."""
    with desk_over(Settings(data_dir=tmp_path)) as desk:
        till = Till(desk.engine)
        till.merchant()
        till.partner()
        till.sell("a", at("2026-10-05"), earns=25_000)
        till.sell("a", at("2026-10-06"), payable_from=at("2026-10-06"))
        yield Office(desk, till)


def closed(office: Office) -> None:
    reply = month_pages.close(office.desk, office.month(IN_TIME, {}))
    assert isinstance(reply, See)


def actions(office: Office, kind: str) -> list[str]:
    with database.reading(office.desk.engine) as connection:
        found = audit.lines(connection, Sought(kind=kind), 20)
    return [one.action for one in found][::-1]


def test_an_open_month_says_what_closing_has_before_it(office: Office) -> None:
    asked = office.month(IN_TIME)
    shown = page(month_pages.one_page(office.desk, asked), asked)
    assert "250.00" in shown
    assert "Close the month" in shown
    listed = call(IN_TIME)
    assert "Can be closed" in page(month_pages.page(office.desk, listed), listed)
    found = month_pages.get_outlook(office.desk, asked)
    assert (found.partners, found.pending_micros) == (1, 250_000_000)


def test_a_month_closes_once_and_is_in_the_audit_log(office: Office) -> None:
    closed(office)
    again = month_pages.close(office.desk, office.month(IN_TIME, {}))
    assert isinstance(again, See)
    assert again.notice == "It had been closed already."
    assert actions(office, "month") == ["close"]


def test_closing_before_its_day_asks_for_a_tick(office: Office) -> None:
    early = at("2026-11-05")
    asked = office.month(early, {})
    shown = page(month_pages.close(office.desk, asked), asked, 422)
    assert "Tick this to close it before its day." in shown
    assert isinstance(month_pages.close(office.desk, office.month(early, {"sure": "1"})), See)


def test_a_month_is_extended_once_with_a_reason(office: Office) -> None:
    asked = office.month(IN_TIME, {"why": " "})
    assert "say why" in page(month_pages.extend(office.desk, asked), asked, 422)
    assert isinstance(
        month_pages.extend(office.desk, office.month(IN_TIME, {"why": "a report is late"})), See
    )
    asked = office.month(IN_TIME, {"why": "again"})
    assert "once" in page(month_pages.extend(office.desk, asked), asked, 422)
    with pytest.raises(CatalogError, match="2026-12-10"):
        months.close(office.desk, WHO, months_key(office), IN_TIME, early=False)
    assert actions(office, "month") == ["extend"]


def months_key(office: Office) -> tuple[Period, str]:
    month = months.find(office.desk, Period("2026-10"), "CNY", IN_TIME)
    return month.period, month.currency


def test_payouts_are_made_written_for_the_bank_and_confirmed(office: Office) -> None:
    closed(office)
    early = office.month(at("2026-11-15"), {})
    assert "before its day" in page(month_pages.batch(office.desk, early), early, 422)
    asked = office.month(PAY_DAY, {})
    shown = page(month_pages.batch(office.desk, asked), asked)
    assert "One payout was made." in shown
    assert ID in shown
    file = month_pages.bank_file(office.desk, asked)
    assert isinstance(file, Download)
    assert b"250.00" in file.body
    assert file.name == "payouts-2026-10-CNY.csv"
    told = call(PAY_DAY, {"note": "B77"}, payout=ID, verb="confirm")
    assert isinstance(payout_pages.answer(office.desk, told), See)
    shown = page(payout_pages.one_page(office.desk, told), told)
    assert "B77" in shown
    assert "Paid" in shown
    late = call(PAY_DAY, {"note": "no"}, payout=ID, verb="fail")
    assert "cannot become" in page(payout_pages.answer(office.desk, late), late, 422)
    assert actions(office, "payout") == ["make", "confirm"]


def test_a_payout_that_failed_is_tried_again(office: Office) -> None:
    closed(office)
    month_pages.batch(office.desk, office.month(PAY_DAY, {}))
    silent = call(PAY_DAY, {"note": ""}, payout=ID, verb="fail")
    assert "say what the bank said" in page(payout_pages.answer(office.desk, silent), silent, 422)
    failed = call(PAY_DAY, {"note": "closed"}, payout=ID, verb="fail")
    assert isinstance(payout_pages.answer(office.desk, failed), See)
    assert "Try again" in page(payout_pages.one_page(office.desk, failed), failed)
    again = call(PAY_DAY, {}, payout=ID, verb="retry")
    assert isinstance(payout_pages.answer(office.desk, again), See)
    (found,) = payout_pages.list_payouts(office.desk, call(PAY_DAY)).items
    assert (found.state, found.attempt) == ("pending", 2)


def test_who_is_not_paid_is_told_with_the_reason(office: Office) -> None:
    office.till.edit_partner(bank_account="", account_holder="")
    closed(office)
    asked = office.month(PAY_DAY, {})
    shown = page(month_pages.batch(office.desk, asked), asked)
    assert "There is no bank account to pay to." in shown
    found = month_pages.post_batch(office.desk, with_data(asked, CloseMonth()))
    assert found.held == {"p1": "no_bank_account"}


def test_programs_close_extend_and_answer(office: Office) -> None:
    asked = office.month(IN_TIME, {})
    given = with_data(asked, ExtendMonth("late"))
    assert month_pages.post_extend(office.desk, given).extended
    december = office.month(at("2026-12-12"), {})
    made = month_pages.post_close(office.desk, with_data(december, CloseMonth()))
    assert made.statements == 1
    paid = office.month(at("2026-12-20"), {})
    batch = month_pages.post_batch(office.desk, with_data(paid, CloseMonth()))
    assert [one.amount_minor for one in batch.made] == [25_000]
    assert batch.made[0].bank_account.startswith("…")
    told = with_data(call(PAY_DAY, {}, payout=ID, verb="confirm"), BankAnswer("B1"))
    assert payout_pages.post_answer(office.desk, told).state == "confirmed"


def test_payouts_are_counted_by_state_and_found_by_their_number(office: Office) -> None:
    closed(office)
    assert set(months.payouts_by_state(office.desk).values()) == {0}
    month_pages.batch(office.desk, office.month(PAY_DAY, {}))
    assert months.payouts_by_state(office.desk)[State.PENDING] == 1
    month = months.find(office.desk, Period("2026-10"), "CNY", PAY_DAY)
    asked = call(PAY_DAY)
    assert ID in page(payout_pages.page(office.desk, asked), asked)
    file = payout_pages.as_csv(office.desk, asked)
    assert f"{ID},2026-10,p1,CNY,25000,pending".encode() in file.body
    other = replace(asked, query=MultiDict({"state": "failed"}))
    assert "No payouts here" in page(payout_pages.page(office.desk, other), other)
    assert month.payouts == {State.PENDING: 1}
    one, events = months.payout(office.desk, ID)
    assert (one.payout_id, [each.state for each in events]) == (ID, [State.PENDING])


def test_every_month_of_five_years_is_reached_and_the_oldest_is_closed_first(
    office: Office,
) -> None:
    late = at("2031-11-12")
    every = months.everything(office.desk, "CNY", late)
    assert [every[0].period, every[-1].period, len(every)] == ["2031-11", "2026-10", 62]
    assert months.find(office.desk, Period("2026-10"), "CNY", late).may_close(late)
    first = call(late)
    shown = page(month_pages.page(office.desk, first), first)
    assert "/house/settlement/2026-10/CNY" not in shown
    (after,) = parse_qs(urlsplit(further(shown)).query)["after"]
    second = replace(first, query=MultiDict({"after": after}))
    shown = page(month_pages.page(office.desk, second), second)
    assert "/house/settlement/2026-10/CNY" in shown
    assert 'rel="next"' not in shown
    sheet = month_pages.as_csv(office.desk, first).body.decode().splitlines()
    assert len(sheet) == 1 + len(every)
    oldest = call(late, {}, period="2026-10", currency="CNY")
    assert isinstance(month_pages.close(office.desk, oldest), See)


def test_what_is_not_in_the_calendar_is_not_there(office: Office) -> None:
    with pytest.raises(NotFoundError):
        month_pages.one_page(office.desk, call(IN_TIME, period="2031-01", currency="CNY"))
    with pytest.raises(NotFoundError):
        payout_pages.one_page(office.desk, call(IN_TIME, payout="nobody"))
    with pytest.raises(NotFoundError):
        month_pages.one_page(office.desk, call(IN_TIME, period="soon", currency="CNY"))
