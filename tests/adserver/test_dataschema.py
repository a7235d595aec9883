from pathlib import Path

import pytest

from adserver import dataschema
from adserver.datafiles import DataFileError
from models.ctr.features import Half, Kind

WHERE = Path("s.toml")
COLUMNS = ("y", "x", "x2", "city", "tags", "f[0]", "f[1]", "when")
GOOD = 'label = "y"\nnumbers = ["x"]\ncategories = ["city"]\n'


def kinds(text: str) -> dict[str, Kind]:
    schema = dataschema.parse(text, WHERE).feature_schema(COLUMNS)
    return {feature.name: feature.kind for feature in schema.features}


def test_lists_name_features_by_kind() -> None:
    assert kinds(GOOD + 'multi_categories = ["tags"]\n') == {
        "x": Kind.NUMBER,
        "city": Kind.CATEGORY,
        "tags": Kind.MULTI_CATEGORY,
    }


def test_a_star_stands_for_any_characters_and_brackets_for_themselves() -> None:
    assert set(kinds('label = "y"\nnumbers = ["f[*"]\n')) == {"f[0]", "f[1]"}


def test_a_star_never_takes_in_the_label_or_the_time() -> None:
    assert not {"y", "when"} & set(kinds('label = "y"\ntime = "when"\ncategories = ["*"]\n'))


def test_features_that_need_more_words_are_tables() -> None:
    text = 'label = "y"\n[[feature]]\nname = "c"\nkind = "category"\nof = "city"\nhalf = "ad"\n'
    (feature,) = dataschema.parse(text, WHERE).feature_schema(COLUMNS).features
    assert (feature.sources, feature.half) == (("city",), Half.AD)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "colour = 1\n", r"s.toml:4: unknown key 'colour'"),
        ("label = \n", "s.toml: not TOML"),
        ('label = "y"\nnumbers = ["x",\n "nope"]\n', "s.toml:3: column 'nope' is not in"),
        ('label = "y"\nnumbers = ["y"]\n', "cannot be a feature too"),
        ('label = "y"\n', "no features"),
        (GOOD + 'numbers2 = ["x"]\n', "unknown key"),
        ('label = "y"\nnumbers = "x"\n', "s.toml:2: numbers is a list"),
        ('label = ["y"]\n', "s.toml:1: label is the name of one column"),
        (GOOD.replace("city", "x"), "appears twice"),
        (GOOD + '[[feature]]\nname = "z"\nkind = "colour"\n', "s.toml: feature 'z'"),
    ],
)
def test_a_wrong_schema_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(DataFileError, match=said):
        kinds(text)


def test_every_example_is_a_schema() -> None:
    examples = Path(__file__).parents[2] / "docs" / "examples"
    found = [dataschema.read(path) for path in sorted(examples.glob("*.toml"))]
    assert all(schema.label for schema in found)
    assert len(found) >= 3
