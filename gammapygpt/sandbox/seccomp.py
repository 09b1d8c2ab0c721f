"""The system calls that a script may not make, as a BPF program for the kernel; assembled here, no library needed."""

from __future__ import annotations

import errno
import platform
import struct

from gammapygpt.errors import InfrastructureError
from gammapygpt.sandbox.syscalls import MACHINES

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


_WITH_CONDITIONS = frozenset({"socket", "socketpair", "clone", "clone3", "ioctl", "fcntl", "prlimit64"})
_NEIGHBOURS = frozenset({
    "shmget", "shmat", "shmctl", "semget", "semop", "semctl", "semtimedop", "msgget", "msgctl", "msgrcv", "msgsnd",
    "mq_open", "mq_unlink", "setpriority", "ioprio_set", "sched_setaffinity", "sched_setparam", "sched_setscheduler",
    "sched_setattr", "migrate_pages", "move_pages", "process_madvise",
})  # fmt: skip
"""Reach other processes of the same user; refused where no namespace hides these."""
_MODES = frozenset({
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utime", "utimes", "futimesat",
    "utimensat", "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "setxattrat",
    "removexattrat", "file_setattr",
})  # fmt: skip
_SIGNALS = frozenset({"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"})
_SET_OWNER = (8, 10, 15)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX: have the kernel send a signal to anybody."""

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


def _neighbour_rules(calls: dict[str, int]) -> list[Instruction]:
    """Nothing that reaches a process of the same user by its number."""
    rules: list[Instruction] = []
    for name in sorted(_NEIGHBOURS & calls.keys()):
        rules += _when(calls[name], [_refuse(errno.EPERM)])
    only_oneself = [(LOAD, 0, 0, ARGUMENT_0), (JUMP_EQUAL, 1, 0, 0), _refuse(errno.EPERM), (RETURN, 0, 0, ALLOW)]
    rules += _when(calls["prlimit64"], only_oneself)
    no_owner: list[Instruction] = [(LOAD, 0, 0, ARGUMENT_1)]
    for command in _SET_OWNER:
        no_owner += [(JUMP_EQUAL, 0, 1, command), _refuse(errno.EPERM)]
    return rules + _when(calls["fcntl"], [*no_owner, (RETURN, 0, 0, ALLOW)])


def seccomp_filter(machine: str = "", unix_sockets: bool = True, modes: bool = True, signals: bool = True) -> bytes:
    """The filter as the kernel wants it: 8 bytes an instruction.

    Forbids (EPERM, EACCES, ENOSYS) all sockets but AF_UNIX, ptrace and its relatives, keyrings, mounts, io_uring, bpf,
    perf, new namespaces, modules, the clock and typing into a terminal; kills at a call of another architecture.

    Parameters
    ----------
    machine : str
        `x86_64` or `aarch64`; empty for this one.
    unix_sockets : bool
        False forbids `socket` altogether, and what else reaches processes of the same user: there are no namespaces.
    modes : bool
        False forbids to change the mode, owner, times and attributes of files, which Landlock does not look at.
    signals : bool
        False forbids all signals but those of the kernel.

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
        if name not in _WITH_CONDITIONS | _NEIGHBOURS | _MODES | _SIGNALS:
            program += _when(call, [_refuse(errno.EPERM)])
    if not unix_sockets:
        program += _neighbour_rules(calls)
    for group, allowed in ((_MODES, modes), (_SIGNALS, signals)):
        for name in group & calls.keys() if not allowed else ():
            program += _when(calls[name], [_refuse(errno.EPERM)])
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
