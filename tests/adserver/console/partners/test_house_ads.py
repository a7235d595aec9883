"""An app's own ads in the console: sent in, judged, published; nothing unjudged travels."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from adserver.accounts.identity import Identity, Role
from adserver.api.problems import NotFoundError
from adserver.console.house_ad_loop import publishing_house_ads
from adserver.console.partners import app_endpoints, house_ad_reviews, house_ads
from adserver.console.partners.house_ads import FormError
from adserver.console.web.exchange import Call, Upload
from adserver.stores import audit, database, house_ads as stored, house_package
from adserver.stores.house_ads import HouseAd
from models.domain.campaign import Review
from models.domain.placement import App
from tests.adserver.console.partners.office import NOW, Office
from tests.adserver.console.partners.test_apps import with_app

FORM = {
    "format": "splash",
    "title": "Version 2",
    "description": "",
    "cta": "Update",
    "landing_url": "https://game.example/new",
}
OPERATOR = Identity(Role.OPERATOR, "", "op@house.example", "org0")


def sent(office: Office, app: App, directory: Path, **form: str) -> Call:
    """The form of an own ad with a picture of 1080 x 1920."""
    path = directory / "picture.png"
    Image.new("RGB", (1080, 1920), (30, 90, 160)).save(path)
    upload = Upload("own.png", path, path.stat().st_size)
    call = office.call(form=FORM | form, app_id=app.app_id)
    return replace(call, files={"picture": (upload,)})


def made(office: Office, directory: Path) -> HouseAd:
    app = with_app(office)
    return house_ads.add(office.desk, app, sent(office, app, directory))


def travelling(office: Office) -> list[str]:
    with database.reading(office.desk.engine) as connection:
        return [one.house_ad_id for one in stored.travelling(connection)]


def test_an_own_ad_waits_and_travels_only_when_it_is_approved(
    small: Office, tmp_path: Path
) -> None:
    ad = made(small, tmp_path)
    assert (ad.review, ad.w, ad.h) == (Review.PENDING, 1080, 1920)
    assert ad.asset_url.endswith(f"/media/{ad.asset_sha256}.png")
    assert travelling(small) == []
    house_ads.judge(small.desk, ad.house_ad_id, OPERATOR, (Review.APPROVED, ""), NOW)
    assert travelling(small) == [ad.house_ad_id]
    app = house_ads.app_of(small.desk, small.partner.partner_id, ad.app_id)
    house_ads.take_back(small.desk, app, ad.house_ad_id, small.who, NOW)
    assert travelling(small) == []


def test_a_rejected_one_says_why_to_its_partner(small: Office, tmp_path: Path) -> None:
    ad = made(small, tmp_path)
    form = {"verdict": "reject", "reason": "No <i>games</i>"}
    call = replace(small.call(form=form, house_ad_id=ad.house_ad_id), who=OPERATOR)
    house_ad_reviews.judge(small.desk, call)
    call = small.call(app_id=ad.app_id)
    text = small.page(house_ads.page(small.desk, call), call)
    assert "Rejected" in text
    assert "No &lt;i&gt;games" in text
    with database.reading(small.desk.engine) as connection:
        lines = audit.lines(connection, audit.Sought(kind="house_ad"), 10)
    assert [line.action for line in lines] == ["reject", "add"]


def test_ads_of_an_archived_app_do_not_travel(small: Office, tmp_path: Path) -> None:
    ad = made(small, tmp_path)
    house_ads.judge(small.desk, ad.house_ad_id, OPERATOR, (Review.APPROVED, ""), NOW)
    small.desk.catalog.archive(App, ad.app_id, NOW)
    assert travelling(small) == []


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"title": ""}, "title"),
        ({"landing_url": "javascript:alert(1)"}, "landing_url"),
        ({"format": "rewarded_video"}, "format"),
        ({"format": "x"}, "format"),
    ],
)
def test_a_field_that_is_wrong_is_named(
    small: Office, tmp_path: Path, form: dict[str, str], field: str
) -> None:
    app = with_app(small)
    with pytest.raises(FormError) as refused:
        house_ads.add(small.desk, app, sent(small, app, tmp_path, **form))
    assert set(refused.value.errors) == {field}


def test_a_file_that_is_no_picture_is_refused_and_nothing_is_kept(
    small: Office, tmp_path: Path
) -> None:
    app = with_app(small)
    call = sent(small, app, tmp_path)
    call.files["picture"][0].path.write_bytes(b"<svg onload='x'/>")
    page = house_ads.add_page(small.desk, call)
    assert getattr(page, "status", 0) == 422
    with database.reading(small.desk.engine) as connection:
        assert stored.of_app(connection, app.app_id) == []
    nothing = replace(call, files={})
    assert "picture" in house_ads.add_page(small.desk, nothing).values["errors"]  # type: ignore[union-attr]


def test_another_apps_ad_cannot_be_taken_back(small: Office, tmp_path: Path) -> None:
    made(small, tmp_path)
    app = with_other_app(small)
    with pytest.raises(NotFoundError):
        house_ads.take_back(small.desk, app, "ha_none", small.who, NOW)
    with pytest.raises(NotFoundError):
        house_ads.judge(small.desk, "ha_none", OPERATOR, (Review.APPROVED, ""), NOW)


def with_other_app(office: Office) -> App:
    given = {"name": "Other", "bundle": "com.o", "category": "games"}
    return house_ads.app_of(
        office.desk, office.partner.partner_id,
        app_endpoints.apps.add_app(
            office.desk, office.partner.partner_id, office.who, given, NOW
        ).app_id,
    )  # fmt: skip


def test_the_review_page_shows_what_waits(small: Office, tmp_path: Path) -> None:
    ad = made(small, tmp_path)
    call = replace(small.call(), who=OPERATOR)
    text = small.page(house_ad_reviews.page(small.desk, call), call)
    assert ad.house_ad_id in text
    (out,) = app_endpoints.own(small.desk, small.api(app_id=ad.app_id)).items
    assert (out.review, out.impressions) == ("pending", 0)


async def test_the_loop_publishes_what_is_approved(small: Office, tmp_path: Path) -> None:
    ad = await asyncio.to_thread(made, small, tmp_path)
    verdict = (Review.APPROVED, "")
    await asyncio.to_thread(house_ads.judge, small.desk, ad.house_ad_id, OPERATOR, verdict, NOW)
    root = small.desk.settings.data_dir / house_package.DIRECTORY
    async with publishing_house_ads(small.desk.settings):
        for _ in range(100):
            await asyncio.sleep(0.05)
            if (root / "CURRENT").exists():
                break
    version = (root / "CURRENT").read_text()
    assert [one.house_ad_id for one in house_package.read(root, version)] == [ad.house_ad_id]
