# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything a guest is made from, each made when it is first asked for."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from . import accel, chroot, disk, guestfiles, kernels, roots, rundir
from .apt import Apt, find_mirror, host_sources
from .cache import Cache, remove_tree
from .errors import LabError
from .package import Packages
from .project import Project, checkout
from .qemu import Spawner

# What a guest's Debian can be: with all that the project and its tests need, with Cockpit too, or
# without anything.
PLAIN = "plain"
IMAGES = {"full": roots.guest_image, "cockpit": roots.cockpit_image, PLAIN: roots.plain_image}


class Assets:
    """The cached steps, in the order they need each other. Close it when done."""

    def __init__(self, cache: Cache | None = None):
        chroot.check_host()
        self.cache = cache or Cache()
        self.spawner = Spawner()
        rundir.remove_stale()
        self._scratch = rundir.make()
        self.apt = Apt(self._scratch, find_mirror(host_sources()), roots.SUITES)
        self._project: Project | None = None
        self._packages: Packages | None = None
        self._mutex = threading.Lock()

    def __enter__(self) -> "Assets":
        return self

    def __exit__(self, *_) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)
        self.cache.close()

    def tools(self) -> Path:
        """The root with QEMU and the compiler."""
        return roots.tools_root(self.cache, self.apt)

    def image(self, name: str) -> Path:
        """A guest's Debian by its name in IMAGES."""
        if name not in IMAGES:
            raise LabError(f"there is no image {name!r}: choose one of {', '.join(IMAGES)}")
        return IMAGES[name](self.cache, self.apt, self.tools())

    def browser(self) -> Path:
        """The root with a browser."""
        return roots.browser_root(self.cache, self.apt)

    def kernel(self, name: str) -> kernels.Kernel:
        """A kernel with its modules and initramfs."""
        return kernels.get(self.cache, self.apt, self.tools(), name)

    def disk(self) -> Path:
        """An empty disk to copy for a guest."""
        return disk.template(self.cache, self.tools())

    @property
    def project(self) -> Project:
        """The project of this checkout."""
        if self._project is None:
            self._project = Project(self.cache, self.tools(), checkout())
        return self._project

    @property
    def packages(self) -> Packages:
        """The packages of this checkout."""
        with self._mutex:
            if self._packages is None:
                self._packages = Packages(self)
            return self._packages

    def lab_layer(self) -> Path:
        """The lab's own files alone, for a guest without the project."""
        tools = self.tools()

        def make(entry: Path) -> None:
            root = entry / "root"
            root.mkdir()
            guestfiles.install(tools, root)
            roots.squash(tools, root, entry / "layer.squashfs")
            remove_tree(root)

        inputs = [tools.parent.name, guestfiles.inputs()]
        return self.cache.step("bare", inputs, make) / "layer.squashfs"

    def accel(self) -> str:
        """The accelerator to use: tcg, unless a guest was seen to boot with kvm."""
        return accel.choose(self)
