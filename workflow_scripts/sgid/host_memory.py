"""How much memory this process can still have: of the machine, or of the job's own limit (standard library only)."""

import os
from pathlib import Path

MEMORY_INFORMATION = Path("/proc/meminfo")
OWN_GROUP, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def available_memory() -> int:
    """Bytes that this process can still have without swapping: of the machine, or of the job's own limit."""
    return min([machine_memory(), *cgroup_memory()])


def cgroup_memory() -> list[int]:
    """Bytes left under each limit that the process's control group (version 2) or one above it has, as under SLURM."""
    if not OWN_GROUP.exists():
        return []
    own = next(
        (line.removeprefix("0::/") for line in OWN_GROUP.read_text().splitlines() if line.startswith("0::/")), ""
    )
    groups = [GROUPS / own, *(GROUPS / own).parents]
    limits = {group: group / "memory.max" for group in groups if (group / "memory.max").is_file()}
    return [
        int(limit.read_text()) - int((group / "memory.current").read_text())
        for group, limit in limits.items()
        if limit.read_text().strip() != "max"
    ]


def machine_memory() -> int:
    """Bytes that this machine can still give without swapping."""
    if MEMORY_INFORMATION.exists():
        lines = MEMORY_INFORMATION.read_text(encoding="ascii").splitlines()
        kibibytes = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
        if kibibytes is not None:
            return int(kibibytes) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
