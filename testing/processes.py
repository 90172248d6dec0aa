"""A program that a test starts and that always ends with the test, also if the test fails."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, AnyStr

if TYPE_CHECKING:
    from types import TracebackType


class Process(subprocess.Popen[AnyStr]):
    """A `Popen` whose `with` kills a program that still runs; the original waits for it without limit."""

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.poll() is None:
            self.kill()
        super().__exit__(kind, value, traceback)
