"""How large a file may be before anybody looks into it: bytes, pixels, frames, seconds.

Never here: what a format of ads takes (`specs`). The one surprising fact: the largest picture sets
the memory of the decoder, so `DATA_BYTES` belongs to `MOST_SIZE`: eight million pixels of four
bytes, up to four times over. WebP's encoder takes thirty bytes a pixel, so its pictures are less.
"""

from adserver.media.verdict import FileKind

MIB = 1_048_576
MB = 1_000_000
MOST_BYTES = {
    FileKind.PNG: 5 * MB,
    FileKind.JPEG: 5 * MB,
    FileKind.WEBP: 5 * MB,
    FileKind.GIF: 5 * MB,
    FileKind.MP4: 30 * MB,
}
LARGEST_FILE_BYTES = max(MOST_BYTES.values())
MOST_SIZE = (2160, 3840)
MOST_WEBP_SIZE = (1440, 3200)
"""Only their products count."""
MOST_SIDE = 4096
LEAST_SIDE = 16
MOST_FRAMES = 300
MOST_FRAME_PIXELS = 60_000_000
"""Width times height times frames of an animation; each is decoded."""
MOST_ANIMATION_MS = 30_000
MOST_FILM_MS = 60_000
MOST_FILM_PIXELS = 1920 * 1080
MOST_FILM_SIDE = 1920
MOST_FRAMES_A_SECOND = 60
MOST_PACKETS = 16_000

ADDRESS_SPACE_BYTES = 320 * MIB
"""130 MB of it are libraries that are mapped and hardly touched."""
DATA_BYTES = 170 * MB
OUTPUT_BYTES = 40 * MIB
CPU_S = 20
WALL_S = 45.0

MOST_ZIP_FILES = 100
MOST_ZIP_BYTES = 100 * MB
MOST_UPLOAD_BYTES = 64 * MB
