"""Documentation that fails the build: settings, dependencies, make targets, links."""

import re
import tomllib
from dataclasses import fields
from itertools import chain
from pathlib import Path

from adserver.config import PREFIX, Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_setting_is_documented_with_its_default() -> None:
    page = (ROOT / "docs/settings.md").read_text()
    defaults = Settings()
    for setting in fields(Settings):
        row = re.search(rf"^\| `{PREFIX}{setting.name.upper()}` \| (.*?) \|", page, re.MULTILINE)
        assert row, f"docs/settings.md does not explain {PREFIX}{setting.name.upper()}"
        value = getattr(defaults, setting.name)
        shown = f"`{value}`" if str(value) else "empty"
        assert row[1] == shown, f"{setting.name}: the page says {row[1]}, the code {shown}"


def test_no_setting_is_documented_that_does_not_exist() -> None:
    page = (ROOT / "docs/settings.md").read_text()
    named = set(re.findall(rf"^\| `{PREFIX}(\w+)`", page, re.MULTILINE))
    real = {setting.name.upper() for setting in fields(Settings)}
    assert {name for name in named if not name.startswith("TEST_")} == real


def test_every_dependency_says_why_it_was_chosen() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = chain.from_iterable(project["optional-dependencies"].values())
    wanted = [*project["dependencies"], *extras]
    page = (ROOT / "docs/dependencies.md").read_text()
    names = {re.split(r"[\[<>=~;]", entry)[0] for entry in wanted} - {"adunion"}
    assert {name for name in names if f"| `{name}` |" not in page} == set()


def test_every_make_target_in_the_pages_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for target in re.findall(r"(?:^|`|\$ )make ([a-z-]+)", page.read_text(), re.MULTILINE):
            assert target in targets, f"{page.name} names `make {target}`"


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
