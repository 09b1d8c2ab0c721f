"""What the worker does to itself before anything untrusted comes near: privileges, Landlock, seccomp, resource limits.

Runs inside the sandbox, in the analysis interpreter: standard library only, Python 3.9 and newer.
"""

from __future__ import annotations

import ctypes
import os
import resource

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 22, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
SECCOMP_MODE_FILTER = 2
PIDFD_OPEN = 434
CAPABILITY_VERSION_3 = 0x20080522
MIB = 1 << 20

libc = ctypes.CDLL(None, use_errno=True)


def pidfd_open(pid: int) -> int:
    """A descriptor that becomes readable when a process has ended; not every Python is built with the one of `os`."""
    descriptor = int(libc.syscall(PIDFD_OPEN, ctypes.c_int(pid), ctypes.c_uint(0)))
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"pidfd_open: {os.strerror(number)}")
    return descriptor


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
    drop_bounding_set()
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    drop_capabilities()
    prctl(PR_SET_DUMPABLE, 1)  # the change of uid cleared it, and without it /proc/self belongs to root
    if os.getresuid() != (uid, uid, uid) or os.getgroups() or capabilities():
        raise OSError(f"privileges were not dropped: uids {os.getresuid()}, capabilities {capabilities()}")


def drop_bounding_set() -> None:
    """No program that is started can bring these back."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # beyond the last capability that this kernel knows, or already without the right to do it
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)


def drop_capabilities() -> None:
    """All of them, for good."""
    drop_bounding_set()
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def capabilities() -> list[str]:
    """Names of the capability sets that are not empty."""
    with open("/proc/self/status") as status:
        sets = [line.split() for line in status if line.startswith("Cap")]
    return [name for name, value in sets if int(value, 16)]


ALL_ACCESS = (0, 0x1FFF, 0x3FFF, 0x7FFF, 0x7FFF, 0xFFFF)
"""Landlock's file access rights by ABI version; the last entry also for newer ones."""
READ, LIST, WRITE_TO_DEVICE, RIGHTS_OF_A_FILE = 0x1 | 0x4 | 0x8, 0x8, 0x2 | 0x4, 0x1 | 0x2 | 0x4 | 0x4000 | 0x8000
NO_DEVICES = ~(0x40 | 0x800)
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
LANDLOCK_ABI = 3


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def _landlock(*arguments: object) -> int:
    result = libc.syscall(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return int(result)


def landlock_abi() -> int:
    """Version of Landlock that this kernel offers; OSError without it. Asked of the kernel, as no file tells it."""
    return _landlock(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))


def restrict_paths(read: list[str], listed: list[str], write: list[str], devices: list[str]) -> None:
    """From now on only these files and folders, no TCP, no signal or abstract socket to anybody outside; OSError."""
    abi = landlock_abi()
    if abi < LANDLOCK_ABI:
        raise OSError(f"Landlock of version {abi} cannot protect files from being cut; {LANDLOCK_ABI} is needed")
    every = ALL_ACCESS[min(abi, len(ALL_ACCESS) - 1)]
    rules = _Ruleset(every, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    ruleset = _landlock(CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(ctypes.sizeof(rules)), ctypes.c_uint32(0))
    allowed = [(path, READ) for path in read] + [(path, LIST) for path in listed]
    allowed += [(path, every & NO_DEVICES) for path in write]
    for path, rights in allowed + [(path, WRITE_TO_DEVICE | (every & 0x4000)) for path in devices]:
        try:
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, PermissionError):
            continue  # not here, or not for us: nothing to allow
        if not os.path.isdir(path):
            rights &= RIGHTS_OF_A_FILE
        rule = _PathRule(rights & every, parent)
        _landlock(ADD_RULE, ruleset, ctypes.c_int(1), ctypes.byref(rule), ctypes.c_uint32(0))
        os.close(parent)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    _landlock(RESTRICT_SELF, ruleset, ctypes.c_uint32(0))
    os.close(ruleset)


def die_with_parent() -> None:
    """Should the keeper be killed, this process does not go on without it; a change of uid clears this."""
    prctl(PR_SET_PDEATHSIG, 9)


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
