import os
import platform
import resource
import subprocess
import sys

import pytest

# Threads that allocate at once get arenas of their own; malloc_info lists them all.
PROGRAM = """
import ctypes, os, sys, tempfile, threading
from molt.app.process import give_memory_back

assert sys.argv[1] == "free" or give_memory_back()
gate = threading.Barrier(8)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.fopen.restype = ctypes.c_void_p

def allocate():
    gate.wait()
    for size in range(1000, 60000, 500):
        libc.free(ctypes.c_void_p(libc.malloc(size)))
    gate.wait()

threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.NamedTemporaryFile() as file:
    stream = ctypes.c_void_p(libc.fopen(file.name.encode(), b"w"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(open(file.name).read().count("<heap"))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no arenas")
def test_threads_share_two_arenas() -> None:
    def arenas(how: str) -> int:
        command = [sys.executable, "-c", PROGRAM, how]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert arenas("limited") <= 2
    assert arenas("free") > 2


LARGE = """
import ctypes, sys
from molt.app.process import give_memory_back

assert sys.argv[1] == "free" or give_memory_back()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p

def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def large():
    block = libc.malloc(1_000_000)
    ctypes.memset(block, 1, 1_000_000)
    return block

libc.free(ctypes.c_void_p(large()))
before = rss()
blocks = [(large(), libc.malloc(1_000)) for _ in range(100)]
for block, _ in blocks:
    libc.free(ctypes.c_void_p(block))
print(rss() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library does otherwise")
def test_what_was_large_is_given_back_though_something_small_came_after_it() -> None:
    def kept(how: str) -> int:
        command = [sys.executable, "-c", LARGE, how]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert kept("back") < 5_000_000
    assert kept("free") > 50_000_000


WAITING = """
import sys, threading, time
from molt.app.process import favour_short_work

if sys.argv[1] == "set":
    favour_short_work()
over = time.monotonic() + 1.0

def compute():
    while time.monotonic() < over:
        pass

threads = [threading.Thread(target=compute)]
threads[0].start()
longest = []
while time.monotonic() < over:
    began = time.perf_counter()
    time.sleep(0.0001)
    longest.append(time.perf_counter() - began)
print(sorted(longest)[len(longest) // 2])
"""


def test_a_thread_that_computes_is_interrupted_soon() -> None:
    def median_wait(how: str) -> float:
        command = [sys.executable, "-c", WAITING, how]
        return float(subprocess.run(command, capture_output=True, check=True).stdout)

    assert median_wait("set") < median_wait("free")


FILES = """
import resource
from molt.app.process import raise_file_limit

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
print(raise_file_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(("hard", "reached"), [(300, 300), (5_000, 5_000), (70_000, 65_536)])
def test_a_server_may_open_as_many_files_as_the_system_lets_it(hard: int, reached: int) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < hard:
        pytest.skip(f"this system lets nobody open {hard} files")
    shell = f"ulimit -Sn 256 && ulimit -Hn {hard} && exec {sys.executable} -c '{FILES}'"
    done = subprocess.run(["bash", "-c", shell], check=True, capture_output=True, text=True)
    assert done.stdout.split() == [str(reached)] * 2


STARTING = """
import gc
from molt.app.process import favour_short_work, favour_start

favour_start()
meanwhile = gc.isenabled()
favour_short_work()
print(meanwhile, gc.isenabled())
"""


def test_garbage_is_looked_for_as_soon_as_a_start_has_ended() -> None:
    done = subprocess.run([sys.executable, "-c", STARTING], capture_output=True, check=True)
    assert done.stdout == b"False True\n"


MULTIPLYING = """
import os, sys
from molt.app.process import multiply_alone

if sys.argv[1] == "alone":
    multiply_alone()
import numpy
numbers = numpy.ones((1000, 1000), numpy.float32)
numbers @ numbers
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or (os.cpu_count() or 1) < 2,
    reason="threads are counted by Linux, where there are several cores",
)
def test_a_thread_that_multiplies_matrices_does_so_alone() -> None:
    def threads(how: str) -> int:
        command = [sys.executable, "-c", MULTIPLYING, how]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    assert threads("alone") == 1
    assert threads("free") > 1


def test_a_server_can_still_say_how_matrices_are_multiplied_when_it_is_told_to_serve() -> None:
    command = [sys.executable, "-c", "import sys, molt.app.server; print('numpy' in sys.modules)"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"False\n"
