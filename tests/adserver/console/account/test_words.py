"""What accounts refuse is said in Chinese too: these texts are no literals of any template."""

from types import ModuleType

import pytest

from adserver.accounts import invitations, keys, organisations, passwords, sign_in, users
from adserver.console.web.language import say

MODULES = (invitations, keys, organisations, passwords, sign_in, users)


def texts(module: ModuleType) -> list[str]:
    """The module's sentences: constants in capitals that hold a blank."""
    named = [value for name, value in vars(module).items() if name.isupper()]
    return [text for text in named if isinstance(text, str) and " " in text]


@pytest.mark.parametrize("module", MODULES)
def test_every_refusal_is_said_in_chinese(module: ModuleType) -> None:
    untold = [text for text in texts(module) if say("zh", text) == text]
    assert untold == (["The house"] if module is organisations else [])


def test_a_number_of_fields_is_said_in_chinese() -> None:
    assert say("zh", "Audit log") == "审计日志"
