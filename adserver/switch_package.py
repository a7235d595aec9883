"""What an operator has switched off, as it travels from the console to the workers: one file.

Never here: who may switch (`adserver.console`) or what a switch does to an answer (`adserver.api`,
`ranking.catalog`). The one surprising fact: every publication has a name of its own, also when the
switches are the same as before, so a console that starts replaces a file that the disk has damaged.
"""

import hashlib
from pathlib import Path

import msgspec

from adserver import publication

DIRECTORY = Path("published", "switches")
FILE = "switches.msgpack"
VERSIONS_KEPT = 5


class Switches(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is switched off: everything, or these apps, advertisers and so on, by id."""

    everything: bool = False
    apps: frozenset[str] = frozenset()
    advertisers: frozenset[str] = frozenset()
    campaigns: frozenset[str] = frozenset()
    line_items: frozenset[str] = frozenset()
    creatives: frozenset[str] = frozenset()

    @property
    def withholds_ads(self) -> bool:
        """Whether there are ads that may not win, while others may."""
        return bool(self.advertisers or self.campaigns or self.line_items or self.creatives)


NOTHING_OFF = Switches()
ALL_OFF = Switches(everything=True)

_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(Switches)


class SwitchesError(Exception):
    """Published switches that cannot be read: truncated, or something else."""


def publish(root: Path, switches: Switches, at_ms: int) -> str:
    """Publishes the switches and sweeps old versions; answers the version."""
    content = _encoder.encode(switches)
    digest = hashlib.blake2b(content, digest_size=6).hexdigest()
    version = f"s{at_ms}-{digest}"
    publication.publish(root, version, {FILE: content})
    publication.keep_last(root, VERSIONS_KEPT)
    return version


def read(root: Path, version: str) -> Switches:
    """The switches of one published version.

    Raises:
        PublicationError: no such version.
        SwitchesError: they cannot be read.
    """
    files = publication.read(root, version)
    if FILE not in files:
        raise SwitchesError(f"version {version} holds no {FILE}")
    try:
        return _decoder.decode(files[FILE])
    except msgspec.MsgspecError as error:
        raise SwitchesError(f"not published switches: {error}") from error
