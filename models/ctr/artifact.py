"""A trained model as files, and back: everything that is checked before a model may serve.

Files are a `dict[str, bytes]`; nobody here opens one. Nothing in a file is ever executed: the
manifest is JSON, the boosters are LightGBM's text, tables are .npy without pickle.

The one surprising fact: the artifact carries rows with the scores that training saw. A loaded model
that does not score them the same is refused, whatever its checksums say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.ctr.calibration import Calibration
from models.ctr.encoding import Floats, HistoryTable, Vocabulary
from models.ctr.features import FeatureSchema

FORMAT = 1
"""The newest format this code reads."""


class ArtifactError(ValueError):
    """A model that may not serve. The message is the reason, for people."""


@dataclass(frozen=True, slots=True)
class Member:
    """One booster of a model.

    Its column j is slot `slots[j]` of the schema (an index); where `vocabularies` has j, the slot's
    encoded value goes through that vocabulary first. `weight` scales its raw score in the sum.
    """

    text: str
    slots: tuple[int, ...]
    vocabularies: Mapping[int, Vocabulary] = field(default_factory=dict)
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model with all that describes it.

    `known_rows` are encoded rows (slots of the schema) with the raw scores `known_scores` that
    training computed by LightGBM itself. `documents` are further files as they are (model card,
    metrics, reliability plot), by name.
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


def from_files(files: Mapping[str, bytes], expected: FeatureSchema | None = None) -> Artifact:
    """Reads and checks a model's files.

    Args:
        files: all files by name.
        expected: the encoder's schema; a model of another schema is refused. None: any.

    Raises:
        ArtifactError: a file missing, cut short or changed; a newer format; another schema; a
            booster this house cannot serve exactly; known rows that score otherwise.
    """
