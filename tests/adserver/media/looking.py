"""Has a file looked at by the real child process, and shows what was made of it.

Never here: a test.
"""

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from adserver.media import checking
from adserver.media.verdict import Accepted, Reason, Refused


@dataclass(frozen=True)
class Made:
    """What became of a file that was accepted."""

    accepted: Accepted
    clean: bytes
    thumbnail: bytes
    poster: bytes

    def picture(self) -> Image.Image:
        """The clean file, decoded."""
        return Image.open(io.BytesIO(self.clean))


def looked_at(name: str, content: bytes, tmp_path: Path) -> Made | Refused:
    """The verdict on a file of that name."""
    directory = Path(tempfile.mkdtemp(dir=tmp_path))
    source = directory / "source"
    source.write_bytes(content)
    into = directory / "into"
    into.mkdir()
    verdict = checking.remade(source, name, into)
    if isinstance(verdict, Refused):
        return verdict
    poster = into / "poster"
    return Made(
        verdict,
        (into / "clean").read_bytes(),
        (into / "thumbnail").read_bytes(),
        poster.read_bytes() if poster.exists() else b"",
    )


def made(name: str, content: bytes, tmp_path: Path) -> Made:
    """What became of a file that must be accepted."""
    found = looked_at(name, content, tmp_path)
    assert isinstance(found, Made), found
    return found


def reason(name: str, content: bytes, tmp_path: Path) -> Reason:
    """Why a file is refused that must be refused."""
    found = looked_at(name, content, tmp_path)
    assert isinstance(found, Refused), found
    return found.reason
