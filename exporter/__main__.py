"""The program: `orchestration-exporter`, and `python -m exporter`.

Signals come first, before anything that takes time to import: the first process of a container gets none that it has
no handler for.
"""

import os
import signal


def _end(number: int, _frame: object) -> None:
    os._exit(128 + number)


for _number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(_number, _end)


def main() -> None:
    """Run the command line. It exits with the command's code."""
    from exporter.cli import main as command_line
    from exporter.run.signals import supervise

    supervise(command_line)


if __name__ == "__main__":
    main()
