"""Ad revenue from the command line: deposits, funds, accruals, findings, and the proof."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result

from adserver.config import Settings
from adserver.eventlog.open_store import open_for_reading
from adserver.stores.catalog import open_catalog
from tests.adserver.eventlog.billed import billed, id_of, put
from tests.builders import NOW, advertiser, app, marketplace

Run = Callable[..., Result]
SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 3, 5)


@pytest.fixture
def house(adunion: Run, tmp_path: Path) -> Run:
    """An advertiser, and a partner whose app showed 1,000 impressions of 0.02 on DAY."""
    settings = Settings(data_dir=tmp_path / "var")
    catalog = open_catalog(settings)
    catalog.replace(marketplace(advertisers=(advertiser(),), apps=(app(partner_id="p1"),)), NOW)
    catalog.close()
    adunion("partner", "apply", "--id", "p1", "--name", "Reader", "--email", "p1@example.com")
    adunion("partner", "approve", "p1")
    adunion(
        "contract", "add", "--partner", "p1", "--starts-at", "2026-01-01", "--ad-share", "90%",
        "--subsidy", "developers:30%",
    )  # fmt: skip
    noon = int(datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=SHANGHAI).timestamp() * 1000)
    store = open_for_reading(settings)
    rows = [billed(n, at_ms=noon, partner_id="p1") for n in range(1_000)]
    rows += [billed(n, at_ms=noon) for n in range(1_000, 1_100)]
    put(store, "impressions", rows)
    store.close()
    return adunion


def said(result: Result) -> str:
    return re.sub(r"[ │┃]+", " ", result.output)


def test_from_deposits_to_a_proven_day(house: Run) -> None:
    deposit = ("advertiser", "deposit", "adv1", "--amount", "500", "--reference", "B17")
    assert said(house(*deposit)) == (
        "Booked: 500.00 CNY of adv1 (B17).\nIt has in advance 500.00 CNY.\n"
    )
    assert "Had been booked" in said(house(*deposit))
    house("fund", "create", "developers", "--name", "Support", "--limit", "1")
    put_in = house("fund", "deposit", "developers", "--amount", "2.50", "--reference", "B18")
    assert "It has 2.50 CNY." in said(put_in)
    house("fund", "enrol", "developers", "p1")
    fails = house("reconcile", "--day", str(DAY), fails=True)
    assert "DIFFERENCES" in fails.output
    accrued = said(house("accrue", "--day", str(DAY)))
    assert "2026-03-05 (" in accrued
    assert " revenue 22.00 CNY" in accrued
    assert " share 18.00 CNY" in accrued
    assert "the house keeps 2.00 of apps of the house's own (no_partner)" in accrued
    assert "(nothing new)" in said(house("accrue", "--day", str(DAY)))
    proven = house("reconcile", "--day", str(DAY))
    assert (
        "reconcile 2026-03-05: equal to the micro (2 sums of raw events, 1 shares" in proven.output
    )
    assert "ledger verify: ok" in house("ledger", "verify").output


def test_an_enrolment_counts_from_its_day_on(house: Run) -> None:
    """The fund's enrolment of today says nothing about a day in March."""
    house("fund", "create", "developers", "--limit", "1")
    house("fund", "deposit", "developers", "--amount", "100", "--reference", "B18")
    house("fund", "enrol", "developers", "p1")
    assert "pl1 of p1: not_enrolled" in said(house("accrue", "--day", str(DAY)))


def test_a_fund_for_everybody_pays_until_it_is_empty(house: Run) -> None:
    house("fund", "create", "developers")
    house("fund", "deposit", "developers", "--amount", "2.50", "--reference", "B18")
    found = json.loads(house("accrue", "--day", str(DAY), "--json").output)[0]
    assert (found["share"], found["subsidy"], found["partners"]) == ("18.00", "2.50", "20.50")
    assert found["short"] == [{"app_id": "app1", "placement_id": "pl1", "reason": "pool_empty"}]
    [fund] = json.loads(house("fund", "list", "--json").output)
    assert (fund["left"], fund["paid_in"], fund["limit"]) == ("0.00", "2.50", None)


def test_findings_are_deducted_at_once_where_the_day_was_accrued(
    house: Run, tmp_path: Path
) -> None:
    house("accrue", "--day", str(DAY))
    path = tmp_path / "ids.txt"
    lines = ["# bought", id_of(1), id_of(2).upper(), "", f"{id_of(3)} # a remark", "nonsense"]
    path.write_text("\n".join([*lines, id_of(99_999)]))
    told = house("invalid-traffic", "add", "--events-file", str(path), "--reason", "bought")
    assert "line 6: 'nonsense' is not an event id" in told.output
    assert "line 7: no such event" in told.output
    assert " invalid 0.06 CNY" in said(told)
    again = house("invalid-traffic", "add", "--events-file", str(path), "--reason", "bought")
    assert "All of these events had been found" in again.output
    rule = ("--day", str(DAY), "--app", "app1", "--reason", "click farm")
    assert " share 0.00 CNY" in said(house("invalid-traffic", "add", *rule))
    listed = json.loads(house("invalid-traffic", "list", "--json").output)
    assert sorted(one["what"] for one in listed) == ["3 events", "app app1"]
    assert "equal to the micro" in house("reconcile", "--day", str(DAY)).output


def test_a_finding_about_a_day_to_come_waits_for_it(house: Run) -> None:
    told = house(
        "invalid-traffic", "add", "--day", str(DAY), "--address", "203.0.113.9", "--reason", "farm"
    )
    assert "2026-03-05 was not accrued yet" in told.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("accrue", "--day", "yesterday"), "is not a day: write it as 2026-10-31"),
        (("accrue", "--day", "2999-01-01"), "days are given in order, and up to today"),
        (("accrue", "--day", "2026-03-05", "--until", "2026-03-04"), "in order"),
        (("fund", "enrol", "nofund", "p1"), "there is no fund 'nofund'"),
        (("fund", "enrol", "nofund", "px"), "there is no partner 'px'"),
        (("fund", "create", "a b"), "Invalid value for FUND"),
        (("fund", "deposit", "nofund", "--amount", "1", "--reference", "a"), "no fund"),
        (("fund", "show", "nofund"), "there is no fund 'nofund': adunion fund list"),
        (("fund", "limit", "nofund"), "there is no fund"),
        (("advertiser", "deposit", "nobody", "--amount", "1", "--reference", "a"), "nobody"),
        (("advertiser", "deposit", "adv1", "--amount", "-1", "--reference", "a"), "above 0"),
        (("advertiser", "deposit", "adv1", "--amount", "x", "--reference", "a"), "not an amount"),
        (("invalid-traffic", "add", "--reason", "x"), "name events by --events-file"),
        (("invalid-traffic", "add", "--reason", "x", "--day", "2026-03-05"), "too much"),
        (("invalid-traffic", "add", "--reason", "x", "--app", "app1"), "name --day"),
        (
            ("invalid-traffic", "add", "--reason", "x", "--day", "2026-03-05", "--address", "me"),
            "'me' is not an IP address",
        ),
    ],
)
def test_what_cannot_be_is_said_in_words(
    house: Run, arguments: tuple[str, ...], message: str
) -> None:
    assert message in house(*arguments, fails=True).output


def test_a_reference_used_for_another_amount_is_refused(house: Run) -> None:
    house("advertiser", "deposit", "adv1", "--amount", "5", "--reference", "B1")
    other = ("advertiser", "deposit", "adv1", "--amount", "6", "--reference", "B1")
    refused = house(*other, fails=True).output
    assert "reference B1 was booked before, with another amount (key_reused)" in refused


def test_yesterday_is_the_day_when_none_is_named(house: Run) -> None:
    yesterday = datetime.now(SHANGHAI).date() - timedelta(days=1)
    assert f"{yesterday} (nothing new)" in house("accrue").output
    assert f"reconcile {yesterday}: equal" in house("reconcile").output


def test_funds_are_listed_and_shown_with_their_partners(house: Run) -> None:
    assert "No funds yet" in house("fund", "list").output
    house("fund", "create", "developers", "--limit", "1")
    assert "already" in house("fund", "create", "developers", fails=True).output
    assert "p1 is enrolled" in house("fund", "enrol", "developers", "p1").output
    assert "p1 was already enrolled" in house("fund", "enrol", "developers", "p1").output
    house("partner", "apply", "--id", "p2", "--name", "Two", "--email", "p2@example.com")
    full = house("fund", "enrol", "developers", "p2", fails=True)
    assert "takes 1 partners and has them" in full.output
    house("fund", "limit", "developers", "--limit", "2")
    house("fund", "enrol", "developers", "p2")
    assert "p1 has left developers" in house("fund", "leave", "developers", "p1").output
    assert "was not enrolled" in house("fund", "leave", "developers", "p1").output
    shown = json.loads(house("fund", "show", "developers", "--json").output)
    assert (shown["enrolled"], shown["limit"], len(shown["partners"])) == (1, 2, 2)
    assert "developers" in house("fund", "list").output
    assert "everybody" in house("fund", "limit", "developers").output


def test_a_banks_list_is_booked_line_by_line(house: Run, tmp_path: Path) -> None:
    listed = tmp_path / "november.csv"
    listed.write_text(
        "reference,advertiser,amount\nB1,adv1,5.00\nB2,nobody,1\nB3,adv1,-1\nB4,adv1,2\nB1,adv1,5\n"
    )
    told = house("advertiser", "deposits", str(listed), fails=True).output
    assert "2 booked, 1 had been booked, 2 left out." in told
    assert "line 3: there is no advertiser 'nobody'" in told
    assert "line 4: " in told
    listed.write_text("advertiser,sum\n")
    told = house("advertiser", "deposits", str(listed), fails=True).output
    assert "amount, reference missing" in told
