"""Answers: where the click id goes, what is made once, and the test ad."""

import struct
import zlib

import pytest

from adserver.api import house_ad
from adserver.api.answer import Face, Faces, Setting, UrlWithClickId, ad_out
from models.domain.placement import Format
from tests.builders import creative, offer

SETTING = Setting("http://ads.example", "zh", 1_800)


@pytest.mark.parametrize(
    ("url", "filled"),
    [
        ("https://a.example/", "https://a.example/?click_id=T"),
        ("https://a.example/?x=1", "https://a.example/?x=1&click_id=T"),
        ("https://a.example/#top", "https://a.example/?click_id=T#top"),
        ("https://a.example/{click_id}/x?c={click_id}", "https://a.example/T/x?c=T"),
        ("myapp://open?item=5", "myapp://open?item=5&click_id=T"),
        ("https://a.example/?q=a b&n=ü", "https://a.example/?q=a%20b&n=%C3%BC&click_id=T"),
        ("https://a.example/?q=100%25", "https://a.example/?q=100%25&click_id=T"),
        ("", ""),
    ],
)
def test_the_click_id_goes_where_the_url_says_or_last(url: str, filled: str) -> None:
    assert UrlWithClickId.of(url).filled("T") == filled


def test_no_url_can_break_out_of_a_header() -> None:
    filled = UrlWithClickId.of("https://a.example/\r\nSet-Cookie: x=1\x00\x7f").filled("T")
    assert filled.isascii()
    assert filled.isprintable()
    assert " " not in filled


def test_faces_are_made_once_a_snapshot() -> None:
    faces = Faces()
    one = faces.of(creative(title="old"), "A", "v1")
    assert faces.of(creative(title="old"), "A", "v1") is one
    assert faces.of(creative(title="new"), "A", "v2").creative.title == "new"


def test_every_language_has_a_label() -> None:
    face = Face.of(creative(), "A")
    labels = [
        ad_out(face, offer(), "T", Setting("", language, 1)).label
        for language in ("zh", "zh-cn", "", "en", "de", "xx")
    ]
    assert labels == ["广告", "广告", "广告", "Ad", "Anzeige", "Ad"]


def test_beacons_carry_the_token() -> None:
    ad = ad_out(Face.of(creative(), "A"), offer(), "T", SETTING)
    assert ad.trackers.impression == ("http://ads.example/e/i/T",)
    assert ad.trackers.viewable == ("http://ads.example/e/v/T",)
    assert ad.trackers.click == ("http://ads.example/e/c/T",)
    assert ad.trackers.click_through == "http://ads.example/e/c/T"


@pytest.mark.parametrize("form", list(Format))
def test_the_test_ad_is_a_real_picture_of_its_size(form: Format) -> None:
    asset = house_ad.creative(form, "http://ads.example").assets[0]
    picture = house_ad.picture_of(form)
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (asset.w, asset.h)
    assert len(picture) == asset.bytes
    data = picture[picture.index(b"IDAT") + 4 : picture.index(b"IEND") - 8]
    assert len(zlib.decompress(data)) == asset.h * ((asset.w + 7) // 8 + 1)
