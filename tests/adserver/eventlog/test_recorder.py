"""Recording never waits, never fails a request, and loses only what it counts as lost."""

import struct
import threading

from prometheus_client import REGISTRY

from adserver.eventlog.outbox_file import Batch
from adserver.eventlog.recorder import OutboxRecorder
from adserver.eventlog.rows import unpack_columns
from tests.adserver.eventlog.happenings import census, decided, served


def kept_by(batches: list[Batch], table: str) -> dict[str, list[object]]:
    return unpack_columns(table, [one.body for one in batches if one.table == table])


def dropped() -> float:
    return REGISTRY.get_sample_value("adunion_recorder_dropped_rows_total") or 0.0


def test_what_was_recorded_is_handed_over_in_order() -> None:
    batches: list[Batch] = []
    recorder = OutboxRecorder(batches.append, 10_000)
    features = struct.pack("<2d", 1.0, float("nan"))
    for number in range(450):
        recorder.record(decided(number), [served(number, features), served(number + 1000)])
    recorder.record_census([census(1, "won", 3)])
    recorder.close()
    assert kept_by(batches, "decisions")["request_id"] == [f"req{n}" for n in range(450)]
    assert len(kept_by(batches, "ads_served")["event_id"]) == 900
    assert kept_by(batches, "ads_served")["features"][:2] == [features, b""]
    assert kept_by(batches, "census")["requests"] == [3]


def test_when_memory_is_full_whole_requests_are_dropped_and_counted() -> None:
    batches: list[Batch] = []
    blocked = threading.Event()

    def keep(batch: Batch) -> None:
        blocked.wait(5)
        batches.append(batch)

    before = dropped()
    recorder = OutboxRecorder(keep, 10)
    for number in range(100):
        recorder.record(decided(number), [served(number)])
    blocked.set()
    recorder.close()
    kept = sum(batch.rows for batch in batches)
    assert kept >= 10
    assert dropped() - before == 200 - kept
    assert len(kept_by(batches, "decisions")["ads"]) == len(kept_by(batches, "ads_served")["pctr"])


def test_a_record_that_cannot_be_packed_is_counted_and_the_rest_goes_on() -> None:
    batches: list[Batch] = []
    before = dropped()
    recorder = OutboxRecorder(batches.append, 100)
    recorder.record(decided(1, os_version="\ud800"), [])
    recorder.close()
    assert dropped() - before == 1
    recorder = OutboxRecorder(batches.append, 100)
    recorder.record(decided(2), [])
    recorder.close()
    assert kept_by(batches, "decisions")["request_id"] == ["req2"]
