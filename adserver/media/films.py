"""Films looked at and wrapped anew: their pictures and sound are kept as they are, nothing else.

Runs in the child process alone (`decoder`). Never here: pictures. The one surprising fact: key
frames are decoded to see that they can be, the others only counted; a whole minute would take
longer than anybody waits.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from adserver.media import containers, limits
from adserver.media.pictures import write_thumbnail
from adserver.media.sniffing import require_one_thing
from adserver.media.verdict import Accepted, Cleaned, FileKind, Reason, RefusedFileError

VIDEO_CODEC, AUDIO_CODEC = "h264", "aac"
PIXELS = frozenset({"yuv420p", "yuvj420p"})
_WITHOUT_SEI = "filter_units=remove_types=6"  # the encoder's settings, and whatever else is said
_LEAST_FILM_SIDE = 120


def remake_film(source: Path, clean: Path, thumbnail: Path, poster: Path) -> Accepted:
    """Writes the film anew to `clean`, its first picture to `poster` and, small, to `thumbnail`.

    Raises:
        RefusedFileError: too long, too large, of other codecs than phones play, broken.
    """
    boxes = containers.film_without_pictures(source)
    require_one_thing(boxes.content, source)
    with source.open("rb") as file, av.open(file, "r", format="mp4") as film:
        video, sound = _streams(film)
        _require_playable(video, sound)
        cleaned = _found_in(film) | ({Cleaned.TRAILING} if boxes.goes_on else set())
        look = _decode_keys(film, video, thumbnail, poster)
    duration_ms, frames = _wrap(source, clean)
    if clean.stat().st_size > limits.MOST_BYTES[FileKind.MP4]:
        most = limits.MOST_BYTES[FileKind.MP4]
        raise RefusedFileError(Reason.GREW, bytes=clean.stat().st_size, most=most)
    return _looked_at(clean, (duration_ms, frames), look, cleaned)


def _streams(film: InputContainer) -> tuple[VideoStream, AudioStream | None]:
    videos, sounds = film.streams.video, film.streams.audio
    if not videos:
        raise RefusedFileError(Reason.NO_PICTURES)
    if len(videos) > 1 or len(sounds) > 1:
        raise RefusedFileError(Reason.STREAMS)
    return videos[0], sounds[0] if sounds else None


def _require_playable(video: VideoStream, sound: AudioStream | None) -> None:
    codec = video.codec_context
    if codec.name != VIDEO_CODEC or codec.pix_fmt not in PIXELS:
        raise RefusedFileError(Reason.VIDEO_CODEC, codec=f"{codec.name} {codec.pix_fmt or ''}")
    if sound is not None and sound.codec_context.name != AUDIO_CODEC:
        raise RefusedFileError(Reason.AUDIO_CODEC, codec=sound.codec_context.name)
    w, h = codec.width, codec.height
    if w * h > limits.MOST_FILM_PIXELS or max(w, h) > limits.MOST_FILM_SIDE:
        raise RefusedFileError(
            Reason.TOO_MANY_PIXELS, w=w, h=h, side=limits.MOST_FILM_SIDE, most="1920 x 1080"
        )
    if min(w, h) < _LEAST_FILM_SIDE:
        raise RefusedFileError(Reason.TOO_FEW_PIXELS, w=w, h=h, least=_LEAST_FILM_SIDE)
    if video.average_rate and video.average_rate > limits.MOST_FRAMES_A_SECOND:
        rate = round(video.average_rate)
        raise RefusedFileError(Reason.FRAME_RATE, rate=rate, most=limits.MOST_FRAMES_A_SECOND)
    if video.duration and video.time_base:
        _require_short(round(video.duration * video.time_base * 1000))


def _require_short(duration_ms: int) -> None:
    if duration_ms > limits.MOST_FILM_MS:
        most_s = limits.MOST_FILM_MS // 1000
        raise RefusedFileError(Reason.TOO_LONG, seconds=duration_ms // 1000, most=most_s)


def _found_in(film: InputContainer) -> set[Cleaned]:
    said = {*film.metadata, *(name for stream in film.streams for name in stream.metadata)}
    found = set()
    if said - {"major_brand", "minor_version", "compatible_brands", "language", "handler_name"}:
        found.add(Cleaned.WORDS)
    if any("location" in name.lower() for name in said):
        found.add(Cleaned.GPS)
    if len(film.streams) > len(film.streams.video) + len(film.streams.audio):
        found.add(Cleaned.STREAMS)
    return found


def _decode_keys(film: InputContainer, video: VideoStream, thumbnail: Path, poster: Path) -> str:
    """Decodes the key frames; the first one becomes the poster. Answers what it looks like."""
    video.thread_type = "NONE"
    video.codec_context.thread_count = 1
    video.codec_context.skip_frame = "NONKEY"
    count, look = 0, ""
    for frame in film.decode(video):
        count += 1
        if frame.rotation:
            raise RefusedFileError(Reason.ROTATED)
        if count == 1:
            picture = frame.to_image()  # type: ignore[no-untyped-call]
            picture.save(poster, "JPEG", quality=88, optimize=True)
            look = write_thumbnail(picture, thumbnail)
    if not count:
        raise RefusedFileError(Reason.NO_PICTURES)
    return look


def _wrap(source: Path, clean: Path) -> tuple[int, int]:
    """Copies pictures and sound into a new file; answers milliseconds and pictures.

    Raises:
        RefusedFileError: fewer pictures than promised, or too many.
    """
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with (
        source.open("rb") as file,
        av.open(file, "r", format="mp4") as film,
        av.open(str(clean), "w", format="mp4", container_options=options) as out,
    ):
        video, sound = _streams(film)
        kept = [video] if sound is None else [video, sound]
        streams = {one.index: out.add_stream_from_template(one) for one in kept}
        for stream in streams.values():
            stream.metadata.clear()
        quiet = BitStreamFilterContext(_WITHOUT_SEI, video, streams[video.index])
        frames, end_ms = 0, 0
        for packet in _packets(film, kept):
            is_picture = packet.stream.index == video.index
            if is_picture:
                frames, end_ms = frames + 1, max(end_ms, _end_ms(packet))
                _require_short(end_ms)
            _mux(
                out, streams[packet.stream.index], quiet.filter(packet) if is_picture else [packet]
            )
        if frames < video.frames:  # what its index promised
            raise containers.broken()
    return end_ms, frames


def _mux(out: OutputContainer, stream: Any, packets: list[Any]) -> None:
    for packet in packets:
        packet.stream = stream
        out.mux(packet)


def _packets(film: InputContainer, streams: list[Any]) -> Iterator[Any]:
    count = 0
    for packet in film.demux(streams):
        if packet.dts is None:  # the flush at the end
            continue
        count += 1
        if count > limits.MOST_PACKETS:
            raise RefusedFileError(Reason.TOO_MANY_FRAMES, frames=count, most=limits.MOST_PACKETS)
        if packet.is_corrupt or not packet.size:
            raise containers.broken()
        yield packet


def _end_ms(packet: Any) -> int:
    start = packet.pts if packet.pts is not None else packet.dts
    end_ms: int = round((start + (packet.duration or 0)) * packet.time_base * 1000)
    return end_ms


def _looked_at(clean: Path, length: tuple[int, int], look: str, cleaned: set[Cleaned]) -> Accepted:
    """What was written, looked at as strictly as what came in."""
    require_one_thing(containers.film_without_pictures(clean).content, clean)
    with av.open(str(clean), "r", format="mp4") as film:
        codec = film.streams.video[0].codec_context
        w, h = codec.width, codec.height
    return Accepted(FileKind.MP4, w, h, *length, look, tuple(sorted(cleaned)))
