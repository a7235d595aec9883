"""A catalog file with mistakes: every one is named by line and field."""

import pytest

from adserver.marketplace.problem import SHOWN, CatalogError
from adserver.marketplace.reading import read_catalog

SOUND = """\
version: 1
currency: CNY
advertisers:
  - advertiser_id: adv
    name: Tea
    campaigns:
      - campaign_id: cmp
        name: Spring
        line_items:
          - line_item_id: li
            name: Splash
            pricing: cpm
            bid: 35.00
            starts_at: 2026-11-22
            caps: [3/day]
            targeting:
              country: [CHN]
            creatives:
              - creative_id: cr
                format: splash
                landing_url: https://tea.example/
                assets:
                  - {role: image, url: https://cdn.example/a.png, mime: image/png}
apps:
  - app_id: app
    name: Reader
    bundle: com.example.reader
    category: books
    placements:
      - placement_id: pl
        name: Start
        format: splash
        sizes: [1080x1920]
"""


def complaints(text: str | bytes) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        read_catalog(text, "CNY")
    return [str(problem) for problem in caught.value.problems]


def test_the_sound_file_reads() -> None:
    assert read_catalog(SOUND, "CNY").line_items[0].bid_micros == 35_000_000


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("bid: 35.00", "bid: 35,00", "line 13, line_item li, bid: '35,00' is not an amount"),
        ("bid: 35.00", "bid: -1", "line 13, line_item li, bid: must not be negative"),
        ("bid: 35.00", "bid: 3.5e1", "line 13, line_item li, bid: '3.5e1' is not an amount"),
        ("bid: 35.00", "bid: 0.0000001", "line 13, line_item li, bid: '0.0000001' is not"),
        ("bid: 35.00", "bid: 1e999", "line 13, line_item li, bid: '1e999' is not an amount"),
        ("bid: 35.00", "bid: 100000000001", "line 13, line_item li, bid: must be at most"),
        ("bid: 35.00", "bid: [1]", "line 13, line_item li, bid: one value expected, not a list"),
        ("bid: 35.00", "bid:", "line 13, line_item li, bid: must be more than zero"),
        ("bid: 35.00", "bidd: 1", "line 13, line_item li, bidd: is not known; did you mean bid?"),
        ("pricing: cpm", "pricing: cpt", "line 12, line_item li, pricing: cpt is not sold yet"),
        ("pricing: cpm", "pricing: x", "line 12, line_item li, pricing: must be one of cpm, cpc"),
        ("2026-11-22", "2026-13-01", "line 14, line_item li, starts_at: 2026-13-01: month must"),
        ("2026-11-22", "20261122", "line 14, line_item li, starts_at: a time such as"),
        ("2026-11-22", "1026-11-22", "line 14, line_item li, starts_at: must lie in 2000"),
        ("3/day", "3/week", "line 15, line_item li, caps[0]: 3/week: periods are minute"),
        ("3/day", "0/day", "line 15, line_item li, caps[0]: must allow 1 to"),
        ("[3/day]", "[3/day, 4/day]", "line 15, line_item li, caps: names the same thing twice"),
        ("CHN", "CN", "line 17, line_item li, targeting.country[0]: 'CN' is not a three-letter"),
        ("country:", "counry:", "line 17, line_item li, targeting.counry: targeting knows"),
        (
            "country: [CHN]",
            "country: {include: [CHN], exclude: [chn]}",
            "line 16, line_item li, targeting: country: chn is both included and excluded",
        ),
        (
            "country: [CHN]",
            "placement: [pl9]",
            "line 16, line_item li, targeting: there is no placement 'pl9'",
        ),
        ("format: splash", "format: x", "line 20, creative cr, format: must be one of splash"),
        ("https://tea", "tea", "line 21, creative cr, landing_url: must be a full address"),
        ("https://tea", "javascript://tea", "line 21, creative cr, landing_url: must be a full"),
        ("https://tea", "tea://tea", "line 21, creative cr, landing_url: must be an http(s)"),
        (", mime: image/png", "", "line 23, creative cr, assets[0]: mime is missing"),
        ("name: Reader", "name: ' '", "line 26, app app, name: must not be blank"),
        ("app_id: app", "app_id: a b", "line 25, app a b, app_id: must be 1 to 64 letters"),
        ("1080x1920", "1080", "line 33, placement pl, sizes[0]: a size such as 1080x1920"),
        ("1080x1920", "0x20", "line 33, placement pl, sizes[0]: each side must be 1 to"),
        ("currency: CNY", "currency: USD", "line 2, currency: this engine counts in CNY"),
        ("version: 1", "version: 2", "line 1, version: this engine reads version 1"),
        ("apps:", "aps:", "line 24, aps: is not known; did you mean apps?"),
        ("name: Tea", "domain: tea.example", "line 4, advertiser adv, name: is missing"),
        ("name: Tea", "time_zone: Mars/Base", "line 5, advertiser adv, time_zone: 'Mars/Base' is"),
        ("name: Spring", "name: Spring\n        name: S", "line 9, name: is written twice"),
        ("name: Spring", "name: [Spring", "line 9: not YAML"),
        ("name: Spring", "advertiser_id: b", "line 8, campaign cmp, advertiser_id: stands in"),
        ("apps:", "apps: {}\nplacements:", "line 24, apps: a list of apps expected"),
        ("apps:", "apps: [7]\nplacements:", "line 24, apps[0]: an app with its fields expected"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_line_and_field(before: str, after: str, complaint: str) -> None:
    assert before in SOUND
    found = complaints(SOUND.replace(before, after, 1))
    assert any(one.startswith(complaint) for one in found), found


def test_all_mistakes_are_named_at_once_in_order_of_lines() -> None:
    broken = SOUND.replace("35.00", "x").replace("CHN", "CN").replace("Reader", "' '")
    assert [one.split(",")[0] for one in complaints(broken)] == ["line 13", "line 17", "line 26"]


def test_a_file_of_nothing_but_mistakes_is_cut_short() -> None:
    apps = "".join(f"  - {{app_id: a{number}, bad: 1}}\n" for number in range(1000))
    with pytest.raises(CatalogError) as caught:
        read_catalog(f"apps:\n{apps}", "CNY")
    assert len(caught.value.problems) < 10 * SHOWN
    assert str(caught.value).count("\n") == SHOWN
    assert "more" in str(caught.value).splitlines()[-1]


def test_an_id_used_twice_names_both_lines() -> None:
    text = "advertisers:\n- {advertiser_id: a, name: A}\n- {advertiser_id: a, name: B}\n"
    (complaint,) = complaints(text)
    assert complaint == "line 3, advertiser a, advertiser_id: a is used twice, first at line 2"


def test_entities_may_stand_in_lists_of_their_own_and_name_what_they_belong_to() -> None:
    text = """
apps: [{app_id: a, name: A, bundle: b, category: c}]
placements: [{placement_id: p, app_id: a, name: P, format: banner}]
"""
    assert read_catalog(text, "CNY").placements[0].app_id == "a"


def test_a_reference_to_nothing_is_refused_with_its_line() -> None:
    text = "campaigns:\n- campaign_id: c\n  name: C\n  advertiser_id: nobody\n"
    (complaint,) = complaints(text)
    assert complaint == "line 4, campaign c, advertiser_id: there is no advertiser 'nobody'"


def test_anchors_and_merge_keys_save_writing() -> None:
    text = """
advertisers: [{advertiser_id: a, name: A}]
campaigns: [{campaign_id: c, advertiser_id: a, name: C}]
line_items:
- &first
  {line_item_id: l1, campaign_id: c, name: L, pricing: cpc, bid: 1, starts_at: 2026-01-01,
   targeting: &men {gender: [M]}}
- {<<: *first, line_item_id: l2, bid: 2}
- {<<: *first, line_item_id: l3, targeting: *men}
"""
    items = read_catalog(text, "CNY").line_items
    assert [item.bid_micros for item in items] == [1_000_000, 2_000_000, 1_000_000]
    assert {item.targeting.gender.include for item in items} == {frozenset({"M"})}


def test_words_that_yaml_would_turn_into_something_else_stay_words() -> None:
    text = """
apps:
- {app_id: 007, name: no, bundle: 1.10, category: on, blocked_categories: [1e3, yes]}
"""
    (app,) = read_catalog(text, "CNY").apps
    assert (app.app_id, app.name, app.bundle, app.category) == ("007", "no", "1.10", "on")
    assert app.blocked_categories == {"1e3", "yes"}


@pytest.mark.parametrize(
    "text",
    [
        "- a list",
        "just words",
        "a: b: c",
        "[1, 2",
        "\t- x",
        "? [1, 2]\n: 3",
        "apps: *nothing",
        "a: 1\n---\nb: 2",
        "apps: " + "[" * 5000 + "]" * 5000,
        "apps: {" * 60 + "}" * 60,
        b"\xff\xfe\x00",
        b"\x80abc",
        "name: \x07",
        "apps: !!python/object/apply:os.system [echo]",
        "apps: [{<<: [1, 2], app_id: a, name: A, bundle: b, category: c}]",
        "apps: [{<<: words, app_id: a, name: A, bundle: b, category: c}]",
    ],
)
def test_what_is_no_catalog_at_all_is_refused_and_not_a_crash(text: str | bytes) -> None:
    assert complaints(text)


def test_aliases_of_aliases_cannot_fill_the_memory() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    assert any("unfold to too much" in one for one in complaints(laughs + "apps: *a11\n"))


def test_a_local_time_that_the_clock_skips_or_shows_twice_asks_for_an_offset() -> None:
    text = """
advertisers: [{advertiser_id: a, name: A, time_zone: Europe/Berlin}]
campaigns: [{campaign_id: c, advertiser_id: a, name: C}]
line_items:
- {line_item_id: l1, campaign_id: c, name: L, pricing: cpc, bid: 1, starts_at: 2026-03-29 02:30}
- {line_item_id: l2, campaign_id: c, name: L, pricing: cpc, bid: 1, starts_at: 2026-10-25 02:30}
- {line_item_id: l3, campaign_id: c, name: L, pricing: cpc, bid: 1,
   starts_at: 2026-10-25 02:30+01:00}
"""
    skipped, twice = complaints(text)
    assert "is skipped by the clocks of Europe/Berlin; add the offset" in skipped
    assert "is shown twice by the clocks of Europe/Berlin" in twice
    assert "2026-10-25 02:30+02:00" in twice


def test_progress_is_told_in_lines_that_only_rise() -> None:
    lines: list[int] = []
    read_catalog(SOUND, "CNY", lines.append)
    assert lines == sorted(lines)
    assert lines[-1] > 20
