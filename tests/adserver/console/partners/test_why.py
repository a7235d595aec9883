"""The story of an earning: sums, words and what comes next; and only of one's own."""

from datetime import timedelta

import pytest

from adserver.accounting.closing import Closings
from adserver.api.problems import NotFoundError
from adserver.console.partners import earnings_pages
from adserver.console.partners.voice import Voice
from adserver.console.partners.why import Told, told_of
from affiliate.calendar import Period
from models.domain.ids import PartnerId
from tests.adserver.accounting.shop import Shop
from tests.adserver.accounting.till import P1, SHANGHAI, at
from tests.adserver.console.partners.office import NOW, Office
from tests.affiliate.sales import ANN, BOB, SOLD_AT, fact

VOICE = Voice(str, SHANGHAI)


def told(office: Office, name: str, now: object = NOW) -> Told:
    return told_of(office.desk, P1, name, VOICE, now)  # type: ignore[arg-type]


def said(story: Told) -> str:
    texts = [text for part in story.parts for text in (*part.says, *map(" ".join, part.facts))]
    return "\n".join([story.title, *texts])


def test_an_order_line_says_its_sum_and_how_it_was_rounded(office: Office) -> None:
    office.till.sell("r1", at("2026-10-05"), earns=834, base_minor=26_900, rate_ppm=31_000)
    story = told(office, "r1")
    assert story.title == "Order order-r1, line 1, at shop"
    assert story.earned == 8_340_000
    assert "3.1 % of 269.00 CNY is 8.34 CNY, rounded once to 0.01 CNY." in said(story).replace(
        "\u202f", " "
    ).replace("\xa0", " ")


def test_what_waits_for_the_customer_says_so_and_names_no_date(office: Office) -> None:
    office.till.sell("r1", at("2026-10-05"), earns=834)
    story = told(office, "r1")
    assert "until Shop tells us that the customer has received" in story.next[0]
    assert len(story.next) == 2


def test_what_is_in_hold_names_its_end_its_closing_and_its_payday(office: Office) -> None:
    ripe = at("2026-11-15")
    office.till.sell("r1", at("2026-10-05"), earns=834, payable_from=ripe)
    hold, closing, pays = told(office, "r1").next
    assert "2026-11-15 12:00" in hold
    assert closing == "2026-11 closes on 2026-12-10; that makes it payable."
    assert "2026-12-20" in pays


def test_a_line_ripe_before_the_closing_day_goes_with_the_month_of_its_payment(
    office: Office,
) -> None:
    office.till.sell("r1", at("2026-10-05"), earns=834, payable_from=at("2026-11-09"))
    assert any("2026-10 closes on 2026-11-10" in text for text in told(office, "r1").next)
    office.till.sell("r2", at("2026-11-05"), earns=834, payable_from=at("2026-11-06"))
    late = told(office, "r2", at("2026-11-07")).next
    assert any("2026-11 closes on 2026-12-10" in text for text in late)


def test_a_merchant_that_pays_first_is_named_as_what_it_waits_for(office: Office) -> None:
    office.till.merchant("slow", trusted=False)
    office.till.sell(
        "r1", at("2026-10-05"), earns=9, merchant_id="slow", payable_from=at("2026-10-06")
    )
    assert any("pays us first" in text for text in told(office, "r1").next)


def test_after_the_closing_it_names_the_statement(office: Office) -> None:
    office.till.sell("r1", at("2026-10-05"), earns=834, payable_from=at("2026-10-06"))
    Closings(office.desk.engine, SHANGHAI).close(Period("2026-10"), "CNY", at("2026-11-10"))
    story = told(office, "r1", at("2026-11-12"))
    assert "The closing of 2026-10 made it payable" in story.next[0]
    assert any(part.title == "What closings found" for part in story.parts)


def test_a_day_of_ads_is_explained_to_the_micro(office: Office) -> None:
    office.till.show_ads("2026-10-09", at("2026-10-10"), share=1_234_567)
    story = told(office, "2026-10-09/app1/pl1")
    assert story.earned == 1_234_567
    assert "1.234567" in said(story)
    assert any("2026-10 closes" in text for text in story.next)


def test_a_day_and_a_ledger_key_lead_to_the_same_story(office: Office) -> None:
    office.till.show_ads("2026-10-09", at("2026-10-10"), share=1_234_567)
    by_key = told(office, "adshare:2026-10-09:app1:pl1:p1:1:share")
    assert by_key.title == told(office, "2026-10-09/app1/pl1").title


@pytest.mark.parametrize(
    "name", ["theirs", "order:theirs:1", "2026-10-06/app1/pl1", "nothing", "", "a/b/c", "' OR 1=1"]
)
def test_what_is_another_partners_does_not_exist(office: Office, name: str) -> None:
    office.till.partner("p2")
    office.till.sell("theirs", at("2026-10-05"), earns=9_900, partner_id="p2")
    office.till.show_ads("2026-10-06", at("2026-10-07"), share=5, partner_id="p2")
    with pytest.raises(NotFoundError):
        told(office, name)


def test_of_a_day_with_two_partners_each_sees_its_own(office: Office) -> None:
    office.till.partner("p2")
    office.till.show_ads("2026-10-06", at("2026-10-07"), share=5, partner_id="p2")
    office.till.show_ads("2026-10-06", at("2026-10-07"), share=7)
    assert told(office, "2026-10-06/app1/pl1").earned == 7
    theirs = told_of(office.desk, PartnerId("p2"), "2026-10-06/app1/pl1", VOICE, NOW)
    assert theirs.earned == 5


def test_no_account_of_anybody_else_is_named(office: Office) -> None:
    office.till.sell("r1", at("2026-10-05"), earns=834, fee=100)
    assert "merchant_receivable" not in said(told(office, "r1"))
    assert "platform_fee" not in said(told(office, "r1"))


def test_a_real_order_tells_of_its_click_its_cap_and_its_refund(office: Office) -> None:
    shop = Shop(office.desk.engine).furnish(cap_minor=900, hold_days=7)
    click = shop.click(link_code="Ab3dE6g", subs=("mail", "", "", "", ""))
    shop.tell(fact(click_id=click))
    row = shop.row()
    story = told_of(office.desk, ANN, row.row_id, VOICE, SOLD_AT + timedelta(hours=1))
    text = said(story)
    assert "The order brought the receipt of a click" in text
    assert "cap of the contract left" in text
    assert "Ab3dE6g" in text
    assert "mail" in text
    assert "7 days" in story.next[0]
    with pytest.raises(NotFoundError):
        told_of(office.desk, BOB, row.row_id, VOICE, NOW)


def test_what_a_stranger_wrote_is_shown_as_text(small: Office) -> None:
    small.till.sell("r1", at("2026-10-05"), earns=9, order_id="<script>alert(1)</script>")
    call = small.call({"of": "r1"})
    text = small.page(earnings_pages.why(small.desk, call), call)
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    listed = small.page(earnings_pages.lines(small.desk, small.call()), small.call())
    assert "<script>alert" not in listed
