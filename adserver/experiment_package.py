"""The experiment that runs, as it travels from the console to the workers: one file.

A share of users is served by another published model. Never here: which model is better (that is
the page's, from the log) or how a model is loaded (`adserver.reload`). The one surprising fact: an
arm follows from the user's keyed hash and the experiment's own salt, so every worker and every
restart gives a user the same arm, and two experiments split users independently of each other.
"""

import hashlib
from pathlib import Path

import msgspec

from adserver import publication
from models.domain.money import PPM

DIRECTORY = Path("published", "experiment")
FILE = "experiment.msgpack"
VERSIONS_KEPT = 5
CONTROL, CHALLENGER = "a", "b"
NO_ARM = ""
_ODD = 0x9E3779B97F4A7C15  # the golden ratio's: spreads nearby numbers over 64 bits
_BITS = (1 << 64) - 1


class Experiment(msgspec.Struct, frozen=True):
    """`share_ppm` of a million users get the model `model_version`. No name: nothing runs."""

    name: str = ""
    model_version: str = ""
    share_ppm: int = 0
    salt: int = 0

    @property
    def runs(self) -> bool:
        """Whether there is an experiment."""
        return bool(self.name)

    def has_challenger(self, user_key: int) -> bool:
        """Whether this user is served by the other model."""
        mixed = ((user_key ^ self.salt) * _ODD) & _BITS
        return (mixed >> 32) * PPM >> 32 < self.share_ppm

    def arm(self, *, challenger: bool) -> str:
        """What the log says of a user's arm: "autumn/b"."""
        return f"{self.name}/{CHALLENGER if challenger else CONTROL}"


NOTHING_RUNS = Experiment()

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Experiment)


class ExperimentError(Exception):
    """A published experiment that cannot be read."""


def salt_of(experiment_id: str) -> int:
    """64 bits that no other experiment has."""
    return int.from_bytes(hashlib.blake2b(experiment_id.encode(), digest_size=8).digest())


def publish(root: Path, experiment: Experiment, at_ms: int) -> str:
    """Publishes what runs and sweeps old versions; answers the version."""
    version = f"x{at_ms}"
    publication.publish(root, version, {FILE: _encoder.encode(experiment)})
    publication.keep_last(root, VERSIONS_KEPT)
    return version


def read(root: Path, version: str) -> Experiment:
    """The experiment of one published version.

    Raises:
        PublicationError: no such version.
        ExperimentError: it cannot be read.
    """
    files = publication.read(root, version)
    try:
        return _decoder.decode(files[FILE])
    except (KeyError, msgspec.MsgspecError) as error:
        raise ExperimentError(f"not a published experiment: {error}") from error
