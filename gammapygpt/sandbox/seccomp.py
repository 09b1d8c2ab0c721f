"""The system calls that a script may not make, as a BPF program for the kernel; assembled here, no library needed."""

from __future__ import annotations

import errno
import platform
import struct
from typing import NamedTuple

from gammapygpt.errors import InfrastructureError

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
ARGUMENT_0, ARGUMENT_1 = 16, 24
"""Offsets of the arguments' low words in `struct seccomp_data`."""

AF_UNIX, SOCK_DGRAM, SOCK_TYPE_MASK = 1, 2, 0xF
CLONE_NEW_ANY = 0x7E020000
"""Every namespace flag but CLONE_NEWTIME, whose bit means something else in clone()."""
TIOCSTI, TIOCLINUX = 0x5412, 0x541C

X32 = 0x40000000
"""First number of the x32 calls, a second door to the same kernel."""


class Machine(NamedTuple):
    audit: int
    calls: dict[str, int]


_COMMON = {  # the same numbers on every machine since Linux 5.0
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "clone3": 435, "pidfd_getfd": 438,
    "mount_setattr": 442, "quotactl_fd": 443, "memfd_secret": 447, "open_tree_attr": 467,
}  # fmt: skip

MACHINES = {
    "x86_64": Machine(0xC000003E, {
        "ioctl": 16, "socket": 41, "socketpair": 53, "clone": 56, "ptrace": 101, "syslog": 103, "mknod": 133,
        "uselib": 134, "personality": 135, "vhangup": 153, "modify_ldt": 154, "pivot_root": 155, "_sysctl": 156,
        "acct": 163, "chroot": 161, "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168,
        "reboot": 169, "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173, "init_module": 175,
        "delete_module": 176, "quotactl": 179, "lookup_dcookie": 212, "clock_settime": 227, "kexec_load": 246,
        "add_key": 248, "request_key": 249, "keyctl": 250, "mknodat": 259, "unshare": 272, "perf_event_open": 298,
        "fanotify_init": 300, "name_to_handle_at": 303, "open_by_handle_at": 304, "clock_adjtime": 305, "setns": 308,
        "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "finit_module": 313, "kexec_file_load": 320,
        "bpf": 321, "userfaultfd": 323, **_COMMON,
    }),
    "aarch64": Machine(0xC00000B7, {
        "lookup_dcookie": 18, "ioctl": 29, "mknodat": 33, "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51,
        "vhangup": 58, "quotactl": 60, "acct": 89, "personality": 92, "unshare": 97, "kexec_load": 104,
        "init_module": 105, "delete_module": 106, "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142,
        "sethostname": 161, "setdomainname": 162, "settimeofday": 170, "socket": 198, "socketpair": 199,
        "add_key": 217, "request_key": 218, "keyctl": 219, "clone": 220, "swapon": 224, "swapoff": 225,
        "perf_event_open": 241, "fanotify_init": 262, "name_to_handle_at": 264, "open_by_handle_at": 265,
        "clock_adjtime": 266, "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
        "finit_module": 273, "bpf": 280, "userfaultfd": 282, "kexec_file_load": 294, **_COMMON,
    }),
}  # fmt: skip
"""Numbers from the kernel's own tables: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h."""

_WITH_CONDITIONS = frozenset({"socket", "socketpair", "clone", "clone3", "ioctl"})

Instruction = tuple[int, int, int, int]


def _refuse(number: int) -> Instruction:
    return (RETURN, 0, 0, ERRNO | number)


def _when(call: int, body: list[Instruction]) -> list[Instruction]:
    """The body for one call; every path through it returns."""
    return [(JUMP_EQUAL, 0, len(body), call), *body]


def _socket_rules(calls: dict[str, int], unix_sockets: bool) -> list[Instruction]:
    """Only AF_UNIX, which leads nowhere without a network namespace of others; or no socket at all.

    Where paths of the host can be reached (no mount namespace), a socket could reach a daemon of the host: then only
    connected pairs are left, and no datagram pair, as that could be sent to any address.
    """
    if unix_sockets:
        only_unix = [
            (LOAD, 0, 0, ARGUMENT_0),
            (JUMP_EQUAL, 1, 0, AF_UNIX),
            _refuse(errno.EACCES),
            (RETURN, 0, 0, ALLOW),
        ]
        return _when(calls["socket"], only_unix)
    no_datagrams = [
        (LOAD, 0, 0, ARGUMENT_1),
        (0x54, 0, 0, SOCK_TYPE_MASK),  # AND
        (JUMP_EQUAL, 0, 1, SOCK_DGRAM),
        _refuse(errno.EACCES),
        (RETURN, 0, 0, ALLOW),
    ]
    return _when(calls["socket"], [_refuse(errno.EACCES)]) + _when(calls["socketpair"], no_datagrams)


def seccomp_filter(machine: str = "", unix_sockets: bool = True) -> bytes:
    """The filter as the kernel wants it: 8 bytes an instruction.

    Forbids (EPERM, EACCES, ENOSYS) all sockets but AF_UNIX, ptrace and its relatives, keyrings, mounts, io_uring, bpf,
    perf, new namespaces, modules, the clock and typing into a terminal; kills at a call of another architecture.

    Parameters
    ----------
    machine : str
        `x86_64` or `aarch64`; empty for this one.
    unix_sockets : bool
        False forbids `socket` altogether.

    Raises
    ------
    InfrastructureError
        There is no table of system calls for this machine.
    """
    machine = machine or platform.machine()
    if machine not in MACHINES:
        raise InfrastructureError(
            f"The sandbox knows the system calls of {' and '.join(MACHINES)}, not of {machine}.",
            "Run gammapygpt on one of these machines.",
        )
    audit, calls = MACHINES[machine]
    program: list[Instruction] = [
        (LOAD, 0, 0, 4),
        (JUMP_EQUAL, 1, 0, audit),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0),
    ]
    if machine == "x86_64":
        program += [(JUMP_AT_LEAST, 0, 1, X32), (RETURN, 0, 0, KILL)]
    for name, call in calls.items():
        if name not in _WITH_CONDITIONS:
            program += _when(call, [_refuse(errno.EPERM)])
    # ENOSYS makes libc fall back to clone(), whose flags can be looked at
    program += _when(calls["clone3"], [_refuse(errno.ENOSYS)])
    program += _socket_rules(calls, unix_sockets)
    no_namespaces = [
        (LOAD, 0, 0, ARGUMENT_0),
        (JUMP_SET, 0, 1, CLONE_NEW_ANY),
        _refuse(errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    program += _when(calls["clone"], no_namespaces)
    no_typing = [
        (LOAD, 0, 0, ARGUMENT_1),
        (JUMP_EQUAL, 1, 0, TIOCSTI),
        (JUMP_EQUAL, 0, 1, TIOCLINUX),
        _refuse(errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    program += _when(calls["ioctl"], no_typing)
    program.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
