"""The program: `orchestration-exporter`, and `python -m exporter`.

Signals come first, before anything that takes time to import: the first process of a container gets none that it has
no handler for.
"""

import os
import signal
import sys


def _end(number: int, _frame: object) -> None:
    os._exit(128 + number)


if sys.argv[1:2] == ["run"]:
    # It reloads at this signal. Until its configuration is read, there is nothing to reload.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
for _number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(_number, _end)

# Standard streams that the caller has closed lead nowhere. Otherwise the next file or socket has their number, and what
# a library writes to standard error goes into it.
for _stream, _mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
    if getattr(sys, _stream) is None:
        setattr(sys, _stream, open(os.devnull, _mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - until the end


def main() -> None:
    """Run the command line. It exits with the command's code."""
    from exporter.cli import main as command_line
    from exporter.run.signals import supervise

    supervise(command_line)


if __name__ == "__main__":
    main()
