"""How far something has come, and who waits for it."""

import threading


class Progress:
    """A count that only grows: CTUs of a row that are searched, rows of a picture that are decoded."""

    def __init__(self):
        self._done = 0
        self._changed = threading.Condition()
        self._error = None

    def wait(self, count):
        """Until `count` are done. Raises what kept them from it."""
        with self._changed:
            self._changed.wait_for(lambda: self._error or self._done >= count)
            if self._done < count:
                raise self._error

    def reach(self, count):
        """`count` are done."""
        with self._changed:
            self._done = count
            self._changed.notify_all()

    def fail(self, error):
        """No more will be done."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()
