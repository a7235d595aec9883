"""The words by which products are found: of titles, categories and SKUs, in any script.

Never here: SQL. The one surprising fact: Chinese and Japanese are written without blanks, so a run
of their letters counts as its pairs of neighbours; whoever looks for two letters finds every title
that has them side by side, on both databases alike.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator

MOST_WORDS = 64
LONGEST_WORD = 48
MOST_ASKED = 8
_RUNS = re.compile(r"[^\W_]+")
_CJK = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)


def words_of(merchant_id: str, *texts: str) -> str:
    """The words of a product, blank-separated, each once; the merchant's own mark among them."""
    found = dict.fromkeys(word for text in texts for word in _words(text))
    return " ".join([merchant_mark(merchant_id), *list(found)[:MOST_WORDS]])


def merchant_mark(merchant_id: str) -> str:
    """A word that all products of a merchant have, and no others."""
    return f"m{hashlib.blake2b(merchant_id.encode(), digest_size=8).hexdigest()}"


def asked_words(text: str) -> list[tuple[str, bool]]:
    """What somebody looks for: words, and whether each may go on (the last one may)."""
    words: list[tuple[str, bool]] = []
    for run in _RUNS.findall(_plain(text)):
        for is_cjk, piece in _pieces(run):
            if is_cjk and len(piece) > 1:
                words += [(pair, False) for pair in _pairs(piece)]
            else:
                words.append((piece[:LONGEST_WORD], is_cjk))
    if words and len(words[-1][0]) > 1:
        words[-1] = (words[-1][0], True)
    return words[:MOST_ASKED]


def _words(text: str) -> Iterator[str]:
    for run in _RUNS.findall(_plain(text)):
        for is_cjk, piece in _pieces(run):
            if not is_cjk:
                yield piece[:LONGEST_WORD]
                continue
            yield from _pairs(piece)
            yield piece[-1]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _pieces(run: str) -> Iterator[tuple[bool, str]]:
    """A run of letters cut where the script changes: (whether it has no blanks, letters)."""
    at = 0
    for match in _CJK.finditer(run):
        if match.start() > at:
            yield False, run[at : match.start()]
        yield True, match.group()
        at = match.end()
    if at < len(run):
        yield False, run[at:]


def _pairs(run: str) -> Iterator[str]:
    return (run[at : at + 2] for at in range(len(run) - 1))
