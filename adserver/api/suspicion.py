"""How many doubtful events a second are written down: an allowance that refills.

Never here: what makes an event doubtful. The one surprising fact: without it anybody could fill the
outbox with forged tokens, and a full outbox refuses the honest beacons.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Allowance:
    """A token bucket: `per_second` on average, `burst` at once. Times are monotonic seconds."""

    per_second: float
    burst: float
    left: float = 0.0
    since_s: float = float("-inf")

    def take(self, now_s: float) -> bool:
        """Whether one more may pass now."""
        self.left = min(self.burst, self.left + (now_s - self.since_s) * self.per_second)
        self.since_s = now_s
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True
