"""One selector over everything that talks, so that no pipe fills up while a test looks elsewhere.

A source has fileno() and readable(); readable() returns False at its end. Waiting is always for a condition, with a deadline.
"""
import collections
import selectors
import time

from . import surroundings


KEPT = 5000  # lines of the conversation, for the report of a failure


class Hub:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.start = time.monotonic()
        self.record = collections.deque(maxlen=KEPT)
        self.noted = 0

    def note(self, who, direction, what):
        self.noted += 1
        self.record.append(f"{time.monotonic() - self.start:8.3f} {who}{direction} {what[:400]}")

    def add(self, source):
        self.selector.register(source, selectors.EVENT_READ, source)

    def remove(self, source):
        try:
            self.selector.unregister(source)
        except (KeyError, ValueError):
            pass

    def turn(self, seconds):
        """Reads what there is; waits for it at most this long."""
        if not self.selector.get_map():
            time.sleep(min(seconds, 0.01))
            return
        for key, _ in self.selector.select(max(0.0, seconds)):
            if not key.data.readable():
                self.remove(key.data)

    def wait(self, condition, what, seconds=None):
        """Returns the first true value of condition()."""
        deadline = time.monotonic() + (surroundings.PATIENCE if seconds is None else seconds * surroundings.SLOW)
        while True:
            found = condition()
            if found:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"waited in vain for {what}")
            self.turn(min(left, 0.05))

    def transcript(self, last=150):
        left_out = self.noted - last
        head = [f"... {left_out} lines before"] if left_out > 0 else []
        return "\n".join(head + list(self.record)[-last:])

    def close(self):
        self.selector.close()
