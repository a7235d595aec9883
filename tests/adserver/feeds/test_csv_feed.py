"""Tables of products, clean and dirty; of a dirty one only the dirty rows are lost."""

import gzip
from collections.abc import Sequence

import pytest

from adserver.feeds.reading import Listed
from adserver.feeds.record import Fault, FeedError
from tests.adserver.feeds.conftest import Read
from tests.adserver.feeds.shops import KETTLE

HEAD = "sku,title,url,price,category,image_url,in_stock,rate\n"
ROW = (
    'K-1,"A kettle, red",https://shop.example/k?id=1,"1,299.00",pots,https://cdn.example/k.png,'
    "true,8%\n"
)


def plain(sku: str, **other: str) -> str:
    row = {"sku": sku, "title": "T", "url": "https://shop.example/", "price": "1"} | other
    return ",".join(row.get(name, "") for name in HEAD.strip().split(",")) + "\n"


def skus(found: Sequence[Listed | Fault]) -> list[str]:
    return [one.product.sku for one in found if isinstance(one, Listed)]


def faults(found: Sequence[Listed | Fault]) -> list[tuple[int, str]]:
    return [(one.line, one.words) for one in found if isinstance(one, Fault)]


def test_a_row_becomes_a_product_with_its_line(read: Read) -> None:
    assert read(HEAD + ROW) == [Listed(2, KETTLE)]


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_other_delimiters_are_found_out(read: Read, delimiter: str) -> None:
    cells = ("K-1", "A kettle, red", KETTLE.url, "1,299.00", "pots", KETTLE.image_url, "1", "8%")
    lines = (HEAD.strip().split(","), cells)
    assert read("\n".join(delimiter.join(line) for line in lines)) == [Listed(2, KETTLE)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "gb18030", "utf-8"])
def test_encodings_are_found_out(read: Read, encoding: str) -> None:
    title = "红色的水壶大号" * 4
    content = (HEAD + plain("K-1", title=title)).encode(encoding)
    (found,) = read(content)
    assert isinstance(found, Listed)
    assert found.product.title == title


def test_an_encoding_may_be_said(read: Read) -> None:
    content = (HEAD + plain("K-1", title="Wärme")).encode("iso-8859-15")
    (found,) = read(content, "iso-8859-15")
    assert isinstance(found, Listed)
    assert found.product.title == "Wärme"
    with pytest.raises(FeedError, match="there is no encoding 'utf-99'"):
        read(content, "utf-99")


def test_gz_is_read_whatever_its_name(read: Read) -> None:
    assert read(gzip.compress((HEAD + ROW).encode())) == [Listed(2, KETTLE)]


def test_a_gz_that_ends_in_the_middle_is_said_to(read: Read) -> None:
    rows = "".join(plain(f"K-{n * 7919}") for n in range(50_000))
    with pytest.raises(FeedError, match="ends in the middle"):
        read(gzip.compress((HEAD + rows).encode())[:-200])


def test_each_bad_row_is_told_with_its_line_and_the_rest_goes_in(read: Read) -> None:
    bad = [
        (plain(""), "sku is missing"),
        (plain("a", title=""), "title is missing"),
        (plain("a", url=""), "url is missing"),
        (plain("a", price=""), "price is missing"),
        (plain("a", price="12 USD"), "price: '12 USD' is not in CNY"),
        (plain("a", url="https://evil.example/"), "url does not lie under the merchant's host"),
        (plain("a", url="https://shop.example.evil.example/"), "url does not lie under"),
        (plain("a", url="javascript:alert(1)"), "url is not an http or https address"),
        (plain("a", in_stock="perhaps"), "availability: 'perhaps' is neither"),
        (plain("a", rate="8"), ""),
        (plain("a", rate="101%"), "rate: a rate is at most 100%"),
        (plain("a", rate="much"), "rate: a rate is 12% or a flat amount"),
        (plain("a", image_url="k.png"), "image_url must be an http(s) address"),
        (plain("x" * 129), "sku must have 1 to 128 characters, has 129"),
        (plain("a", title="bell\x07"), "title holds a character that cannot be shown"),
        ("a,b\n", "2 fields and not 8"),
        ("\n", ""),
    ]
    found = read(HEAD + "".join(row for row, _ in bad) + ROW)
    told = dict(faults(found))
    for line, (_, words) in enumerate(bad, 2):
        assert words in told.get(line, ""), (line, told)
    assert len(told) == sum(bool(words) for _, words in bad)
    assert skus(found) == ["a", "K-1"]


def test_a_quote_that_is_never_closed_costs_its_own_line(read: Read) -> None:
    rows = [plain(f"s{n}") for n in range(300)]
    rows[5] = 's5,"5 inch,https://shop.example/,1,,,,\n'
    found = read(HEAD + "".join(rows))
    assert faults(found) == [(7, "a quote is not closed")]
    assert len(skus(found)) == 299


def test_a_row_over_several_lines_is_one_row_and_later_lines_keep_their_numbers(read: Read) -> None:
    found = read(HEAD + plain("a", title='"A\nkettle\n  of three lines"') + plain("") + ROW)
    assert faults(found) == [(5, "sku is missing")]
    first = found[0]
    assert isinstance(first, Listed)
    assert first.product.title == "A kettle of three lines"


def test_a_byte_of_another_encoding_costs_its_row(read: Read) -> None:
    good = plain("a", title="红色的水壶大号不锈钢") * 20
    content = (HEAD + good).encode() + plain("b", title="K\udcffttle").encode(
        "utf-8", "surrogateescape"
    )
    found = read(content + ROW.encode())
    assert faults(found) == [(22, "holds bytes that are not in the file's encoding")]
    assert found[20] == Fault(22, "holds bytes that are not in the file's encoding", "b")
    assert skus(found)[-1] == "K-1"


def test_a_line_without_end_costs_itself_and_no_memory(read: Read) -> None:
    found = read(HEAD + "x" * 3_000_000 + "\n" + ROW)
    assert faults(found) == [(2, "a line of it is too long")]
    assert skus(found) == ["K-1"]


@pytest.mark.parametrize("content", ["name,price\nA,1\n", "\x00\x01\x02"])
def test_a_file_that_is_no_table_of_products_is_refused(read: Read, content: str) -> None:
    with pytest.raises(FeedError, match="names no column sku or id"):
        read(content)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_with_nothing_where_the_columns_are_named_is_refused(
    read: Read, content: str
) -> None:
    with pytest.raises(FeedError, match="first line, which names the columns, is empty"):
        read(content)


def test_a_refused_header_is_told_without_what_moves_a_terminal(read: Read) -> None:
    with pytest.raises(FeedError, match=r"it says \?\[2Jname"):
        read("\x1b[2Jname\n")


def test_googles_words_for_columns_are_understood(read: Read) -> None:
    head = "id\ttitle\tlink\tprice\tproduct type\timage link\tavailability\tcommission\n"
    row = "K-1\tA kettle, red\thttps://shop.example/k?id=1\t1299.00 CNY\tpots\t"
    assert read(head + row + "https://cdn.example/k.png\tin stock\t8%\n") == [Listed(2, KETTLE)]


@pytest.mark.parametrize(
    ("dates", "price"),
    [
        ("", 900),
        ("2026-11-01T00:00+0800/2026-11-30T00:00+0800", 900),
        ("2026-11-18T20:00+08:00/2026-11-18T20:01+08:00", 900),
        ("2026-11-18T20:01+08:00/2026-11-30T00:00+0800", 1000),
        ("2026-11-01T00:00Z/2026-11-18T12:00Z", 1000),
    ],
)
def test_a_sale_price_counts_while_it_is_in_force(read: Read, dates: str, price: int) -> None:
    head = "id,title,link,price,sale_price,sale_price_effective_date\n"
    (found,) = read(f"{head}a,T,https://shop.example/,10.00 CNY,9.00 CNY,{dates}\n")
    assert isinstance(found, Listed)
    assert found.product.price_minor == price


@pytest.mark.parametrize("dates", ["soon", "2026-11-01/2026-11-30", "/", "a/b/c"])
def test_dates_of_a_sale_that_cannot_be_read_are_told(read: Read, dates: str) -> None:
    head = "id,title,link,price,sale_price,sale_price_effective_date\n"
    (found,) = read(f"{head}a,T,https://shop.example/,10,9,{dates}\n")
    assert isinstance(found, Fault)
    assert "sale_price_effective_date" in found.words


def test_a_merchants_own_currency_column_must_agree(read: Read) -> None:
    head = "sku,title,url,price,currency\n"
    rows = "a,T,https://shop.example/,1,USD\nb,T,https://shop.example/,1,cny\n"
    found = read(head + rows)
    assert faults(found) == [(2, "currency is USD; the merchant counts in CNY")]
    assert skus(found) == ["b"]
