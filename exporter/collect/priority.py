"""Threads that read and judge give way to the one that answers scrapes."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import Final

NICE: Final = 15
"""How far: where both want all of one processor, Linux gives a thread of this nice value 36 parts of 1,060."""


def step_back() -> None:
    """Lower the priority of the calling thread, and of the threads that it starts from then on.

    Nothing comes later for it as long as a processor is free. On Linux alone a thread has a priority of its own.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, max(NICE, os.getpriority(os.PRIO_PROCESS, thread)))
