"""What accounts refuse is said in Chinese too: these texts are no literals of any template."""

from types import ModuleType

import pytest

from adserver.accounts import invitations, keys, organisations, passwords, sign_in, users
from adserver.console.web.language import say

MODULES = (invitations, keys, organisations, passwords, sign_in, users)


def texts(module: ModuleType) -> list[str]:
    """The module's sentences: constants in capitals that hold a blank, but for the house's name."""
    named = [v for name, v in vars(module).items() if name.isupper() and name != "HOUSE_NAME"]
    return [text for text in named if isinstance(text, str) and " " in text]


@pytest.mark.parametrize("module", MODULES)
def test_every_refusal_is_said_in_chinese(module: ModuleType) -> None:
    assert [text for text in texts(module) if say("zh", text) == text] == []


def test_a_number_of_fields_is_said_in_chinese() -> None:
    assert say("zh", "Audit log") == "审计日志"
