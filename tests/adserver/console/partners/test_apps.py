"""Apps, placements, keys, snippets and the integration check."""

import json
import re
from dataclasses import replace

import pytest

from adserver.api.problems import NotFoundError
from adserver.console.partners import app_endpoints, app_pages, apps
from adserver.console.partners.app_endpoints import (
    AppChange,
    AppWanted,
    PlacementChange,
    PlacementWanted,
)
from adserver.console.partners.integration import Check, advice, outcome_in_words, refusal_in_words
from adserver.console.partners.snippets import snippets
from adserver.console.web.exchange import See
from adserver.eventlog.app_requests import Asked, Traffic
from adserver.marketplace.problem import CatalogError
from adserver.stores import audit, database
from adserver.stores.refusals import Refusal
from models.domain.placement import App, Format
from tests.adserver.accounting.till import P1
from tests.adserver.console.partners.office import NOW, Office
from tests.builders import app, placement


def with_app(office: Office, **form: str) -> App:
    given = {"name": "Reader", "bundle": "com.example.reader", "category": "books"} | form
    reply = app_pages.add_app(office.desk, office.call(form=given))
    assert isinstance(reply, See), reply
    (made,) = apps.apps_of(office.desk, P1)
    return made


def test_a_new_app_leads_on_to_its_first_placement(office: Office) -> None:
    made = with_app(office)
    call = office.call(
        form={"name": "Start", "format": "splash", "sizes": "1080x1920, 720x1280",
              "floor_cpm": "5.00", "max_ads": "1"},
        app_id=made.app_id,
    )  # fmt: skip
    assert isinstance(app_pages.add_placement(office.desk, call), See)
    (slot,) = apps.placements_of(office.desk, made)
    assert (slot.format, slot.floor_cpm_micros) == (Format.SPLASH, 5_000_000)
    assert slot.sizes == ((1080, 1920), (720, 1280))
    call = office.call(app_id=made.app_id)
    text = office.page(app_pages.app_page(office.desk, call), call)
    assert slot.placement_id in text
    assert apps.key_of(office.desk, made) in text
    assert "/preview?key=" in text


def test_every_change_is_in_the_audit_log_under_the_partners_name(small: Office) -> None:
    made = with_app(small)
    app_pages.rotate(small.desk, small.call(form={}, app_id=made.app_id))
    with database.reading(small.desk.engine) as connection:
        lines = audit.lines(connection, audit.Sought(kind="app", entity_id=made.app_id), 10)
    assert [(line.actor, line.action) for line in lines] == [
        ("li@p.example", "edit"),
        ("li@p.example", "add"),
    ]
    (after,) = apps.apps_of(small.desk, P1)
    assert apps.key_of(small.desk, after) != apps.key_of(small.desk, made)


@pytest.mark.parametrize(
    ("form", "field"),
    [({"name": ""}, "name"), ({"category": "two words"}, "category"), ({"bundle": ""}, "bundle")],
)
def test_a_form_that_is_refused_keeps_what_was_typed(
    small: Office, form: dict[str, str], field: str
) -> None:
    given = {"name": "My <b>app</b>", "bundle": "com.x", "category": "books"} | form
    call = small.call(form=given)
    page = app_pages.add_app(small.desk, call)
    text = small.page(page, call)
    assert getattr(page, "status", 0) == 422
    assert field in page.values["errors"]  # type: ignore[union-attr]
    assert "<b>app" not in text
    assert apps.apps_of(small.desk, P1) == []


def test_block_lists_and_floors_can_be_set_and_cleared(small: Office) -> None:
    made = with_app(small)
    app_pages.save_app(
        small.desk,
        small.call(
            form={
                "name": "R",
                "bundle": "b",
                "category": "books",
                "blocked_categories": "IAB7 IAB2",
            },
            app_id=made.app_id,
        ),
    )
    (after,) = apps.apps_of(small.desk, P1)
    assert after.blocked_categories == {"IAB7", "IAB2"}
    app_pages.save_app(
        small.desk,
        small.call(
            form={"name": "R", "bundle": "b", "category": "books", "blocked_categories": ""},
            app_id=made.app_id,
        ),
    )
    (after,) = apps.apps_of(small.desk, P1)
    assert after.blocked_categories == frozenset()


def test_an_unknown_advertiser_cannot_be_blocked(small: Office) -> None:
    made = with_app(small)
    with pytest.raises(CatalogError, match="there is no advertiser"):
        apps.edit_app(small.desk, made, small.who, {"blocked_advertisers": ["nobody"]}, NOW)


def test_another_partners_app_or_placement_does_not_exist(small: Office) -> None:
    mine = with_app(small)
    small.desk.catalog.add(app(partner_id="p2"), NOW)
    small.desk.catalog.add(placement(), NOW)
    theirs = {"app_id": "app1", "placement_id": "pl1"}
    for handler in (
        app_pages.app_page, app_pages.rotate, app_pages.check, app_pages.new_placement,
        app_pages.placement_page, app_pages.archive_placement, app_endpoints.key,
    ):  # fmt: skip
        with pytest.raises(NotFoundError):
            handler(small.desk, small.call(**theirs))
    with pytest.raises(NotFoundError):
        app_pages.placement_page(small.desk, small.call(app_id=mine.app_id, placement_id="pl1"))


def test_rest_adds_changes_and_archives(small: Office) -> None:
    made = app_endpoints.add(small.desk, small.api(data=AppWanted("Game", "com.g", "games")))
    own = {"app_id": made.app_id}
    changed = app_endpoints.edit(small.desk, small.api(data=AppChange(name="New"), **own))
    assert (changed.name, changed.bundle) == ("New", "com.g")
    wanted = PlacementWanted("Slot", "banner", ["320x50"], "1.50")
    slot = app_endpoints.add_placement(small.desk, small.api(data=wanted, **own))
    assert (slot.sizes, slot.floor_cpm_micros) == (["320x50"], 1_500_000)
    call = small.api(
        data=PlacementChange(floor_cpm="", active=False), placement_id=slot.placement_id, **own
    )
    after = app_endpoints.edit_placement(small.desk, call)
    assert (after.floor_cpm_micros, after.active) == (0, False)
    (listed,) = app_endpoints.placements(small.desk, small.api(**own)).items
    assert listed.active is False
    before = app_endpoints.key(small.desk, small.api(**own))
    assert app_endpoints.rotate(small.desk, small.api(**own)).key != before.key
    call = small.api(data=PlacementWanted("Slot", "banner", ["big"]), **own)
    with pytest.raises(CatalogError):
        app_endpoints.add_placement(small.desk, call)


def test_the_checklist_ticks_what_is_there(small: Office) -> None:
    call = small.call(placement_id="")
    before = app_pages.home(small.desk, call).values["left"]
    with_app(small)
    after = app_pages.home(small.desk, call)
    assert after.values["left"] == before - 1
    assert "From here to the first payout" in small.page(after, call)


def test_snippets_carry_the_partners_own_ids_and_are_sound() -> None:
    some = snippets("https://ads.example", "app1.1.ab", placement())
    assert [one.language for one in some] == ["curl", "Kotlin", "Swift", "JavaScript"]
    for one in some:
        assert "app1.1.ab" in one.text
        assert "pl1" in one.text
        assert "https://ads.example/v1/ads" in one.text
    body = re.search(r"-d '(.*)'", some[0].text)
    assert body is not None
    assert json.loads(body[1]) == {"request_id": "test-1", "placement_id": "pl1", "test": 1}


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Refusal(1, 400, "Expected `int`, got `str`", "/user/yob"),
         "user.yob is a text, and must be a whole number."),
        (Refusal(1, 400, "Expected `array`, got `null`", "/user/data/0/segment"),
         "user.data.0.segment is nothing, and must be a list."),
        (Refusal(1, 400, "Object missing required field `request_id`", "/request_id"),
         "request_id is missing."),
        (Refusal(1, 403, "this placement belongs to another app", "/placement_id"),
         "The placement in it belongs to another app than the key."),
        (Refusal(1, 400, "Expected `int` >= 1", "/count"), "count: Expected `int` >= 1"),
        (Refusal(1, 400, "never heard of"), "never heard of"),
    ],
)  # fmt: skip
def test_a_refusal_in_words(refusal: Refusal, words: str) -> None:
    assert refusal_in_words(refusal, str) == words


def asked(ads: int, reason: str = "") -> Asked:
    return Asked(NOW, "pl1", "r", ads, reason, 100, False, False)


def test_an_outcome_in_words() -> None:
    assert outcome_in_words(asked(1), str) == "Ads answered: 1"
    assert "floor" in outcome_in_words(asked(0, "floor"), str)
    assert outcome_in_words(asked(0, "country"), str).startswith("No ad: what there was")


def test_advice_names_what_is_wrong_first() -> None:
    quiet = Check(Traffic(), (), ())
    assert advice(quiet, str)[0].startswith("No request has arrived")
    refused = replace(quiet, refusals=(Refusal(1, 400, "x"),))
    assert advice(refused, str)[0].startswith("Some requests were refused")
    tests = Check(Traffic(requests=3, filled=3, tests=3, user_known=3), (), ())
    assert advice(tests, str)[0].startswith("All requests were tests")
    unseen = Check(Traffic(requests=3, filled=3, user_known=3), (), ())
    assert "none was reported as shown" in advice(unseen, str)[0]
    well = Check(Traffic(requests=3, filled=3, user_known=3, impressions=2), (), ())
    assert advice(well, str) == ["Everything works."]
    assert "does not answer" in advice(Check(None, (), None), str)[0]


def test_the_check_page_shows_refusals_as_text(small: Office) -> None:
    made = with_app(small)
    told = (Refusal(1_795_000_000_000, 400, "<b>x</b>", "/a", "<script>"),)
    small.desk = replace(small.desk, refusals=lambda _app: told)
    call = small.call(app_id=made.app_id)
    text = small.page(app_pages.check(small.desk, call), call)
    assert "<script>" not in text.replace("<script src", "")
    assert "&lt;b&gt;x" in text
    small.desk = replace(small.desk, refusals=lambda _app: None)
    assert "nobody knows" in small.page(app_pages.check(small.desk, call), call)
