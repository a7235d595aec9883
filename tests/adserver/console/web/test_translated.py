"""Every text has Chinese. Red while an area is being built; then only by forgetting one."""

import re

import pytest

from tests.adserver.console.web.texts import catalogues, in_code, in_templates, untranslated

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")
AREAS = sorted({said.area for said in (*in_templates(), *in_code())})


@pytest.mark.parametrize("area", AREAS)
def test_every_text_has_chinese(area: str) -> None:
    assert [(said.place, said.text) for said in untranslated() if said.area == area] == []


@pytest.mark.parametrize("name", sorted(catalogues()))
def test_a_translation_fills_in_what_the_text_fills_in(name: str) -> None:
    catalogue = catalogues()[name]
    wrong = []
    for message in catalogue:
        if not message.id or not message.string:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        strings = [message.string] if isinstance(message.string, str) else list(message.string)
        wanted = set(PLACEHOLDER.findall(ids[-1]))
        wrong += [text for text in strings if set(PLACEHOLDER.findall(text)) != wanted]
    assert wrong == []


@pytest.mark.parametrize("name", sorted(catalogues()))
def test_a_catalogue_holds_nothing_unfinished(name: str) -> None:
    catalogue = catalogues()[name]
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []
    assert [message.id for message in catalogue if message.id and not any(message.string)] == []
