from dataclasses import fields

import pytest
from hypothesis import given, strategies as st

from models.ctr.features import (
    SERVING_SCHEMA,
    Feature,
    FeatureSchema,
    Half,
    Kind,
    SchemaError,
    serving_schema,
)
from models.domain.user import CUSTOM_FEATURES, UserProfile


@st.composite
def features(draw: st.DrawFn) -> Feature:
    kind, half = draw(st.sampled_from(list(Kind))), draw(st.sampled_from(list(Half)))
    width = draw(st.integers(1, 5)) if kind in (Kind.NUMBER, Kind.MULTI_CATEGORY) else 1
    most = 3 if kind is Kind.HISTORY else 1
    of = draw(st.lists(st.text(max_size=9), max_size=most).map(tuple))
    return Feature(draw(st.text(min_size=1, max_size=9)), kind, half, width, of)


schemas = st.builds(
    FeatureSchema,
    st.lists(features(), unique_by=lambda feature: feature.name, max_size=9).map(tuple),
    st.text(max_size=9),
)


@given(schemas)
def test_a_schema_written_as_toml_is_read_back_as_it_was(schema: FeatureSchema) -> None:
    again = FeatureSchema.from_toml(schema.to_toml())
    assert again == schema
    assert again.hash == schema.hash


@given(schemas)
def test_the_halves_of_a_row_are_slices_in_order(schema: FeatureSchema) -> None:
    ranges = [schema.range_of(half) for half in Half]
    assert [each.start for each in ranges] == [0, ranges[0].stop, ranges[1].stop]
    assert ranges[-1].stop == len(schema.slots) == len(schema.slot_kinds)
    for feature in schema.features:
        inside, own = schema.range_of(feature.half), schema.slot_of[feature.name]
        assert inside.start <= own.start < own.stop <= inside.stop
        assert schema.slots[own] == feature.slot_names


@given(st.permutations(SERVING_SCHEMA.features[:12]))
def test_slots_follow_half_and_kind_whatever_the_order_of_writing(
    written: list[Feature],
) -> None:
    kinds = [(list(Half).index(f.half), list(Kind).index(f.kind)) for f in written]
    schema = FeatureSchema(tuple(written))
    ordered = [(list(Half).index(f.half), list(Kind).index(f.kind)) for f in schema.features]
    assert ordered == sorted(kinds)


@pytest.mark.parametrize(
    "changed",
    [
        Feature("age", Kind.CATEGORY),
        Feature("age", Kind.NUMBER, Half.AD),
        Feature("age", Kind.NUMBER, Half.REQUEST, 2),
        Feature("age", Kind.NUMBER, Half.REQUEST, 1, ("years",)),
        Feature("years", Kind.NUMBER),
    ],
)
def test_any_change_of_meaning_changes_the_hash(changed: Feature) -> None:
    assert FeatureSchema((changed,)).hash != FeatureSchema((Feature("age", Kind.NUMBER),)).hash


def test_rows_of_another_time_zone_are_of_another_schema() -> None:
    assert serving_schema("UTC").slots == SERVING_SCHEMA.slots
    assert serving_schema("UTC").hash != SERVING_SCHEMA.hash
    assert serving_schema("UTC") is serving_schema("UTC")


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        ((Feature("a", Kind.NUMBER), Feature("a", Kind.CATEGORY)), "appears twice"),
        ((Feature("", Kind.NUMBER),), "name"),
        ((Feature("a", Kind.NUMBER, width=0),), "width"),
        ((Feature("a", Kind.CATEGORY, width=2),), "multi-category"),
        ((Feature("a", Kind.HISTORY, width=2),), "history has no width"),
        ((Feature("a", Kind.NUMBER, of=("b", "c")),), "only a history"),
    ],
)
def test_a_schema_that_means_nothing_is_refused(features: tuple[Feature, ...], reason: str) -> None:
    with pytest.raises(SchemaError, match=reason):
        FeatureSchema(features)


@pytest.mark.parametrize(
    "text",
    [
        "[[feature]",
        '[[feature]]\nkind = "number"',
        '[[feature]]\nname = "a"',
        '[[feature]]\nname = "a"\nkind = "fruit"',
        '[[feature]]\nname = "a"\nkind = "number"\nhalf = "both"',
        '[[feature]]\nname = "a"\nkind = "number"\nwidth = "two"',
        '[[feature]]\nname = "a"\nkind = "number"\nof = [1]',
        '[[feature]]\nname = "a"\nkind = "number"\nof = 7',
        '[[feature]]\nname = "a"\nkind = "number"\ncolour = "red"',
        "time_zone = 8",
        "feature = 7",
        "feature = [7]",
    ],
)
def test_a_file_that_is_no_schema_is_refused(text: str) -> None:
    with pytest.raises(SchemaError):
        FeatureSchema.from_toml(text)


def test_the_serving_schema_reads_all_24_features_of_a_profile() -> None:
    paths = {f.sources[0].removeprefix("profile.") for f in SERVING_SCHEMA.half(Half.REQUEST)}
    beside_the_request = {"gender": "gender", "birth_year": "age"}
    for field in fields(UserProfile):
        assert beside_the_request.get(field.name, field.name) in paths
    assert len(fields(UserProfile)) - 1 + CUSTOM_FEATURES == 24


def test_the_serving_schema_speaks_of_place_time_and_both_histories() -> None:
    names = {feature.name for feature in SERVING_SCHEMA.features}
    assert names >= {"hour", "weekday", "placement", "app_category", "geo_city", "device_model"}
    assert {feature.name for feature in SERVING_SCHEMA.half(Half.PAIR)} == {
        "seen_times",
        "seen_this_hour",
        "seen_hours_ago",
        "line_item_in_placement",
        "creative_in_placement",
    }
