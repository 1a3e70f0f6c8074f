"""What the children of `test_isolation` run: one function for each way in which a reader goes wrong."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path


def double(number):
    return number * 2


def answer(kind, *args):
    """One entry for all, so that one pool can be given good and bad jobs."""
    return globals()[kind](*args)


def pid():
    return os.getpid()


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def hang():
    while True:
        time.sleep(60)


def spin():
    while True:
        pass


def allocate():
    hoard = []
    while True:
        hoard.append(bytearray(1 << 24))


def allocate_in_c():
    """As a Rust or C++ library does it: no exception, a line on stderr, SIGABRT."""
    os.write(2, b"memory allocation of 412316860416 bytes failed\n")
    os.abort()


def hold(count):
    return len(bytearray(count))


LEAK = []


def leak(count):
    LEAK.append(bytearray(count))
    return os.getpid()


def abort():
    os.abort()


def segfault():
    ctypes.string_at(0)


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def over_cpu():
    os.kill(os.getpid(), signal.SIGXCPU)


def leave(code):
    os._exit(code)


def mutter_and_leave():
    os.write(2, b"x" * 200_000 + b"\nreadstat: bad row\n\n")
    os._exit(3)


def die_later():
    """Answers, and dies of it only afterwards."""
    threading.Timer(0.05, os._exit, (1,)).start()
    return "done"


def print_garbage():
    print("\x00\xff garbage " * 1000, flush=True)
    os.write(1, b"\xff" * 100_000)
    sys.__stdout__.write("more\n")
    return "still here"


def read_stdin():
    return sys.stdin.read()


def huge(count):
    return "x" * count


def lie(raw):
    """A child that was taken over writes what it likes into the pipe of answers: the highest-numbered one."""
    for number in range(3, 64):
        try:
            target = str(Path(f"/proc/self/fd/{number}").readlink())
        except OSError:
            continue
        if target.startswith("pipe:"):
            try:
                os.write(number, raw)
            except OSError:
                continue
    time.sleep(60)


def problems():
    from schemas.problems import Problem, ProblemsError

    raise ProblemsError(
        [
            Problem("toplines", "a/toplines.csv", "a wrong word", row=4, column="base", value="al", nearest="all"),
            Problem("encoding", "a/toplines.csv", "a wrong byte", severity="warning"),
        ]
    )


def no_problems():
    from schemas.problems import ProblemsError

    raise ProblemsError([])


def raise_value_error(text):
    raise ValueError(text)


def raise_nameless():
    class UnprintableError(Exception):
        def __str__(self):
            raise RuntimeError

    raise UnprintableError


def leave_politely():
    raise SystemExit(0)


def recurse():
    return recurse()


def not_plain():
    return {1, 2}


def lone_surrogate():
    return "\ud800"


def connect(port):
    with socket.socket() as phone:
        phone.connect(("127.0.0.1", port))
    return "connected"


def connect_in_c(port):
    """As machine code does it, past Python's audit hook."""
    libc = ctypes.CDLL(None, use_errno=True)
    phone = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    address = socket.AF_INET.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
    return "connected" if libc.connect(phone, address, len(address)) == 0 else os.strerror(ctypes.get_errno())


def write(path):
    Path(path).write_text("written")


def write_in_c(path):
    libc = ctypes.CDLL(None, use_errno=True)
    number = libc.open(os.fsencode(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    if number < 0:
        return os.strerror(ctypes.get_errno())
    return "written" if libc.write(number, b"x", 1) == 1 else os.strerror(ctypes.get_errno())


def remove(path):
    Path(path).unlink()


def start_program():
    return subprocess.run(["/bin/true"]).returncode


def open_many():
    files = []
    while True:
        files.append(Path(os.devnull).open())  # noqa: SIM115


def core_limit():
    import resource

    return [resource.getrlimit(resource.RLIMIT_CORE)[1], resource.getrlimit(resource.RLIMIT_FSIZE)[1]]


def modules():
    return sorted({"pandas", "numpy", "duckdb", "dagster", "pydantic", "socketserver"} & set(sys.modules))


def environment():
    return dict(os.environ)


def count(text):
    return len(text)


def answer_and_mutter():
    """An answer, and more in the same breath: whoever gets this child next must not be handed the rest."""
    raw = b'{"kind":"value","value":"forged"}'
    lie(len(raw).to_bytes(8, "big") + raw + b"rest")
