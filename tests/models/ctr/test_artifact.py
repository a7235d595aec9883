import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from models.ctr import artifact
from models.ctr.artifact import Artifact, ArtifactError
from models.ctr.calibration import Calibration
from models.ctr.encoding import HistoryTable, Vocabulary
from models.ctr.features import Feature, FeatureSchema, Half, Kind
from models.ctr.forest.compiled import Member
from tests.models.ctr import woods

RNG = np.random.default_rng(11)
SCHEMA = FeatureSchema(
    (
        Feature("city", Kind.CATEGORY),
        Feature("hour", Kind.NUMBER),
        Feature("ad_history", Kind.HISTORY, Half.AD, 1, ("ad",)),
    )
)
ROWS = woods.draw_rows(RNG, 600, [True, False, False, False])


def made() -> Artifact:
    vocabulary = Vocabulary.of(ROWS[:, 0], 3)
    columns = woods.as_columns(ROWS, (0, 1, 2, 3), {0: vocabulary})
    boosters = [
        woods.grow(RNG, columns, [0], {"num_leaves": 9, "rounds": 5, "cut": 0.0}) for _ in range(2)
    ]
    members = tuple(
        Member(booster.model_to_string(), (0, 1, 2, 3), {0: vocabulary}, 0.5)
        for booster in boosters
    )
    keys = np.arange(5, dtype=np.uint64)
    return Artifact(
        version="20261122T1000",
        schema=SCHEMA,
        members=members,
        calibration=Calibration(knots=np.array([-1.0, 2.0]), levels=np.array([0.1, 0.9])),
        known_rows=ROWS[:20],
        known_scores=woods.by_lightgbm(woods.Wood(SCHEMA, members, ROWS), ROWS[:20]),
        histories={"ad_history": HistoryTable.counted(keys, np.array([0.0, 1, 0, 0, 1]))},
        metrics={"auc": 0.7},
        documents={"card.md": b"# A model", "reliability.png": b"\x89PNG..."},
    )


MADE = made()
FILES = MADE.to_files()


def test_a_model_comes_back_from_its_files_as_it_was() -> None:
    read = artifact.from_files(FILES, SCHEMA)
    assert (read.version, read.schema, read.metrics) == (MADE.version, SCHEMA, MADE.metrics)
    assert read.documents == MADE.documents
    assert [member.text for member in read.members] == [member.text for member in MADE.members]
    assert read.to_files() == FILES
    table, before = read.histories["ad_history"], MADE.histories["ad_history"]
    keys = np.arange(7, dtype=np.uint64)
    assert np.array_equal(table.lookup(keys), before.lookup(keys))


def test_a_loaded_model_gives_the_probabilities_of_training() -> None:
    model = artifact.load(FILES, SCHEMA)
    raw = woods.by_lightgbm(woods.Wood(SCHEMA, MADE.members, ROWS), ROWS)
    assert model.probabilities(ROWS) == pytest.approx(MADE.calibration.apply(raw), abs=1e-9)


def test_equal_models_are_equal_files() -> None:
    assert MADE.to_files() == FILES


def test_files_the_manifest_does_not_name_are_not_looked_at() -> None:
    assert artifact.load({**FILES, "evil.pkl": b"cos\nsystem\n"}, SCHEMA).version == MADE.version


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("left", [0.0, 0.5, 0.99])
def test_a_file_cut_short_is_refused_with_its_name(name: str, left: float) -> None:
    cut = {**FILES, name: FILES[name][: int(len(FILES[name]) * left)]}
    with pytest.raises(ArtifactError, match=name):
        artifact.load(cut, SCHEMA)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_missing_file_is_refused_with_its_name(name: str) -> None:
    with pytest.raises(ArtifactError, match=f"{name}.* is missing"):
        artifact.load({n: data for n, data in FILES.items() if n != name}, SCHEMA)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_single_changed_byte_anywhere_is_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    place = data.draw(st.integers(0, len(FILES[name]) - 1))
    changed = bytearray(FILES[name])
    changed[place] ^= data.draw(st.integers(1, 255))
    if name == artifact.MANIFEST and same_json(bytes(changed)):
        return
    with pytest.raises(ArtifactError):
        artifact.from_files({**FILES, name: bytes(changed)}, SCHEMA)


def same_json(changed: bytes) -> bool:
    """White space between values may change; it says nothing."""
    try:
        return bool(json.loads(changed) == json.loads(FILES[artifact.MANIFEST]))
    except ValueError:
        return False


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes_as_a_manifest_are_refused(manifest: bytes) -> None:
    with pytest.raises(ArtifactError):
        artifact.from_files({**FILES, artifact.MANIFEST: manifest}, SCHEMA)


def test_a_newer_format_is_refused_by_number() -> None:
    with pytest.raises(ArtifactError, match="format 2 is newer than 1"):
        artifact.load(sealed(lambda body: body.update(format=2)), SCHEMA)


def test_another_schema_is_refused_with_both_hashes() -> None:
    other = FeatureSchema((*SCHEMA.features, Feature("os", Kind.CATEGORY)))
    with pytest.raises(ArtifactError, match=f"{SCHEMA.hash}.*{other.hash}"):
        artifact.load(FILES, other)


def test_a_model_of_another_encoding_is_refused() -> None:
    with pytest.raises(ArtifactError, match="another encoding"):
        artifact.load(sealed(lambda body: body.update(schema_hash="00")), SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.pop("members"),
        lambda body: body.update(members=[]),
        lambda body: body.update(calibration=[-1.0, 0.0]),
        lambda body: body.update(calibration=["a", "b"]),
        lambda body: body.update(vocabularies=[]),
        lambda body: body["members"][0].update(slots=[0, 1, 2, 77]),
        lambda body: body["members"][0].update(weight=7.0),
        lambda body: body.update(histories={"other": [0.1, 50.0]}),
        lambda body: body.update(files={}),
        lambda body: body.update(version=None),
        lambda body: body.update(files=7),
    ],
)
def test_a_manifest_that_lies_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ArtifactError):
        artifact.load(sealed(change), SCHEMA)


def sealed(change: Callable[[dict[str, Any]], object]) -> dict[str, bytes]:
    """The files with a changed manifest whose seal is right: what only a forger would make."""
    body = json.loads(FILES[artifact.MANIFEST])["body"]
    change(body)
    seal = artifact._digest(artifact._canonical(body))
    return {**FILES, artifact.MANIFEST: json.dumps({"body": body, "sha256": seal}).encode()}


def test_known_rows_that_score_otherwise_are_refused() -> None:
    off = MADE.known_scores.copy()
    off[3] += 1e-6
    with pytest.raises(ArtifactError, match="1 of 20 known rows"):
        artifact.load(replace(MADE, known_scores=off).to_files(), SCHEMA)


def test_a_model_without_known_rows_is_refused() -> None:
    none = replace(MADE, known_rows=ROWS[:0], known_scores=MADE.known_scores[:0])
    with pytest.raises(ArtifactError, match="known rows"):
        artifact.load(none.to_files(), SCHEMA)


def test_a_booster_that_cannot_be_served_is_refused_with_its_reason() -> None:
    big = woods.grow(RNG, ROWS, [0], {"num_leaves": 80, "rounds": 1, "cut": 0.0}).model_to_string()
    members = (Member(big, (0, 1, 2, 3)),)
    with pytest.raises(ArtifactError, match="at most 64"):
        artifact.load(replace(MADE, members=members).to_files(), SCHEMA)


TABLES = artifact._unpacked(FILES[artifact.TABLES])


@pytest.mark.parametrize(
    ("name", "forged"),
    [
        ("known_rows", TABLES["known_rows"][:, :2]),
        ("known_rows", TABLES["known_rows"].astype(np.float32)),
        ("known_rows", TABLES["known_rows"][0]),
        ("known_scores", TABLES["known_scores"][:-1]),
        ("known_scores", TABLES["known_scores"] * np.nan),
        ("knots", TABLES["knots"].astype(np.float32)),
        ("levels", TABLES["levels"][:1]),
        ("vocabulary.0", TABLES["vocabulary.0"][::-1]),
        ("vocabulary.0", TABLES["vocabulary.0"] * np.nan),
        ("history.ad_history.keys", TABLES["history.ad_history.keys"][::-1]),
        ("history.ad_history.keys", TABLES["history.ad_history.keys"][:2]),
        ("history.ad_history.counts", -TABLES["history.ad_history.counts"] - 1),
        ("history.ad_history.counts", TABLES["history.ad_history.counts"][:1]),
    ],
)
def test_tables_of_another_shape_are_refused_before_a_kernel_reads_them(
    name: str, forged: Any
) -> None:
    with pytest.raises(ArtifactError):
        artifact.from_files(with_tables({**TABLES, name: forged}), SCHEMA)


def with_tables(arrays: dict[str, Any]) -> dict[str, bytes]:
    tables = artifact._packed(arrays)

    def name_it(body: dict[str, Any]) -> None:
        body["files"][artifact.TABLES] = [len(tables), artifact._digest(tables)]

    return {**sealed(name_it), artifact.TABLES: tables}


def test_a_manifest_nested_without_end_is_refused() -> None:
    with pytest.raises(ArtifactError, match="damaged"):
        artifact.from_files({**FILES, artifact.MANIFEST: b"[" * 100_000}, SCHEMA)


def test_a_pickle_in_the_tables_is_not_opened() -> None:
    out = io.BytesIO()
    np.savez(out, known_rows=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    tables = out.getvalue()

    def name_it(body: dict[str, Any]) -> None:
        body["files"][artifact.TABLES] = [len(tables), artifact._digest(tables)]

    with pytest.raises(ArtifactError, match="allow_pickle=False"):
        artifact.load({**sealed(name_it), artifact.TABLES: tables}, SCHEMA)
