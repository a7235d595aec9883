"""Click models as they lie published: versions, their cards and figures, and which one is in force.

Never here: numpy, boosters, a prediction; the console reads the JSON and Markdown files of a model
and moves the pointer. The one surprising fact: before the pointer moves, every file is held against
the manifest's checksums, but only a worker can try a model's known rows. One that fails there is
refused by all workers, and the model before it goes on.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adserver import publication
from adserver.publication import PublicationError

DIRECTORY = "ctr"
MANIFEST, METRICS, CARD = "manifest.json", "metrics.json", "card.md"
DIGEST_BYTES = 32


class ModelRefusedError(ValueError):
    """A model that cannot be put in force; the message says why."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one model on rows that it had not seen; None where it cannot be said.

    `reliability` has (mean predicted, observed rate, rows) in bins.
    """

    rows: int = 0
    clicks: int = 0
    auc: float | None = None
    log_loss: float | None = None
    normalized_entropy: float | None = None
    calibration: float | None = None
    reliability: tuple[tuple[float, float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A version. `trouble` says why it cannot be read; then the rest is empty."""

    version: str
    in_force: bool
    made_at: datetime | None = None
    candidate: Figures = Figures()
    baseline: Figures | None = None
    serving: Figures | None = None
    against_serving: Figures | None = None
    trees: int = 0
    learned_rows: int = 0
    passed: bool = True
    reasons: tuple[str, ...] = ()
    trouble: str = ""
    card: str = field(default="", repr=False)


def root_of(data_dir: Path) -> Path:
    """Where models are published."""
    return data_dir / DIRECTORY


def all_models(root: Path) -> list[PublishedModel]:
    """Every version, the newest first."""
    in_force = publication.current(root)
    found = [_read(root, version, in_force) for version in publication.versions(root)]
    return found[::-1]


def model(root: Path, version: str) -> PublishedModel | None:
    """One version; None when there is none of that name."""
    if version not in publication.versions(root):
        return None
    return _read(root, version, publication.current(root))


def promote(root: Path, version: str) -> None:
    """Puts a version in force, after its files were held against their checksums.

    Raises:
        ModelRefusedError: there is no such version, or it is damaged.
    """
    try:
        files = publication.read(root, version)
        _require_whole(files)
        publication.point(root, version)
    except PublicationError as error:
        raise ModelRefusedError(str(error)) from error


def before(root: Path) -> str | None:
    """The version that a roll-back would put in force: the one before the one in force."""
    in_force = publication.current(root)
    versions = publication.versions(root)
    older = versions[: versions.index(in_force)] if in_force in versions else versions
    return older[-1] if older and in_force is not None else None


def _require_whole(files: Mapping[str, bytes]) -> None:
    """Raises ModelRefusedError unless every file is as the manifest says."""
    try:
        named = json.loads(files[MANIFEST])["body"]["files"]
        for name, (size, digest) in named.items():
            data = files[name]
            if len(data) != size or not digest_is(data, digest):
                raise ModelRefusedError(f"{name} was changed after it was written")
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, ModelRefusedError):
            raise
        raise ModelRefusedError(f"its files are damaged or missing: {error}") from None


def digest_is(data: bytes, digest: str) -> bool:
    """Whether the bytes have this digest, as `models.ctr.artifact` writes it."""
    return hashlib.sha256(data).hexdigest() == digest


def _read(root: Path, version: str, in_force: str | None) -> PublishedModel:
    try:
        files = publication.read(root, version)
        told = json.loads(files[METRICS])
        card = files.get(CARD, b"").decode("utf-8", "replace")
        return _told(version, version == in_force, told, card)
    except (PublicationError, LookupError, TypeError, ValueError, AttributeError) as error:
        return PublishedModel(version, version == in_force, trouble=f"cannot be read: {error}")


def _told(version: str, in_force: bool, told: Mapping[str, Any], card: str) -> PublishedModel:
    return PublishedModel(
        version=version,
        in_force=in_force,
        made_at=_made_at(version),
        candidate=_figures(told.get("candidate")) or Figures(),
        baseline=_figures(told.get("logistic_regression")),
        serving=_figures(told.get("serving")),
        against_serving=_figures(told.get("candidate_on_rows_new_to_serving")),
        trees=int(told.get("trees") or 0),
        learned_rows=int(told.get("learned_rows") or 0),
        passed=bool(told.get("passed", True)),
        reasons=tuple(map(str, told.get("reasons") or ())),
        card=card,
    )


def _figures(told: Mapping[str, Any] | None) -> Figures | None:
    if not told:
        return None
    return Figures(
        rows=int(told["rows"]),
        clicks=int(told["clicks"]),
        auc=told.get("auc"),
        log_loss=told.get("log_loss"),
        normalized_entropy=told.get("normalized_entropy"),
        calibration=told.get("calibration"),
        reliability=tuple((float(p), float(o), int(n)) for p, o, n in told.get("reliability", ())),
    )


def _made_at(version: str) -> datetime | None:
    """Versions begin with when they were made, in UTC."""
    try:
        return datetime.strptime(version.partition("-")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
