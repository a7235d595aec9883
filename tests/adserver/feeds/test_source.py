"""Feeds as bytes: what grows without end, and encodings in which nobody writes."""

import gzip
from pathlib import Path

import pytest

from adserver.feeds import source
from adserver.feeds.record import FeedError


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_gz_file_that_grows_a_thousand_times_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "FREE_BYTES", 1 << 20)  # so that a small file goes beyond it
    for line in (b"0" * 999 + b"\n", b"0" * 1_000):
        bomb = written(tmp_path / "bomb.gz", gzip.compress(line * 5_000))
        with source.opened(bomb) as feed, pytest.raises(FeedError, match="100 times"):
            list(feed.lines())
        with source.opened(bomb) as feed, pytest.raises(FeedError, match="100 times"):
            list(feed.pieces())


def test_a_feed_that_packs_well_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "FREE_BYTES", 1 << 20)  # so that a small file goes beyond it
    lines = [f"sku{n},A thing that is sold,{n * 7919 % 1000}.00\n" for n in range(50_000)]
    feed_file = written(tmp_path / "feed.gz", gzip.compress("".join(lines).encode()))
    with source.opened(feed_file) as feed:
        assert list(feed.lines()) == lines


@pytest.mark.parametrize(
    "name",
    ["zlib", "rot13", "base64", "punycode", "idna", "unicode_escape", "undefined", "nonsense"],
)
def test_an_encoding_in_which_no_feed_is_written_is_not_believed(tmp_path: Path, name: str) -> None:
    head = f'<?xml version="1.0" encoding="{name}"?><rss/>'.encode()
    with source.opened(written(tmp_path / "feed.xml", head)) as feed:
        assert feed.encoding == "utf-8"
        assert "".join(feed.pieces()) == head.decode()
    with pytest.raises(FeedError, match="no encoding"), source.opened(tmp_path / "feed.xml", name):
        pass
