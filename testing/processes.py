"""A program that a test starts and that never outlives it, also where the test fails or waits in vain."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, AnyStr

if TYPE_CHECKING:
    from types import TracebackType


class Process(subprocess.Popen[AnyStr]):
    """A `Popen` whose `with` ends the program by force if it still runs; the original waits for it, for ever."""

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.poll() is None:
            self.kill()
        super().__exit__(kind, value, traceback)
