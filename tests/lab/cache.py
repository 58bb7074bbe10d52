# SPDX-License-Identifier: LGPL-2.1-or-later
"""Steps cached by the hash of their inputs.

An entry is a directory NAME-HASH. It is built as NAME-HASH.partial.PID and renamed when
complete, so what exists under its own name is whole. A shared lock is held on every entry
that this process uses and an exclusive one while it is built or removed; locks vanish with
the process, so nothing has to be cleaned up after a crash.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator

from .errors import LabError
from .progress import say

KEEP_SECONDS = 7 * 24 * 3600
HASH_LENGTH = 16
_ENTRY = re.compile(r"^(?P<name>.+)-[0-9a-f]{%d}$" % HASH_LENGTH)
_PARTIAL = re.compile(r"^(?P<entry>.+)\.partial\.(?P<pid>[0-9]+)$")


def default_root() -> Path:
    """Where everything is kept: ${XDG_CACHE_HOME:-~/.cache}/cxlmem-lab."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "cxlmem-lab"


def digest(inputs: Any) -> str:
    """Hash of anything JSON can hold; the order of dictionary keys does not matter."""
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]


def file_digest(path: Path) -> str:
    """Hash of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tree_digest(top: Path) -> str:
    """Hash of names, modes and contents of all files below `top`."""
    state = hashlib.sha256()
    for path in sorted(top.rglob("*")):
        info = path.lstat()
        if stat.S_ISDIR(info.st_mode):
            continue
        state.update(str(path.relative_to(top)).encode() + b"\0")
        if stat.S_ISLNK(info.st_mode):
            state.update(b"link\0" + os.readlink(path).encode())
        else:
            state.update(oct(info.st_mode & 0o111).encode() + b"\0" + path.read_bytes())
        state.update(b"\0")
    return state.hexdigest()


def remove_tree(path: Path) -> None:
    """Remove a tree, but never what is mounted below it (that could be the host's /dev)."""
    below = f"{path.resolve()}/"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        points = [line.split()[4] for line in mounts]
    mounted = [point for point in points if point.startswith(below)]
    if mounted:
        raise LabError(f"{mounted[0]} is still mounted: `umount -R` it, then run this again")
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


class Cache:
    """The cache directory and the locks this process holds in it."""

    def __init__(self, root: Path | None = None):
        self.root = root or default_root()
        self._held: dict[str, int] = {}
        self._mutex = threading.Lock()
        self._steps: dict[str, threading.Lock] = {}
        try:
            (self.root / "locks").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LabError(f"cannot write to {self.root} ({error.strerror}): "
                           "set XDG_CACHE_HOME to a directory with room") from error

    def step(self, name: str, inputs: Any, build: Callable[[Path], None],
             need_mib: int = 0) -> Path:
        """Return the entry `name` for `inputs`, building it with `build(directory)` if needed.

        `build` fills the empty directory it is given; when it raises, nothing is kept.
        `need_mib` is checked against the free space before a build.
        """
        entry = f"{name}-{digest(inputs)}"
        with self._mutex:
            mutex = self._steps.setdefault(entry, threading.Lock())
        with mutex:
            path = self.root / entry
            if entry in self._held:
                return path
            lock = self._open_lock(entry)
            try:
                fcntl.flock(lock, fcntl.LOCK_SH)
                if not path.exists():
                    self._lock_exclusive(lock, name)
                    if not path.exists():
                        self._build(path, build, need_mib)
                    fcntl.flock(lock, fcntl.LOCK_SH)
                self._stamp(entry)
            except BaseException:
                os.close(lock)
                raise
            self._held[entry] = lock
            return path

    def has(self, name: str, inputs: Any) -> bool:
        """Whether the entry is there already, so that a caller can tell what will be slow."""
        return (self.root / f"{name}-{digest(inputs)}").exists()

    def area(self, name: str) -> Path:
        """A directory that is kept but not hashed (build trees, results)."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def close(self) -> None:
        """Let go of all entries; another lab's `clean` may remove them from now on."""
        with self._mutex:
            for lock in self._held.values():
                os.close(lock)
            self._held.clear()

    def exclusive(self, name: str) -> "Exclusive":
        """Context manager: only one lab at a time does `name`."""
        return Exclusive(self.root / "locks" / name, name)

    def need_space(self, mib: int, what: str) -> None:
        """Raise when less than `mib` MiB are free where the cache lives."""
        free = shutil.disk_usage(self.root).free >> 20
        if free < mib:
            raise LabError(f"{what} needs {mib} MiB under {self.root} and {free} MiB are free: "
                           "make room, run ./lab clean, or set XDG_CACHE_HOME")

    def entries(self) -> Iterator[Path]:
        """All complete entries."""
        for path in sorted(self.root.iterdir()):
            if path.is_dir() and _ENTRY.match(path.name):
                yield path

    def clean(self, everything: bool = False, prefix: str = "",
              keep: float = KEEP_SECONDS) -> list[str]:
        """Remove left-overs and entries unused for `keep` seconds (all when `everything`).

        Only what begins with `prefix` is looked at. What another lab uses at this moment
        stays. Returns the names that were removed.
        """
        removed = []
        for path in sorted(self.root.iterdir()):
            partial = _PARTIAL.match(path.name)
            entry = partial["entry"] if partial else path.name
            if path.name == "locks" or not path.name.startswith(prefix):
                continue
            if not partial and _ENTRY.match(path.name):
                if not everything and time.time() - self._last_use(entry) < keep:
                    continue
            elif not partial and not everything:
                continue
            lock = self._open_lock(entry)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                gone = self.root / f"{entry}.partial.{os.getpid()}"
                if path != gone:
                    os.rename(path, gone)
                remove_tree(gone)
                removed.append(path.name)
            except BlockingIOError:
                if not prefix:
                    say(f"{path.name} is in use by another lab: kept")
            finally:
                os.close(lock)
        return removed

    def _open_lock(self, entry: str) -> int:
        return os.open(self.root / "locks" / entry, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @staticmethod
    def _lock_exclusive(lock: int, name: str) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another lab is making {name}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)

    def _build(self, path: Path, build: Callable[[Path], None], need_mib: int) -> None:
        for old in self.root.glob(f"{path.name}.partial.*"):
            remove_tree(old)  # the lock is ours, so its maker is gone
        if need_mib:
            self.need_space(need_mib, path.name.rsplit("-", 1)[0])
        partial = self.root / f"{path.name}.partial.{os.getpid()}"
        partial.mkdir()
        try:
            build(partial)
            os.rename(partial, path)
        except BaseException:
            remove_tree(partial)
            raise

    def _stamp(self, entry: str) -> None:
        os.utime(self.root / "locks" / entry)

    def _last_use(self, entry: str) -> float:
        try:
            return (self.root / "locks" / entry).stat().st_mtime
        except FileNotFoundError:
            return 0.0


class Exclusive:
    """An exclusive lock on a file for the length of a `with` block."""

    def __init__(self, path: Path, what: str):
        self.path = path
        self.what = what
        self._fd = -1

    def __enter__(self) -> "Exclusive":
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another lab is busy with {self.what}: waiting for it")
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_) -> None:
        os.close(self._fd)
