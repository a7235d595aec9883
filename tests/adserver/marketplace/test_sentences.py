"""A refusal that can be said in other languages: English as it always was, with what fills it."""

import copy
import json
import pickle
from http import HTTPStatus

from adserver.api.problems import UnprocessableError
from adserver.console.web.language import say
from adserver.marketplace.list_notation import list_of
from adserver.marketplace.notation import text, whole_number
from adserver.marketplace.problem import CatalogError, NotationError, Problem, Sentence
from adserver.marketplace.targeting_notation import check_targeting
from models.domain.campaign import Rule, Targeting


def test_it_is_its_english_wherever_text_is_wanted() -> None:
    said = Sentence("must be at most 100%% of %(most)s", most="<b>")
    assert said == "must be at most 100% of <b>"
    assert f"bid: {said}" == "bid: must be at most 100% of <b>"
    assert json.dumps(said) == '"must be at most 100% of <b>"'


def test_it_comes_through_every_exception() -> None:
    read = list_of(whole_number(1, 9), 3).read
    try:
        read(["1", "12"])
    except NotationError as error:
        problem = Problem("line_item", "li1", "x", str(error))
    (kept,) = CatalogError(problem).problems
    assert kept.message == "must be 1 to 9, not 12"
    assert say("zh", kept.message).startswith("必须为 1 到 9")
    assert say("zh", kept.message).endswith("而不是 12")
    assert say("en", kept.message) == kept.message


def test_what_somebody_typed_is_a_value_and_never_a_template() -> None:
    nasty = Rule(frozenset({"%(meaning)s %s %%"}))
    said = check_targeting(Targeting(country=nasty))
    assert said is not None
    assert said.startswith("country: '%(meaning)s %s %%' is not")
    assert "'%(meaning)s %s %%' 不是三个字母的国家代码" in say("zh", said)


def test_programs_read_english() -> None:
    message = text(3, least=1).check("much too long")
    assert message is not None
    answer = UnprocessableError(message, "/name").answer()
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert json.loads(answer.body)["detail"] == "must have 1 to 3 characters, has 13"


def test_a_copy_of_it_is_not_filled_in_twice() -> None:
    said = Sentence("%(value)s is too much", value="100 % or %(value)s")
    for copied in (copy.deepcopy(said), pickle.loads(pickle.dumps(said))):
        assert copied == said == "100 % or %(value)s is too much"
        assert say("en", copied) == said
