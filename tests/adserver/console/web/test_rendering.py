from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError

from adserver.accounts.identity import Identity, Role
from adserver.console.web.exchange import Call
from adserver.console.web.language import chosen, say
from adserver.console.web.rendering import environment_for, render

NOW = datetime(2026, 11, 22, 16, tzinfo=UTC)
CALL = Call("GET", "/x", None, NOW, zone=ZoneInfo("Asia/Shanghai"))
WHO = Identity(Role.PARTNER, "p", "a@example.org", "o", language="zh")
USING = '{% import "components.html" as ui with context %}'


def shown(source: str, call: Call = CALL, **values: object) -> str:
    template = environment_for(call.language).from_string(USING + source)
    return template.render(call=call, csrf="", **values).strip()


def test_values_are_escaped_in_texts_cells_and_attributes() -> None:
    bad = '"><script>'
    assert "<script>" not in shown("{{ _('Hello %(name)s', name=bad) }}", bad=bad)
    assert "<script>" not in shown("{{ ui.table([bad], [[bad]]) }}", bad=bad)
    assert "<script>" not in shown("{{ ui.field('n', bad, bad, bad, bad) }}", bad=bad)
    assert "<script>" not in shown("{{ ui.button_form('/a', bad, '', bad) }}", bad=bad)
    assert "<script>" not in shown("{{ ui.copy(bad, bad) }}{{ ui.badge(bad) }}", bad=bad)
    assert "<script>" not in shown("{{ _(bad) }}", bad=bad)


def test_a_name_that_nobody_gave_is_a_mistake() -> None:
    with pytest.raises(UndefinedError):
        shown("{{ nobody }}")


def test_a_field_tells_its_hint_and_its_error_to_those_who_listen() -> None:
    field = shown("{{ ui.field('bid', 'Bid', '3', 'Too low', 'In CNY', required=true) }}")
    assert 'aria-describedby="f1-bid-error f1-bid-hint"' in field
    assert 'aria-invalid="true"' in field
    assert " required" in field
    assert 'for="f1-bid"' in field


def test_two_forms_with_the_same_field_do_not_share_an_id() -> None:
    both = shown("{{ ui.field('a', 'A') }}{{ ui.field('a', 'A') }}")
    assert both.count('id="f1-a"') == both.count('id="f2-a"') == 1


def test_a_password_is_never_written_back() -> None:
    assert "hunter2" not in shown("{{ ui.field('p', 'P', 'hunter2', type='password') }}")


def test_times_in_pages_are_the_readers_and_say_themselves_to_machines() -> None:
    assert shown("{{ call.now | instant }}") == (
        '<time datetime="2026-11-22T16:00:00+00:00">2026-11-23 00:00</time>'
    )


def test_a_per_cent_sign_may_stand_alone() -> None:
    assert shown("{{ _('50 % off') }}") == "50 % off"
    assert shown("{% trans %}50 % <b>off</b>{% endtrans %}") == "50 % <b>off</b>"


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 418, 429, 500, 503, 504])
def test_every_error_has_a_page_in_words(status: int) -> None:
    english = render("error.html", {"status": status, "detail": ""}, CALL)
    chinese = render("error.html", {"status": status, "detail": ""}, replace(CALL, language="zh"))
    assert f'<p class="error-code">{status}</p>' in english
    assert english != chinese


def test_the_language_is_what_was_picked_then_the_organisations_then_the_browsers() -> None:
    assert chosen({"adunion_language": "en"}, "zh-CN", WHO) == "en"
    assert chosen({"adunion_language": "xx"}, "en", WHO) == "zh"
    assert chosen({}, "zh-Hans-CN,zh;q=0.9,en;q=0.8", None) == "zh"
    assert chosen({}, "fr,*", None) == "en"
    assert chosen({}, "", None) == "en"


def test_a_text_without_translation_stands_as_it_is() -> None:
    assert say("zh", "Nobody ever translated this.") == "Nobody ever translated this."
    assert say("zh", "") == ""
