"""The threads that search, of whichever pictures are in flight."""

import queue
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


class Crew:
    """A thread for each CtuSearch.

    threads  their number;  pool: ThreadPoolExecutor, for filters too, or None where the caller's thread is the only one
    stopped  whether what is being searched is wanted no more
    """

    def __init__(self, searches):
        """`searches`: CtuSearches, in which any row of any picture may be searched."""
        self._free = queue.SimpleQueue()
        for search in searches:
            self._free.put(search)
        self.threads = len(searches)
        self.pool = ThreadPoolExecutor(self.threads) if self.threads > 1 else None
        self.stopped = False

    @contextmanager
    def search(self):
        """A CtuSearch that nobody else is using, until the block ends."""
        search = self._free.get()
        try:
            yield search
        finally:
            self._free.put(search)

    def stop(self):
        """No more work comes; what is being searched is given up at the next CTU."""
        self.stopped = True
        if self.pool:
            self.pool.shutdown(wait=False)
