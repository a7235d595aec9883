"""Whether two pictures look alike: a hash of 64 bits that survives resizing and re-encoding.

Source: the difference hash (dHash) of Neal Krawetz, 2013. Never here: what is done about it. The
one surprising fact: a picture with little in it (one colour, a plain gradient) gets no hash, for
all of those look alike.
"""

from itertools import pairwise

from PIL import Image

ALIKE_BITS = 6
"""Of 64; strangers differ in 32 on average, a re-encoded picture in none to three."""
_COLUMNS, _ROWS = 9, 8
_LEAST_STEPS = 8
_STEP = 3


def look_of(picture: Image.Image) -> str:
    """The hash as 16 hexadecimal digits, "" where it would say nothing."""
    flat = picture.convert("RGBA")
    ground = Image.new("RGBA", flat.size, "white")
    small = Image.alpha_composite(ground, flat).convert("L").resize((_COLUMNS, _ROWS))
    grey = small.tobytes()
    bits = steps = 0
    for y in range(_ROWS):
        row = grey[y * _COLUMNS : (y + 1) * _COLUMNS]
        for left, right in pairwise(row):
            bits = bits << 1 | (left > right)
            steps += abs(left - right) >= _STEP
    return f"{bits:016x}" if steps >= _LEAST_STEPS and bits else ""


def are_alike(one: str, other: str) -> bool:
    """Whether two hashes are of pictures that a person would call the same."""
    if not one or not other:
        return False
    return (int(one, 16) ^ int(other, 16)).bit_count() <= ALIKE_BITS
