"""The programs that people run."""

import os

from cli import signals

# numpy's linear algebra, which the codec does not use, would start threads and have them wait in a loop
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
signals.end_quietly_at_once()
