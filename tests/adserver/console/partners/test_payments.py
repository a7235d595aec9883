"""Statements and payouts as pages, CSV and REST; the bank account goes in and never comes out."""

from dataclasses import replace

import pytest

from adserver.accounting.closing import Closings
from adserver.accounting.payouts import Payouts
from adserver.api.problems import NotFoundError
from adserver.console.partners import payment_endpoints, payouts, statements
from adserver.console.partners.payment_endpoints import BankAccount
from adserver.console.web.exchange import Download, See
from adserver.marketplace.problem import CatalogError
from adserver.stores import audit, database
from affiliate.calendar import Period
from tests.adserver.accounting.till import SHANGHAI, at
from tests.adserver.console.partners.office import Office

OCTOBER = Period("2026-10")


def closed(office: Office) -> Office:
    office.till.sell("r1", at("2026-10-05"), earns=50_000, payable_from=at("2026-10-06"))
    office.till.show_ads("2026-10-09", at("2026-10-10"), share=1_234_567)
    Closings(office.desk.engine, SHANGHAI).close(OCTOBER, "CNY", at("2026-11-10"))
    return office


def test_a_statement_shows_its_bridge_and_each_line_leads_to_its_story(office: Office) -> None:
    call = closed(office).call(period="2026-10", currency="CNY")
    text = office.page(statements.page(office.desk, call), call)
    assert "earnings/why?of=r1" in text
    assert "earnings/why?of=2026-10-09/app1/pl1" in text.replace("%2F", "/")
    assert "501.234567" in text
    listed = office.page(statements.listing(office.desk, office.call()), office.call())
    assert "/statements/2026-10/CNY/statement.csv" in listed


def test_the_csv_is_the_statements_own(office: Office) -> None:
    call = closed(office).call(period="2026-10", currency="CNY")
    found = statements.as_csv(office.desk, call)
    assert isinstance(found, Download)
    assert found.name == "statement-p1-2026-10-CNY.csv"
    assert b"opening,,Opening balances" in found.body


def test_a_statement_that_is_not_there_is_not_found(small: Office) -> None:
    for period, currency in (("2026-10", "CNY"), ("x", "CNY"), ("2026-10", "<b>")):
        with pytest.raises(NotFoundError):
            statements.page(small.desk, small.call(period=period, currency=currency))


def test_a_new_account_is_masked_audited_and_said(office: Office) -> None:
    form = {"bank_account": "6222 0212-3456 7890", "account_holder": "Li Lei"}
    reply = payouts.save_bank(office.desk, office.call(form=form))
    assert isinstance(reply, See)
    assert reply.notice.startswith("Payouts now go to the account that ends with 7890.")
    assert office.partner.bank_account == "6222021234567890"
    text = office.page(payouts.page(office.desk, office.call()), office.call())
    assert "6222021234567890" not in text
    assert "****7890" in text
    with database.reading(office.desk.engine) as connection:
        (line,) = audit.lines(connection, audit.Sought(kind="partner", entity_id="p1"), 10)
    assert (line.actor, line.action) == ("li@p.example", "edit")
    assert line.after is not None
    assert line.after["bank_account"].endswith("7890")
    assert "6222" not in line.after["bank_account"]


def test_the_same_account_again_leaves_no_line(small: Office) -> None:
    form = {"bank_account": "6222000011112222", "account_holder": "Li Lei"}
    payouts.save_bank(small.desk, small.call(form=form))
    with database.reading(small.desk.engine) as connection:
        assert audit.lines(connection, audit.Sought(kind="partner"), 10) == []


@pytest.mark.parametrize(
    ("account", "holder", "field"),
    [("", "Li", "bank_account"), ("!!", "Li", "bank_account"), ("62220212", "", "account_holder")],
)
def test_a_form_that_is_refused_comes_back_with_its_message(
    small: Office, account: str, holder: str, field: str
) -> None:
    call = small.call(form={"bank_account": account, "account_holder": holder})
    page = payouts.save_bank(small.desk, call)
    assert getattr(page, "status", 0) == 422
    assert field in page.values["errors"]  # type: ignore[union-attr]
    assert small.partner.bank_account == "6222000011112222"


def test_payouts_have_their_state_and_a_masked_account(office: Office) -> None:
    closed(office)
    desk = Payouts(office.desk.engine, SHANGHAI)
    (made,) = desk.batch(OCTOBER, "CNY", at("2026-11-20")).made
    text = office.page(payouts.page(office.desk, office.call()), office.call())
    assert "On its way" in text
    assert "6222000011112222" not in text
    desk.fail(made.payout_id, at("2026-11-21"), "no such account")
    (out,) = payment_endpoints.paid(office.desk, office.api()).items
    assert (out.state, out.note, out.bank_account) == ("failed", "no such account", "****2222")


def test_rest_sets_where_payouts_go_and_never_says_it_whole(small: Office) -> None:
    call = small.api(data=BankAccount("62220212", "Li Lei"))
    told = payment_endpoints.change_details(small.desk, call)
    assert told.bank_account == "****12"
    assert payment_endpoints.details(small.desk, small.api()) == told
    wrong = replace(call, data=BankAccount("62220212", ""))
    with pytest.raises(CatalogError):
        payment_endpoints.change_details(small.desk, wrong)


def test_rest_lists_statements_and_one_with_its_bridge(small: Office) -> None:
    (one,) = payment_endpoints.listed(closed(small).desk, small.api()).items
    assert (one.month, one.payable_micros, one.payout_minor) == ("2026-10", 501_234_567, 50_123)
    call = small.api(period="2026-10", currency="CNY")
    whole = payment_endpoints.one_statement(small.desk, call)
    assert whole.statement == one
    assert sum(step.amount_micros for step in whole.bridge if not step.total) == 501_234_567
