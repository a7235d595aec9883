"""A trained model as files, and back: everything that is checked before a model may serve.

Files are a `dict[str, bytes]`; nobody here opens one. Nothing in a file is ever executed: the
manifest is JSON, the schema TOML, the boosters are LightGBM's text, tables are .npy without pickle.

The one surprising fact: the artifact carries rows with the scores that LightGBM gave them. A model
whose forest does not score them the same is refused, whatever its checksums say.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ctr.calibration import Calibration, CalibrationError
from models.ctr.encoding import Floats, HistoryTable, Vocabulary
from models.ctr.features import FeatureSchema, SchemaError
from models.ctr.forest.compiled import ForestError, Member, compile_forest
from models.ctr.forest.model_text import ModelTextError
from models.ctr.serving import CtrModel

FORMAT = 1
"""The newest format this code reads."""

MANIFEST, SCHEMA, TABLES = "manifest.json", "schema.toml", "tables.npz"
METRICS = "metrics.json"
TOLERANCE = 1e-9

Arrays = Mapping[str, NDArray[Any]]


class ArtifactError(ValueError):
    """A model that may not serve. The message is the reason, for people."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model with all that describes it.

    `known_rows` are encoded rows (slots of the schema) with the raw scores `known_scores` that
    training computed by LightGBM itself. `documents` are further files as they are (model card,
    reliability plot), by name.
    """

    version: str
    schema: FeatureSchema
    members: tuple[Member, ...]
    calibration: Calibration
    known_rows: Floats
    known_scores: Floats
    histories: Mapping[str, HistoryTable] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, bytes] = field(default_factory=dict)

    def to_files(self) -> dict[str, bytes]:
        """The files of this model: what `publication.publish` writes."""
        vocabularies = _distinct_vocabularies(self.members)
        files = {
            SCHEMA: self.schema.to_toml().encode(),
            TABLES: _packed(_arrays(self, vocabularies)),
            METRICS: json.dumps(dict(self.metrics), indent=1, sort_keys=True).encode(),
            **{_booster(number): m.text.encode() for number, m in enumerate(self.members)},
            **self.documents,
        }
        body = {
            "format": FORMAT,
            "version": self.version,
            "schema_hash": self.schema.hash,
            "members": [_told(member, vocabularies) for member in self.members],
            "calibration": [self.calibration.slope, self.calibration.intercept],
            "histories": {name: [t.prior, t.strength] for name, t in self.histories.items()},
            "vocabularies": [_json_number(v.other) for v in vocabularies],
            "documents": sorted(self.documents),
            "files": {name: [len(data), _digest(data)] for name, data in sorted(files.items())},
        }
        whole = {"body": body, "sha256": _digest(_canonical(body))}
        return {MANIFEST: json.dumps(whole, indent=1).encode(), **files}

    def model(self) -> CtrModel:
        """Compiles the boosters and scores the known rows. About 0.5 s.

        Raises:
            ArtifactError: a booster this house cannot serve exactly, or known rows that score
                otherwise than training saw.
        """
        try:
            forest = compile_forest(self.members, self.schema)
        except (ModelTextError, ForestError) as error:
            raise ArtifactError(f"the boosters cannot be served: {error}") from None
        scores = forest.raw(self.known_rows)
        near = np.abs(scores - self.known_scores) <= TOLERANCE * (1 + np.abs(self.known_scores))
        if not len(scores) or not near.all():
            raise ArtifactError(
                f"{int((~near).sum())} of {len(scores)} known rows do not score as in training"
            )
        return CtrModel(self.version, self.schema.hash, forest, self.calibration)


def load(files: Mapping[str, bytes], expected: FeatureSchema) -> CtrModel:
    """A model that may serve rows of the expected schema, from its files.

    Raises:
        ArtifactError: it may not; the message is the reason.
    """
    return from_files(files, expected).model()


def from_files(files: Mapping[str, bytes], expected: FeatureSchema | None = None) -> Artifact:
    """Reads and checks a model's files. The forest is made and tried by `Artifact.model`.

    Args:
        files: all files by name; those the manifest does not name are not looked at.
        expected: the encoder's schema; a model of another schema is refused. None: any.

    Raises:
        ArtifactError: a file missing, cut short or changed; a newer format; another schema.
    """
    body = _manifest(files)
    try:
        artifact = _artifact(_sealed(files, body), body)
    except ArtifactError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"the manifest does not fit its files: {error!r}") from None
    _require_shapes(artifact)
    if artifact.schema.hash != body["schema_hash"]:
        raise ArtifactError("written for another encoding of its features; train it anew")
    if expected is not None and artifact.schema.hash != expected.hash:
        raise ArtifactError(
            f"the model reads schema {artifact.schema.hash}, this encoder writes {expected.hash}"
        )
    return artifact


def _manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest's body, once it is known to be whole and not too new."""
    try:
        whole = json.loads(files[MANIFEST])
        body: dict[str, Any] = whole["body"]
        newest = int(body["format"])
    except KeyError as error:
        raise ArtifactError(f"no model: {error} is missing") from None
    except (ValueError, TypeError, RecursionError):
        raise ArtifactError(f"{MANIFEST} is damaged or cut short") from None
    if newest > FORMAT:
        raise ArtifactError(f"format {newest} is newer than {FORMAT}, which this version reads")
    if whole.get("sha256") != _digest(_canonical(body)):
        raise ArtifactError(f"{MANIFEST} was changed after it was written")
    return body


def _sealed(files: Mapping[str, bytes], body: Mapping[str, Any]) -> dict[str, bytes]:
    """The files that the manifest names, each as long and as it was when it was written."""
    for name, (size, digest) in body["files"].items():
        data = files.get(name)
        if data is None:
            raise ArtifactError(f"{name} is missing")
        if len(data) != size:
            raise ArtifactError(f"{name} has {len(data)} bytes instead of {size}")
        if _digest(data) != digest:
            raise ArtifactError(f"{name} was changed after it was written")
    return {name: files[name] for name in body["files"]}


def _artifact(files: Mapping[str, bytes], body: Mapping[str, Any]) -> Artifact:
    arrays = _unpacked(files[TABLES])
    vocabularies = [
        Vocabulary(arrays[f"vocabulary.{number}"], float("nan") if other is None else other)
        for number, other in enumerate(body["vocabularies"])
    ]
    try:
        schema = FeatureSchema.from_toml(files[SCHEMA].decode())
        slope, intercept = body["calibration"]
        calibration = Calibration(slope, intercept, arrays["knots"], arrays["levels"])
    except (SchemaError, CalibrationError) as error:
        raise ArtifactError(str(error)) from None
    return Artifact(
        version=_text(body["version"]),
        schema=schema,
        members=tuple(
            _member(files, number, told, vocabularies)
            for number, told in enumerate(body["members"])
        ),
        calibration=calibration,
        known_rows=arrays["known_rows"],
        known_scores=arrays["known_scores"],
        histories={
            name: _history(arrays, name, *numbers) for name, numbers in body["histories"].items()
        },
        metrics=json.loads(files[METRICS]),
        documents={name: files[name] for name in body["documents"]},
    )


def _require_shapes(artifact: Artifact) -> None:
    """The kernels read without looking where an array ends, and searches believe in its order.

    Raises:
        ArtifactError: an array that is not what it should be, named.
    """
    rows, scores = artifact.known_rows, artifact.known_scores
    curve = artifact.calibration
    vocabularies = [v.keys for member in artifact.members for v in member.vocabularies.values()]
    right = {
        "known rows": _is(rows, np.float64, (*rows.shape[:1], len(artifact.schema.slots))),
        "known scores": _is(scores, np.float64, rows.shape[:1]) and np.isfinite(scores).all(),
        "calibration": all(_is(a, np.float64, a.shape[:1]) for a in (curve.knots, curve.levels)),
        "a vocabulary": all(_rises(keys, np.float64) for keys in vocabularies),
        "a history": all(map(_is_counted, artifact.histories.values())),
    }
    wrong = [name for name, fits in right.items() if not fits]
    if wrong:
        raise ArtifactError(f"{TABLES} does not fit the model: {wrong[0]}")


def _is(array: NDArray[Any], kind: type[np.generic], shape: tuple[int, ...]) -> bool:
    return array.dtype == kind and array.shape == shape


def _rises(keys: NDArray[Any], kind: type[np.generic]) -> bool:
    return _is(keys, kind, keys.shape[:1]) and bool(np.all(keys[1:] > keys[:-1]))


def _is_counted(table: HistoryTable) -> bool:
    counts = np.stack([table.clicks, table.impressions])
    return (
        _rises(table.keys, np.uint64)
        and _is(counts, np.float64, (2, len(table.keys)))
        and bool(np.all(np.isfinite(counts)) and np.all(counts >= 0))
    )


def _member(
    files: Mapping[str, bytes],
    number: int,
    told: Mapping[str, Any],
    vocabularies: list[Vocabulary],
) -> Member:
    return Member(
        text=files[_booster(number)].decode(),
        slots=tuple(told["slots"]),
        vocabularies={int(j): vocabularies[v] for j, v in told["vocabularies"].items()},
        weight=float(told["weight"]),
    )


def _told(member: Member, vocabularies: list[Vocabulary]) -> dict[str, Any]:
    place = {id(vocabulary): number for number, vocabulary in enumerate(vocabularies)}
    return {
        "slots": list(member.slots),
        "weight": member.weight,
        "vocabularies": {str(j): place[id(v)] for j, v in member.vocabularies.items()},
    }


def _distinct_vocabularies(members: tuple[Member, ...]) -> list[Vocabulary]:
    """Boosters that share a vocabulary share it in the file too."""
    found = {id(v): v for member in members for v in member.vocabularies.values()}
    return list(found.values())


def _arrays(artifact: Artifact, vocabularies: list[Vocabulary]) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "known_rows": artifact.known_rows,
        "known_scores": artifact.known_scores,
        "knots": artifact.calibration.knots,
        "levels": artifact.calibration.levels,
    }
    for number, vocabulary in enumerate(vocabularies):
        arrays[f"vocabulary.{number}"] = vocabulary.keys
    for name, table in artifact.histories.items():
        arrays[f"history.{name}.keys"] = table.keys
        arrays[f"history.{name}.counts"] = np.stack([table.clicks, table.impressions])
    return arrays


def _history(arrays: Arrays, name: str, prior: float, strength: float) -> HistoryTable:
    clicks, impressions = arrays[f"history.{name}.counts"]
    return HistoryTable(arrays[f"history.{name}.keys"], clicks, impressions, prior, strength)


def _packed(arrays: Arrays) -> bytes:
    """A .npz (a zip of .npy) whose dates are always the same: equal models are equal files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue())
    return out.getvalue()


def _unpacked(data: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _booster(number: int) -> str:
    return f"booster_{number}.txt"


def _json_number(value: float) -> float | None:
    return None if value != value else float(value)


def _canonical(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
