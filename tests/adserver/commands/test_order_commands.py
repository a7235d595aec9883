"""`adunion orders`: import, list and show, as somebody at a terminal uses them."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adserver.__main__ import main
from tests.adserver.accounting.shop import Shop, opened

HEADER = "order_id,line_id,version,status,sku,paid_minor,currency,occurred_at,coupon"
GOOD = "o1,1,1,paid,s1,10000,CNY,2026-11-18T20:00:00+08:00,ANN10"


@pytest.fixture
def shop(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("ADUNION_DATA_DIR", str(short_dir))
    with opened(f"sqlite:///{short_dir / 'catalog.sqlite'}") as empty:
        yield empty.furnish()


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["orders", *words])


def written(directory: Path, *lines: str, name: str = "orders.csv") -> str:
    path = directory / name
    text = "\n".join((HEADER, *lines)).encode("utf-8", "surrogateescape")
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return str(path)


def test_a_file_is_booked_and_a_second_time_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    file = written(tmp_path, GOOD, GOOD.replace("o1", "o2"), name="orders.csv.gz")
    result = run("import", file, "--merchant", "m1")
    assert result.exit_code == 0, result.output
    assert "2 accepted, 0 known already, 0 in conflict" in result.output
    assert shop.row("o2").partner_minor == 1_000
    before = shop.books()
    again = run("import", file, "--merchant", "m1")
    assert "0 accepted, 2 known already" in again.output
    assert shop.books() == before


def test_broken_lines_are_listed_by_number_and_the_rest_is_booked(
    shop: Shop, tmp_path: Path
) -> None:
    file = written(
        tmp_path,
        GOOD,
        GOOD.replace("o1", "o2").replace("10000", "ten"),
        GOOD.replace("o1", "o3").replace("10000", "-1"),
        GOOD.replace("o1", "o4").replace("CNY", "USD"),
        GOOD.replace("o1", 'o"5'),
        '"' + GOOD.replace("o1", "o6"),
        "",
        GOOD.replace("o1", "o7") + ",more",
        GOOD.replace("o1", "o8\udcff"),
        GOOD.replace("o1", "o9").replace("paid", "lost"),
        GOOD.replace("o1", "o10").replace("+08:00", ""),
        GOOD.replace("o1,1", ",1"),
        GOOD.replace("10000", "9000"),
        "x" * 200_000,
        GOOD.replace("o1", "o11\x00"),
        GOOD.replace("o1", "last").replace("10000", "").replace("CNY", ""),
    )
    result = run("import", file, "--merchant", "m1", "--all-faults")
    assert result.exit_code == 1
    said = {
        int(line.removeprefix(f"{file}:").partition(":")[0]): line.rpartition("csv:")[2]
        for line in result.output.splitlines()
        if line.startswith(f"{file}:")
    }
    assert sorted(said) == [3, 4, 5, 7, 9, 10, 11, 12, 13, 14, 15, 16]
    assert "paid_minor: " in said[3]
    assert "paid_minor: this is negative" in said[4]
    assert "currency: " in said[5]
    assert "with another body" in said[14]
    assert "12 lines were left out" in result.output
    assert {row.order_id for row in shop.rows()} == {"o1", 'o"5', "last"}


def test_a_file_without_the_columns_or_a_merchant_nobody_knows_is_refused(
    shop: Shop, tmp_path: Path
) -> None:
    path = tmp_path / "no.csv"
    path.write_text("order_id,status\n1,paid\n")
    assert (
        "missing: line_id, version, occurred_at"
        in run("import", str(path), "--merchant", "m1").output
    )
    stranger = run("import", written(tmp_path, GOOD), "--merchant", "m9")
    assert "there is no merchant 'm9'" in stranger.output
    assert shop.rows() == []


@pytest.mark.usefixtures("shop")
def test_lines_are_listed_and_shown_with_every_report(tmp_path: Path) -> None:
    received = GOOD.replace(",1,paid", ",2,received").replace("-18T", "-20T")
    run("import", written(tmp_path, GOOD, received, "o2" + GOOD[2:-5]), "--merchant", "m1")
    listed = json.loads(run("list", "--partner", "ann", "--json").output)
    assert [(row["order_id"], row["status"]) for row in listed] == [("o1", "received")]
    assert "m1/o2/1" in run("list", "--reason", "no_touch").output
    assert "No order lines like that" in run("list", "--status", "refunded").output
    shown = json.loads(run("show", "o1", "--json").output)
    assert [report["status"] for report in shown[0]["reports"]] == ["paid", "received"]
    assert shown[0]["rule"] == "merchant default"
    assert "merchant default" in run("show", listed[0]["row_id"]).output
    assert run("show", "o77").exit_code == 1


def test_an_order_number_does_not_write_on_the_terminal(shop: Shop, tmp_path: Path) -> None:
    odd = "o\N{RIGHT-TO-LEFT OVERRIDE}1"
    run("import", written(tmp_path, GOOD.replace("o1", odd)), "--merchant", "m1")
    assert shop.row(odd).partner_minor == 1_000
    call = ["explain-earning", f"m1/{odd}/1"]
    told = CliRunner().invoke(main, call, color=True).output
    assert "m1/o\N{REPLACEMENT CHARACTER}1/1" in told
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in told


def test_an_order_number_that_moves_a_cursor_is_not_taken(shop: Shop, tmp_path: Path) -> None:
    told = run("import", written(tmp_path, GOOD.replace("o1", "o\x1b[2J")), "--merchant", "m1")
    assert told.exit_code == 1
    assert "order_id" in told.output
    assert "\x1b[2J" not in told.output
    assert shop.rows() == []
