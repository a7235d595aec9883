"""What looks alike: the same picture in other sizes and files, not another one."""

import io

from PIL import Image

from adserver.media.likeness import are_alike, look_of
from tests.adserver.media import made_files as files


def test_a_picture_is_known_again_in_another_size_and_file() -> None:
    one = files.picture((1080, 1920))
    poor = Image.open(io.BytesIO(files.encoded("JPEG", (540, 960), quality=20)))
    assert are_alike(look_of(one), look_of(poor))
    assert are_alike(look_of(one), look_of(one.resize((320, 480))))


def test_different_pictures_are_told_apart() -> None:
    looks = [look_of(files.picture((400, 400), seed)) for seed in (0, 6, 12)]
    assert not are_alike(looks[0], looks[1])
    assert not are_alike(looks[1], looks[2])


def test_a_picture_without_anything_in_it_looks_like_nothing() -> None:
    assert look_of(Image.new("RGB", (100, 100), "red")) == ""
    assert not are_alike("", "")
    assert not are_alike("", look_of(files.picture((400, 400))))
