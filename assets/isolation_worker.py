"""The child's side of `assets.isolation`: fence the process in, then run job after job.

Belongs here: what happens inside the child, from its first line to its last. It is run as a script, before
anything of ours is importable, and imports little: a child must be up in milliseconds, so only the function's
own module decides how heavy it gets. Does not belong here: deadlines and blame
(`assets.isolation_child`), replacement (`assets.isolation`), or any reading of files.

The order in `main` matters. The network goes first, because a process may leave it only while it has a single
thread and importing numpy starts several. The function's module is imported next, while files may still be
opened freely and compiled modules cached. Then the fence closes, and only then is a job looked at.

A child that may write files may do so in one folder, its own, known before the fence closes: make, write, read, rename
and remove plain files there, no links, no folders.

The fence has two layers. The kernel's (namespace, Landlock, resource limits) holds against C code that has
been taken over. Python's (an audit hook) says the same with a clear message, and is all there is where the
kernel forbids the first. The hook cannot be removed again, but machine code walks around it.
"""

import ctypes
import errno
import importlib
import json
import os
import pickle
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any

HEADER = struct.Struct(">Q")
LONGEST_MESSAGE = 2_000

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT, _LANDLOCK_VERSION = 444, 445, 446, 1
_LANDLOCK_BENEATH = 1
# Execute, write, remove and make (all kinds); version 2 adds moving between folders, version 3 truncating.
_LANDLOCK_RIGHTS = (0b1_1111_1111_0011, 1 << 13, 1 << 14)
# Inside the folder: write, remove files, make plain files; and truncating, where the kernel asks.
_LANDLOCK_INSIDE = (1 << 1 | 1 << 5 | 1 << 8, 0, 1 << 14)
_STARTING = {
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
}
_INSIDE = {"os.remove": 1, "os.rename": 2}  # and how many of their arguments are paths
_CHANGING = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main() -> None:
    """Take the setup and then jobs from stdin, answer on what was stdout, until the parent hangs up."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)  # a reader that prints must not be able to write an answer
    setup = _receive(incoming)
    if setup is None:
        return
    network = _leave_network() if setup["namespace"] else "python"
    _die_with(setup["parent"])
    sys.path[:] = setup["path"]
    try:
        module, _, name = setup["function"].partition(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except BaseException as bad:  # the parent reports it; there is nobody else to tell
        _send(outgoing, {"kind": "broken", "message": _describe(bad)})
        return
    sys.dont_write_bytecode = True
    limits = setup["limits"]
    start = _address_space()
    limits["worn"] = start + limits["memory"] // 2  # leaks of many jobs must not make one of them fail
    limits["ceiling"] = start + 2 * limits["memory"]
    folder = setup["folder"]
    _fence(limits["ceiling"], folder, limits["folder"] if folder else 0)
    _send(outgoing, {"kind": "ready", "network": network})
    while (job := _receive(incoming)) is not None:
        _renew(limits)
        args, writes = job
        _send_raw(outgoing, _answer(function, args, {"folder": folder} if writes else {}, limits))


def _answer(
    function: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any], limits: dict[str, Any]
) -> bytes:
    """The answer to one job, encoded; whatever the function raises becomes an answer as well."""
    try:
        value = function(*args, **named)
        answer = {"kind": "value", "value": value}
        del value
        raw = _encode(answer)
        answer.clear()  # or it would count against the next job
        if _address_space() > limits["worn"]:
            raw = raw[:-1] + b',"worn":true}'
    except MemoryError:
        return _encode({"kind": "memory"})
    except BaseException as bad:  # SystemExit too, and a panic of Rust code, which is no Exception
        try:
            raw = _encode(_refusal(bad))
        except MemoryError:
            return _encode({"kind": "memory"})
    return raw if len(raw) <= limits["output"] else _encode({"kind": "large"})


def _refusal(bad: BaseException) -> dict[str, Any]:
    # A function that raises ProblemsError has imported it; a child that is out of file handles cannot import.
    ours = sys.modules.get("schemas.problems")
    if ours is not None and isinstance(bad, ours.ProblemsError):
        return {"kind": "problems", "problems": [problem.as_row() for problem in bad.problems]}
    message = _describe(bad)
    number = bad.errno if isinstance(bad, OSError) else None
    # Machine code says the same in words only.
    if number == errno.EFBIG or os.strerror(errno.EFBIG) in message:
        return {"kind": "files"}
    if number == errno.ENOSPC or os.strerror(errno.ENOSPC) in message:
        return {"kind": "full"}
    return {"kind": "error", "message": message}


def _describe(bad: BaseException) -> str:
    try:
        text = str(bad).encode("utf-8", "replace").decode("utf-8")
    except Exception:
        text = ""
    return (f"{type(bad).__name__}: {text}" if text else type(bad).__name__)[:LONGEST_MESSAGE]


def _encode(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _receive(pipe: int) -> Any:
    """The next message of the parent, or None when it has closed the pipe.

    Unpickling is safe in this direction only: the parent is our own code and never saw the inside of a file.
    """
    header = _read(pipe, HEADER.size)
    return pickle.loads(_read(pipe, HEADER.unpack(header)[0])) if header else None  # noqa: S301


def _read(pipe: int, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(pipe, min(size - len(parts), 1 << 20))
        if not part:
            return b""
        parts += part
    return bytes(parts)


def _send(pipe: int, answer: dict[str, Any]) -> None:
    _send_raw(pipe, _encode(answer))


def _send_raw(pipe: int, raw: bytes) -> None:
    for part in (HEADER.pack(len(raw)), raw):
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(pipe, rest) :]


def _leave_network() -> str:
    """Move into a network of our own with no way out; 'python' where the kernel or a container forbids it."""
    try:
        done = ctypes.CDLL(None).unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    except (OSError, AttributeError):
        return "python"
    return "namespace" if done else "python"


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it is gone, `kill -9` included."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def _fence(ceiling: int, folder: str | None, largest: int) -> None:
    """No writing but in `folder`, no new programs, no core file, few open files; for good."""
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, largest),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_AS, ceiling),
    ):
        most = _at_most(kind, most)
        resource.setrlimit(kind, (most, most))
    _forbid_writing(folder)
    sys.addaudithook(_auditor(folder))


def _forbid_writing(folder: str | None) -> None:
    """Landlock, where the kernel has it: a file-size limit alone lets files be emptied, moved and removed."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    if version < 1:
        return
    rights = ctypes.c_uint64(sum(_LANDLOCK_RIGHTS[:version]))
    rules = libc.syscall(_LANDLOCK_CREATE, ctypes.byref(rights), ctypes.c_size_t(8), 0)
    if rules >= 0:
        if folder is not None:
            inside = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            rule = struct.pack("=Qi", sum(_LANDLOCK_INSIDE[:version]), inside)
            libc.syscall(_LANDLOCK_ADD, rules, _LANDLOCK_BENEATH, rule, 0)
            os.close(inside)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.syscall(_LANDLOCK_RESTRICT, rules, 0)
        os.close(rules)


def _auditor(folder: str | None) -> Callable[[str, tuple[Any, ...]], None]:
    def is_inside(path: Any) -> bool:
        if folder is None or not isinstance(path, str):
            return False
        return os.path.dirname(os.path.abspath(path)) == folder  # noqa: PTH100, PTH120

    def audit(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            flags = args[2]
            if isinstance(flags, int) and flags & _WRITING and not is_inside(args[0]):
                raise PermissionError("a reader may not write files")
        elif event.startswith("socket."):
            raise PermissionError("a reader may not use the network")
        elif event in _STARTING:
            raise PermissionError("a reader may not start processes")
        elif event in _CHANGING and not (event in _INSIDE and all(map(is_inside, args[: _INSIDE[event]]))):
            raise PermissionError("a reader may not change files")

    return audit


def _renew(limits: dict[str, Any]) -> None:
    """Each job gets the full memory and time: limits of a process otherwise add up over all its jobs."""
    _set_soft(resource.RLIMIT_AS, _address_space() + limits["memory"])
    spent = resource.getrusage(resource.RUSAGE_SELF)
    # The parent's clock strikes first; this one is for when it does not look. Threads may use every core.
    seconds = spent.ru_utime + spent.ru_stime + (limits["seconds"] + 1) * (os.cpu_count() or 1)
    _set_soft(resource.RLIMIT_CPU, int(seconds) + 1)


def _set_soft(kind: int, most: int) -> None:
    resource.setrlimit(kind, (_at_most(kind, most), resource.getrlimit(kind)[1]))


def _at_most(kind: int, most: int) -> int:
    """`most`, or less where this process may not have as much."""
    hard = resource.getrlimit(kind)[1]
    return most if hard == resource.RLIM_INFINITY else min(most, hard)


def _address_space() -> int:
    """Bytes of address space in use; 0 where /proc is not there."""
    try:
        raw = os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        return 0
    try:
        return int(os.read(raw, 64).split()[0]) * resource.getpagesize()
    finally:
        os.close(raw)


if __name__ == "__main__":
    main()
