"""What the worker does to itself before anything untrusted comes near: privileges, Landlock, seccomp, resource limits.

Runs inside the sandbox, in the analysis interpreter: standard library only, Python 3.9 and newer.
"""

from __future__ import annotations

import ctypes
import os
import resource

PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 4, 24, 22, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
SECCOMP_MODE_FILTER = 2
CAPABILITY_VERSION_3 = 0x20080522
MIB = 1 << 20

libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, argument: int = 0, more: int = 0) -> None:
    """prctl(2); raises OSError."""
    if libc.prctl(option, ctypes.c_ulong(argument), ctypes.c_ulong(more), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")


def drop_privileges(uid: int) -> None:
    """Become `uid` for good: no groups, no capabilities, none to be had again. Verified, or OSError.

    A user namespace alone is not enough for a supervisor that is root: its kernel uid stays 0, and /proc/sys asks
    for the uid.
    """
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # beyond the last capability that this kernel knows
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_DUMPABLE, 1)  # the change of uid cleared it, and without it /proc/self belongs to root
    if os.getresuid() != (uid, uid, uid) or os.getgroups() or capabilities():
        raise OSError(f"privileges were not dropped: uids {os.getresuid()}, capabilities {capabilities()}")


def capabilities() -> list[str]:
    """Names of the capability sets that are not empty."""
    with open("/proc/self/status") as status:
        sets = [line.split() for line in status if line.startswith("Cap")]
    return [name for name, value in sets if int(value, 16)]


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def install_seccomp(program: bytes) -> None:
    """Put a BPF program (bytes) between this process, its children and the kernel."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    buffer = ctypes.create_string_buffer(program, len(program))
    description = _Filter(len(program) // 8, ctypes.addressof(buffer))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(description))


def set_limits(limits: dict[str, float]) -> None:
    """The limits that the kernel keeps for each process; `limits` holds seconds, MiB and counts."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1  # a warm worker has already used its import seconds
    cpu = spent + int(limits["cpu_s"]) + 1
    address_space = int(limits["address_space_mb"]) * MIB
    soft_and_hard: dict[int, tuple[int, ...]] = {
        resource.RLIMIT_CPU: (cpu, cpu + 2),
        # the soft limit is the script's; the rest is for the report after a MemoryError
        resource.RLIMIT_AS: (address_space, address_space + 256 * MIB),
        resource.RLIMIT_FSIZE: (int(limits["file_mb"]) * MIB,) * 2,
        resource.RLIMIT_NPROC: (int(limits["processes"]),) * 2,
        resource.RLIMIT_NOFILE: (1024, 1024),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_MEMLOCK: (64 << 10, 64 << 10),
    }
    for which, (soft, hard) in soft_and_hard.items():
        ceiling = resource.getrlimit(which)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(which, (soft, hard))


def relax_memory() -> None:
    """After the script: as much address space as the hard limit allows, so that a MemoryError can be told."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
