"""Google Merchant XML, RSS and Atom; bombs are refused, dirt costs its item."""

import pytest

from adserver.feeds.reading import Listed
from adserver.feeds.record import Fault, FeedError
from tests.adserver.feeds.conftest import Read
from tests.adserver.feeds.shops import KETTLE

FIELDS = """
<g:id>K-1</g:id><title>Other</title><g:title>A kettle, <![CDATA[red]]></g:title>
<g:link>https://shop.example/k?id=1</g:link><description>&lt;b&gt;hot&lt;/b&gt;</description>
<g:price>1299.00 CNY</g:price><g:product_type>pots</g:product_type>
<g:image_link>https://cdn.example/k.png</g:image_link><g:availability>in_stock</g:availability>
<g:shipping><g:country>CN</g:country><g:price>9.00 CNY</g:price></g:shipping>
<rate>8%</rate>"""


def rss(*items: str, head: str = '<?xml version="1.0"?>') -> str:
    written = "".join(f"\n<item>{item}</item>" for item in items)
    return (
        f'{head}<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>'
        f"<title>Shop</title><link>https://shop.example/</link>{written}</channel></rss>"
    )


def test_an_item_becomes_a_product_with_its_line(read: Read) -> None:
    assert read(rss(FIELDS, FIELDS)) == [Listed(2, KETTLE), Listed(9, KETTLE)]


def test_an_atom_entry_becomes_a_product(read: Read) -> None:
    fields = FIELDS.replace(
        "<g:link>https://shop.example/k?id=1</g:link>",
        '<link rel="self" href="https://shop.example/feed"/>'
        '<link href="https://shop.example/k?id=1"/>',
    )
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">'
        f"<title>Shop</title><entry>{fields}</entry></feed>"
    )
    assert read(atom) == [Listed(1, KETTLE)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030", "iso-8859-1"])
def test_the_declared_encoding_is_believed(read: Read, encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    assert read(rss(FIELDS, head=head).encode(encoding)) == [Listed(2, KETTLE)]


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
<rss><item>&lol2;</item></rss>"""
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>'
)


@pytest.mark.parametrize("content", [BOMB, OUTSIDE, '<!DOCTYPE rss SYSTEM "http://x/"><rss/>'])
def test_a_doctype_is_refused_before_anything_of_it_is_used(read: Read, content: str) -> None:
    with pytest.raises(FeedError, match="line 1: it has a DOCTYPE, which is refused"):
        read(content)


def test_an_item_that_holds_no_text_costs_itself(read: Read) -> None:
    found = read(rss(FIELDS.replace("red", "r\x01d"), FIELDS.replace("1299", "twelve"), FIELDS))
    assert found[0] == Fault(2, "holds what is no text", "K-1")
    assert found[1] == Fault(
        9, "price: 'twelve.00 CNY' is not a price: write it as 12.99 CNY", "K-1"
    )
    assert found[2] == Listed(16, KETTLE)


def test_what_came_before_the_break_is_given_and_the_break_named(read: Read) -> None:
    taken: list[object] = []
    content = rss(*[FIELDS] * 2_000)[:-2_000]
    with pytest.raises(FeedError, match=r"line \d{4,5}: not well-formed: no element found"):
        taken.extend(read(content))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<html><body/></html>", "has no <item> and no <entry>"),
        ("<" * 10, "line 1: not well-formed"),
        ("<a>" * 60, "deeper in each other than 50"),
        ("<rss>&undefined;</rss>", "not well-formed"),
    ],
)
def test_what_is_no_feed_is_refused(read: Read, content: str, words: str) -> None:
    with pytest.raises(FeedError, match=words):
        read(content)


def test_a_field_without_end_does_not_fill_the_memory(read: Read) -> None:
    found = read(rss(FIELDS.replace("hot", "hot " * 1_000_000), FIELDS))
    assert [one.product for one in found if isinstance(one, Listed)] == [KETTLE, KETTLE]
