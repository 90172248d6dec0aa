"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

RIVALS = ("prometheus_client", "uvicorn", "uvloop")


def describe() -> str:
    """Processor, memory, system, versions, and how busy the machine was before the benchmarks began, in one line."""
    cores = len(os.sched_getaffinity(0))
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in RIVALS)
    return (
        f"{_processor()}, {cores} cores, {gibibytes:.0f} GiB; {platform.system()} {platform.release().split('-')[0]};"
        f" Python {platform.python_version()}, {packages}; load average {os.getloadavg()[0]:.1f} at the start"
    )


def _processor() -> str:
    found = Path("/proc/cpuinfo")
    lines = found.read_text(encoding="utf-8").splitlines() if found.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
