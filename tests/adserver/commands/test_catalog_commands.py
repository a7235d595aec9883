"""`adunion catalog`: check, import, export, fields."""

import json
from pathlib import Path

from tests.adserver.commands.conftest import Run

FILE = """\
version: 1
currency: CNY
advertisers:
  - advertiser_id: adv_tea
    name: Mountain Tea
  - advertiser_id: adv_zen
    name: "Zen, and more"
apps:
  - app_id: app_reader
    name: Reader
    bundle: com.example.reader
    category: books
"""


def test_a_sound_file_is_counted(adunion: Run) -> None:
    Path("c.yaml").write_text(FILE)
    assert "2 advertisers, 0 campaigns" in adunion("catalog", "check", "c.yaml").output
    assert adunion("advertiser", "list", "--json").output == "[]\n"


def test_a_file_with_mistakes_names_them_and_changes_nothing(adunion: Run) -> None:
    adunion("catalog", "import", "-", typed=FILE)
    Path("c.yaml").write_text(FILE.replace("name: Reader", "nam: Reader").replace("adv_zen", "a b"))
    for command in ("check", "import"):
        output = adunion("catalog", command, "c.yaml", fails=True).output
        assert "Error: c.yaml is not a sound catalog:" in output
        assert "line 6, advertiser a b, advertiser_id: must be 1 to 64 letters" in output
        assert "line 10, app app_reader, nam: is not known; did you mean name?" in output
    assert adunion("catalog", "export").output == FILE


def test_export_import_export_is_equal_to_the_byte(adunion: Run) -> None:
    adunion("catalog", "import", "-", typed=FILE)
    adunion("catalog", "export", "first.yaml")
    adunion("catalog", "import", "first.yaml")
    assert adunion("catalog", "export", "-").stdout_bytes == Path("first.yaml").read_bytes()
    assert Path("first.yaml").read_text() == FILE


def test_an_import_says_what_it_would_remove_and_asks(adunion: Run) -> None:
    adunion("catalog", "import", "-", typed=FILE)
    Path("less.yaml").write_text(FILE.replace("adv_zen", "adv_new"))
    output = adunion("catalog", "import", "less.yaml", typed="n\n", fails=True).output
    assert "advertisers: 1 new, 0 changed, 1 removed\n  removed: adv_zen\n" in output
    assert "Remove these 1? [y/N]" in output
    assert adunion("catalog", "export").output == FILE

    adunion("catalog", "import", "less.yaml", typed="y\n")
    assert "adv_zen" not in adunion("catalog", "export").output


def test_a_script_says_yes_beforehand(adunion: Run) -> None:
    adunion("catalog", "import", "-", typed=FILE)
    output = adunion("catalog", "import", "-", "--yes", typed="version: 1\n").output
    assert "the catalog is at revision 2" in output
    assert adunion("catalog", "export").output == "version: 1\ncurrency: CNY\n"


def test_a_dry_run_changes_nothing(adunion: Run) -> None:
    output = adunion("catalog", "import", "-", "--dry-run", typed=FILE).output
    assert "advertisers: 2 new, 0 changed, 0 removed" in output
    assert adunion("advertiser", "list", "--json").output == "[]\n"


def test_importing_the_same_again_says_so(adunion: Run) -> None:
    adunion("catalog", "import", "-", typed=FILE)
    assert "equal to the file already" in adunion("catalog", "import", "-", typed=FILE).output


def test_a_long_list_of_removals_is_cut_short(adunion: Run) -> None:
    many = "".join(f"  - {{advertiser_id: a{n:02d}, name: A}}\n" for n in range(30))
    adunion("catalog", "import", "-", typed=f"advertisers:\n{many}")
    output = adunion("catalog", "import", "-", "--yes", typed="").output
    assert output.count("  removed: ") == 10
    assert "  and 20 more" in output


def test_a_file_that_is_not_there_is_named(adunion: Run) -> None:
    assert "nowhere.yaml" in adunion("catalog", "check", "nowhere.yaml", fails=True).output


def test_bytes_that_are_no_text_are_refused(adunion: Run) -> None:
    assert "not YAML" in adunion("catalog", "import", "-", typed=b"\x80\xff", fails=True).output


def test_another_currency_is_refused(adunion: Run) -> None:
    output = adunion("catalog", "check", "-", typed="currency: USD\n", fails=True).output
    assert "line 1, currency: this engine counts in CNY (ADUNION_CURRENCY)" in output


def test_the_fields_of_one_kind_can_be_asked_for(adunion: Run) -> None:
    output = adunion("catalog", "fields", "line_item").output
    assert "| `bid` | AMOUNT |" in output
    assert "`floor_cpm`" not in output
    assert "`floor_cpm`" in adunion("catalog", "fields").output


def test_ten_thousand_line_items_are_imported(adunion: Run) -> None:
    items = "".join(
        f"    - {{line_item_id: li{n:05d}, name: L, pricing: cpc, bid: 1, starts_at: 2026-11-22}}\n"
        for n in range(10_000)
    )
    text = (
        "advertisers: [{advertiser_id: a, name: A}]\n"
        "campaigns:\n- campaign_id: c\n  advertiser_id: a\n  name: C\n  line_items:\n" + items
    )
    assert "10000 line items" in adunion("catalog", "import", "-", typed=text).output
    assert len(json.loads(adunion("line-item", "list", "--json").output)) == 10_000
