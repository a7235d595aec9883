"""What the books refuse can be said in Chinese too, and names no command: forms show it as well."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from adserver import accounting
from adserver.accounting.closing import ClosingRefusedError, Closings
from adserver.accounting.deposits import why_refused
from adserver.accounting.payouts import PayoutRefusedError
from adserver.console.operators.refusals import REFUSALS
from adserver.console.web.language import say
from adserver.marketplace.problem import Sentence
from affiliate.ledger import Refusal, Refused
from tests.adserver.accounting.closing_cases import (
    CNY,
    NOVEMBER,
    OCTOBER,
    close,
    payouts,
    till,
)
from tests.adserver.accounting.till import SHANGHAI, Till, at
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url", "till"]

Deed = Callable[[Till], object]
EARLY = at("2026-10-20")


def closings(till: Till) -> Closings:
    return Closings(till.engine, SHANGHAI)


DEEDS: dict[str, Deed] = {
    "close early": lambda till: closings(till).close(OCTOBER, CNY, EARLY),
    "close before it began": lambda till: closings(till).close(
        OCTOBER, CNY, at("2026-09-20"), early=True
    ),
    "close out of turn": lambda till: close(till, NOVEMBER, "2026-12-10"),
    "extend twice": lambda till: [closings(till).extend(OCTOBER, EARLY) for _ in "ab"],
    "pay what is open": lambda till: payouts(till).batch(OCTOBER, CNY, EARLY),
    "confirm nothing": lambda till: payouts(till).confirm("nope", EARLY),
}


def paid_early(till: Till) -> None:
    close(till, OCTOBER, "2026-11-10")
    payouts(till).batch(OCTOBER, CNY, at("2026-11-11"))


def extended_late(till: Till) -> None:
    close(till, OCTOBER, "2026-11-10")
    closings(till).extend(OCTOBER, at("2026-11-11"))


DEEDS |= {"pay early": paid_early, "extend late": extended_late}


def is_said_everywhere(words: str) -> bool:
    chinese = say("zh", words)
    return isinstance(words, Sentence) and chinese != words and not chinese.isascii()


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
def test_a_refused_month_or_payout_is_said_in_chinese_and_names_no_command(
    till: Till, deed: Deed
) -> None:
    till.sell("a", at("2026-10-05"), earns=10_000)
    with pytest.raises((ClosingRefusedError, PayoutRefusedError)) as refused:
        deed(till)
    words = str(refused.value)
    assert is_said_everywhere(words), words
    assert "adunion" not in words
    assert "--" not in words


@pytest.mark.parametrize("refusal", Refusal)
@pytest.mark.parametrize("detail", ["", "100% of it"])
def test_a_refused_payment_is_said_in_chinese_with_the_ledgers_name_of_it(
    refusal: Refusal, detail: str
) -> None:
    words = why_refused(Refused("deposit:x:B1", refusal, detail), "B1")
    assert is_said_everywhere(words), words
    assert words.endswith(f" ({refusal})")


def test_no_refusal_that_the_console_shows_is_a_bare_text() -> None:
    shown = {name for kind in REFUSALS for name in names_of(kind)}
    bare = [
        f"{file.name}:{node.lineno}"
        for file in sorted(Path(str(accounting.__file__)).parent.glob("*.py"))
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
        if isinstance(node.exc.func, ast.Name) and node.exc.func.id in shown
        if node.exc.args and isinstance(node.exc.args[0], (ast.Constant, ast.JoinedStr))
    ]
    assert bare == []


def names_of(kind: type[Exception]) -> list[str]:
    """A refusal's name and those of all that it may be more closely."""
    return [kind.__name__, *(name for one in kind.__subclasses__() for name in names_of(one))]
