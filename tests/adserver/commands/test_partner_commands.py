"""partner, contract, coupon and merchant, as their users run them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.adserver.commands.conftest import Run

TOMORROW = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()


@pytest.fixture
def house(adunion: Run) -> Run:
    """One approved partner and one merchant."""
    adunion("partner", "apply", "--id", "p", "--name", "Reader")
    adunion("partner", "approve", "p")
    adunion("merchant", "add", "--id", "shop", "--name", "Shop", "--home-url", "https://s.example")
    return adunion


def read(run: Run, *arguments: str) -> Any:
    return json.loads(run(*arguments, "--json").output)


def test_every_step_says_what_to_do_next_until_nothing_is_missing(adunion: Run) -> None:
    applied = adunion("partner", "apply", "--id", "p", "--name", "Reader").output
    assert "Next: adunion partner approve p" in applied
    approved = adunion("partner", "approve", "p", "--reason", "met at a fair").output
    assert "Partner p is approved." in approved
    assert "Next: adunion contract add --partner p" in approved
    assert "adunion partner edit p --bank-account" in approved
    adunion("contract", "add", "--partner", "p", "--share", "90%")
    adunion(
        "partner", "edit", "p", "--bank-account", "6222 0212 3456 7890", "--account-holder", "R"
    )
    shown = read(adunion, "partner", "show", "p")
    assert shown["next"] == []
    assert [(line["what"], line["why"]) for line in shown["history"]] == [
        ("applied", ""),
        ("approved", "met at a fair"),
        ("changed", "bank_account, account_holder"),
    ]
    assert len(shown["contracts"]) == 1


def test_a_bank_account_is_never_shown_whole(house: Run) -> None:
    house("partner", "edit", "p", "--bank-account", "6222-0212-34567890", "--account-holder", "R")
    for arguments in (("show", "p"), ("show", "p", "--json"), ("list", "--json")):
        output = house("partner", *arguments).output
        assert "****7890" in output or "list" in arguments
        assert "6222" not in output


def test_a_partner_is_suspended_with_a_reason_and_restored(house: Run) -> None:
    refused = house("partner", "suspend", "p", fails=True).output
    assert "to suspend needs a reason" in refused
    suspended = house("partner", "suspend", "p", "--reason", "fraud", "--by", "ann").output
    assert "Next: adunion partner restore p" in suspended
    again = house("partner", "suspend", "p", "--reason", "more").output
    assert "is suspended already; nothing was changed" in again
    assert "is suspended; to approve" not in house("partner", "restore", "p").output
    last = read(house, "partner", "show", "p")["history"][-2]
    assert (last["what"], last["who"], last["why"]) == ("suspended", "ann", "fraud")


def test_an_application_can_be_rejected_and_approved_after_all(adunion: Run) -> None:
    adunion("partner", "apply", "--id", "p", "--name", "P")
    adunion("partner", "reject", "p", "--reason", "no site")
    assert read(adunion, "partner", "show", "p")["standing_reason"] == "no site"
    adunion("partner", "approve", "p")
    assert (
        "is approved; to reject"
        in adunion("partner", "reject", "p", "--reason", "x", fails=True).output
    )


def test_partners_are_listed_by_standing(house: Run) -> None:
    house("partner", "apply", "--name", "New", "--site", "https://a.example,https://b.example")
    (new,) = read(house, "partner", "list", "--standing", "applied")
    assert (new["name"], new["sites"]) == ("New", ["https://a.example", "https://b.example"])
    assert new["partner_id"].startswith("p_")
    assert len(read(house, "partner", "list")) == 2
    assert house("partner", "list", "--standing", "suspended").output.startswith(
        "No partners are suspended."
    )


def test_an_edit_changes_what_it_names_and_can_clear(house: Run) -> None:
    house("partner", "edit", "p", "--site", "https://a.example", "--customer-ref", "x,y")
    changed = read(house, "partner", "show", "p")
    assert (changed["sites"], changed["customer_refs"]) == (["https://a.example"], ["x", "y"])
    house("partner", "edit", "p", "--clear", "sites", "--name", "New")
    after = read(house, "partner", "show", "p")
    assert (after["sites"], after["customer_refs"], after["name"]) == ([], ["x", "y"], "New")
    assert "Nothing to change in" in house("partner", "edit", "p", "--name", "New").output


def test_an_app_is_given_to_a_partner(house: Run) -> None:
    house("app", "add", "--id", "a", "--name", "A", "--bundle", "b", "--category", "books")
    none = house("partner", "apps", "p").output
    assert "Next: adunion app edit APP --partner p" in none
    refused = house("contract", "add", "--partner", "p", "--app", "a", fails=True).output
    assert "adunion app edit a --partner p" in refused
    house("app", "edit", "a", "--partner", "p")
    assert read(house, "partner", "apps", "p") == [{"app_id": "a", "name": "A", "bundle": "b"}]
    house("contract", "add", "--partner", "p", "--app", "a", "--ad-share", "80%")
    assert read(house, "partner", "show", "p")["apps"] == ["a"]


def test_a_partners_key_is_made_each_time_and_belongs_to_its_organisation(house: Run) -> None:
    first = read(house, "partner", "key", "p")
    assert first["key"].startswith(f"adu_{first['key_id']}_")
    told = house("partner", "key", "p", "--name", "Nightly").output
    assert told.startswith("Authorization: Bearer adu_")
    assert first["key"] not in told
    assert "there is no such partner" in house("partner", "key", "nobody", fails=True).output


def test_a_merchants_keys_are_derived_and_rotated(house: Run) -> None:
    merchant = read(house, "merchant", "key", "shop")
    assert merchant["key"].startswith("shop.1.")
    other = read(house, "merchant", "key", "shop", "--rotate")
    assert other["key_generation"] == 2
    assert other["signing_secret"] != merchant["signing_secret"]


def test_everything_a_contract_can_say_is_read_from_options(house: Run) -> None:
    made = read(
        house, "contract", "add", "--id", "c", "--partner", "p", "--starts-at", TOMORROW,
        "--ends-at", "2099-01-01", "--share", "90%", "--window", "30d", "--rate", "12%",
        "--rate", "shop=5.00", "--same-merchant-rate", "3.1%", "--cross-merchant-rate", "1.00",
        "--tier", "100000:15%,200000:18%", "--cap", "10000", "--ad-share", "70%",
        "--ad-tier", "50000:75%", "--ad-tier-kind", "marginal", "--guaranteed-ecpm", "5.5",
        "--subsidy", "support:30%", "--subsidy-cap", "5000", "--hold-days", "7",
        "--minimum-payout", "50",
    )  # fmt: skip
    assert made == {
        "contract_id": "c", "version": 1, "state": "planned", "partner_id": "p",
        "app_id": None, "placement_id": None,
        "starts_at": f"{TOMORROW} 00:00+08:00", "ends_at": "2099-01-01 00:00+08:00",
        "commission_share": "90%", "window": "30d", "rates": ["12%", "shop=5.00"],
        "same_merchant_rate": "3.1%", "cross_merchant_rate": "1.00",
        "tiers": ["100000.00:15%", "200000.00:18%"], "cap": "10000.00",
        "ad_share": "70%", "ad_tiers": ["50000.00:75%"], "ad_tier_kind": "marginal",
        "guaranteed_ecpm": "5.50", "subsidy": "support:30%", "subsidy_cap": "5000.00",
        "hold_days": 7, "minimum_payout": "50.00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--share", "90"], "--share: a percentage such as 12% or 3.1% expected, not '90'"),
        (["--share", "101%"], "commission_share: must be at most 100%"),
        (["--rate", "12.00001%"], "--rate: 12.00001% is too fine"),
        (["--rate", "5.001"], "--rate: a rate is 12% or a flat amount a piece: 5.001 is too fine"),
        (["--tier", "12%"], "--tier: a tier such as 100000:12% expected"),
        (["--tier", "2:1%,1:2%"], "tiers: must rise"),
        (["--subsidy", "30%"], "--subsidy: a fund and its share such as support:30% expected"),
        (["--subsidy-cap", "5"], "subsidy_cap: limits a subsidy that is not there"),
        (["--window", "15"], "--window: a span such as 15d, 36h or 90m expected"),
        (["--starts-at", "soon"], "--starts-at: a time such as 2026-11-22 08:00 expected"),
        (["--partner", "gone"], "partner gone: there is no such partner; `adunion partner list`"),
        (["--app", "gone"], "app 'gone' is not this partner's; to make it so: adunion app edit"),
    ],
)
def test_what_may_not_be_agreed_is_refused_with_its_reason(
    house: Run, options: list[str], complaint: str
) -> None:
    given = ["contract", "add", "--partner", "p", *options]
    output = " ".join(house(*given, fails=True).output.split())
    assert complaint in output
    assert read(house, "contract", "list") == []


def test_a_contract_is_extended_by_versions_and_its_past_stays(house: Run) -> None:
    first = house("contract", "add", "--id", "c", "--partner", "p", "--rate", "12%").output
    assert first.startswith("Contract c version 1 with p holds from ")
    second = house("contract", "extend", "c", "--share", "95%", "--clear", "rates").output
    assert "Contract c version 2 with p holds from" in second
    assert "c version 1 ends at" in second
    house("contract", "extend", "c", "--starts-at", "2098-01-01", "--hold-days", "9")
    one, two, three = read(house, "contract", "show", "c")["versions"]
    assert [one["rates"], two["rates"], three["rates"]] == [["12%"], [], []]
    assert [v["commission_share"] for v in (one, two, three)] == ["100%", "95%", "95%"]
    assert [one["ends_at"], two["ends_at"]] == [two["starts_at"], three["starts_at"]]
    assert [v["state"] for v in (one, two, three)] == ["in force", "planned", "planned"]
    refused = house("contract", "extend", "c", "--starts-at", "2026-01-01", fails=True).output
    assert "it begins in the past, where c version 1 is agreed" in refused


def test_a_version_with_an_end_is_prolonged_from_there_and_changed_until_then(house: Run) -> None:
    house("contract", "add", "--id", "c", "--partner", "p", "--ends-at", "2098-01-01")
    inside = read(house, "contract", "extend", "c", "--starts-at", TOMORROW, "--share", "80%")
    assert inside["ends_at"] == "2098-01-01 00:00+08:00"
    after = read(house, "contract", "extend", "c")
    assert (after["starts_at"], after["ends_at"]) == ("2098-01-01 00:00+08:00", None)
    assert after["commission_share"] == "80%"


def test_ending_a_contract_ends_every_version_that_goes_on(house: Run) -> None:
    house("contract", "add", "--id", "c", "--partner", "p")
    house("contract", "extend", "c", "--starts-at", "2098-01-01")
    told = house("contract", "end", "c", "--at", "2090-01-01", "--reason", "no longer").output
    assert "version 1 ends at 2090-01-01" in told
    assert "version 2 never comes into force" in told
    assert [v["state"] for v in read(house, "contract", "list", "--all")] == ["in force", "void"]
    for at in ("2095-01-01", "2026-01-01"):
        assert "Error" in house("contract", "end", "c", "--at", at, fails=True).output


def test_a_version_that_was_cancelled_is_skipped_by_the_next(house: Run) -> None:
    house("contract", "add", "--id", "c", "--partner", "p", "--share", "90%")
    house("contract", "extend", "c", "--starts-at", "2098-01-01", "--share", "10%")
    house("contract", "end", "c", "--at", "2090-01-01")
    house("contract", "end", "c", "--at", "2080-01-01")
    third = read(house, "contract", "extend", "c")
    assert (third["version"], third["commission_share"]) == (3, "90%")
    assert third["starts_at"] == "2080-01-01 00:00+08:00"


def test_contracts_are_listed_by_partner(house: Run) -> None:
    house("contract", "add", "--id", "c", "--partner", "p")
    house("partner", "apply", "--id", "q", "--name", "Q")
    warned = house("contract", "add", "--id", "d", "--partner", "q").output
    assert "q is applied and earns nothing yet." in warned
    assert [row["contract_id"] for row in read(house, "contract", "list")] == ["c", "d"]
    assert [r["contract_id"] for r in read(house, "contract", "list", "--partner", "q")] == ["d"]
    assert "no such partner" in house("contract", "list", "--partner", "x", fails=True).output


def test_a_merchant_is_added_changed_and_archived(house: Run) -> None:
    house(
        "merchant", "add", "--id", "jp", "--name", "日本", "--home-url", "https://jp.example",
        "--currency", "JPY", "--rate", "500", "--category-rate", "phone=3.1%,toys=20",
        "--gift-category", "cards", "--trusted", "true",
    )  # fmt: skip
    shown = read(house, "merchant", "show", "jp")
    assert shown["default_rate"] == "500"
    assert shown["category_rates"] == ["phone=3.1%", "toys=20"]
    assert (shown["gift_categories"], shown["trusted"]) == (["cards"], True)
    assert (
        "500.5 is too fine: JPY"
        in house("merchant", "edit", "jp", "--rate", "500.5", fails=True).output
    )
    house("merchant", "edit", "jp", "--rate", "8%", "--clear", "gift-categories")
    assert "stays JPY" in house("merchant", "edit", "jp", "--currency", "CNY", fails=True).output
    after = read(house, "merchant", "show", "jp")
    assert (after["default_rate"], after["gift_categories"]) == ("8%", [])
    assert after["history"][-1]["why"] == "default_rate, gift_categories"
    house("merchant", "archive", "jp", "--reason", "closed")
    assert [row["merchant_id"] for row in read(house, "merchant", "list")] == ["shop"]
    assert len(read(house, "merchant", "list", "--all")) == 2
    house("merchant", "restore", "jp")
    assert len(read(house, "merchant", "list")) == 2


def test_a_coupon_is_given_listed_and_ended(house: Run) -> None:
    given = ("coupon", "add", "READER10", "--merchant", "shop")
    assert "Missing option '--partner'" in house(*given, fails=True).output
    made = house(*given, "--partner", "p", "--rate", "10%").output
    assert "READER10 at shop is p's from" in made
    taken = house("coupon", "add", "reader10", "--merchant", "shop", "--partner", "p", fails=True)
    assert "is p's at shop for good; choose another" in taken.output
    house("coupon", "end", "reader10", "--merchant", "shop", "--at", "2098-01-01")
    (row,) = read(house, "coupon", "list", "--merchant", "shop", "--partner", "p")
    assert (row["rate"], row["ends_at"]) == ("10%", "2098-01-01 00:00+08:00")
    assert read(house, "coupon", "list", "--partner", "q") == []
    gone = house("coupon", "end", "X", "--merchant", "shop", fails=True).output
    assert "shop has no such code" in gone


@pytest.mark.parametrize("group", ["partner", "contract", "coupon", "merchant"])
def test_every_command_explains_itself(adunion: Run, group: str) -> None:
    from_help = adunion(group, "--help").output
    names = [line.split()[0] for line in from_help.partition("Commands:")[2].splitlines() if line]
    assert names
    for name in names:
        assert len(adunion(group, name, "--help").output.splitlines()) > 6


@pytest.mark.parametrize("group", ["partner", "contract", "coupon", "merchant"])
def test_an_empty_house_says_how_to_begin(adunion: Run, group: str) -> None:
    assert f"Next: adunion {group} " in adunion(group, "list").output
    assert read(adunion, group, "list") == []


def test_a_reason_that_is_a_novel_is_refused(house: Run) -> None:
    told = house("partner", "suspend", "p", "--reason", "x" * 301, fails=True).output
    assert "at most 300 characters" in told


def test_a_file_is_taken_in_and_written_out(house: Run) -> None:
    file = "partners: [{partner_id: q, name: Q, bank_account: '62220212', account_holder: Q}]"
    assert "(dry run)" in house("partner", "import", "-", "--dry-run", typed=file).output
    assert house("partner", "import", "-", typed=file).output == "partners: 1 added\n"
    assert read_typed(house, file) == {"partners": {"unchanged": 1}}
    assert "62220212" not in house("partner", "export").output
    assert "62220212" in house("partner", "export", "--with-bank-accounts").output
    wrong = house("partner", "import", "-", typed="partners: [{partner: q}]", fails=True).output
    assert "was not taken in:\nline 1, partner, partner: is not known here; partner_id?" in wrong
    assert "names nothing" in house("partner", "import", "-", typed="").output


def read_typed(run: Run, file: str) -> Any:
    return json.loads(run("partner", "import", "-", "--json", typed=file).output)


def test_a_subsidy_that_nobody_pays_yet_is_said_with_what_to_do(house: Run) -> None:
    first = house("contract", "add", "--partner", "p", "--subsidy", "support:30%").output
    assert "There is no fund support, so its subsidy pays nothing yet." in first
    assert "Next: adunion fund create support --name NAME" in first
    house("fund", "create", "support", "--name", "Support", "--limit", "1")
    call = ("contract", "add", "--partner", "p", "--subsidy", "support:20%")
    second = house(*call, "--starts-at", TOMORROW).output
    assert "p is not enrolled in support" in second
    assert "Next: adunion fund enrol support p" in second
    house("fund", "enrol", "support", "p")
    third = house(*call, "--starts-at", f"{TOMORROW}T12:00").output
    assert "fund" not in third
