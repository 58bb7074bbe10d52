# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's own mirror and keyrings, as sources for the lab's suites.

Reads one-line and deb822 sources, takes the Debian archive (and the security archive) from
them and writes one-line sources for trixie and its companions. A private apt state asks the
mirror which versions there are and downloads packages without touching the host's own state;
the host's proxy settings apply, because the host's apt configuration is read as usual.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Iterator

from .errors import LabError
from .progress import Progress

RELEASE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
CODENAMES = ("bullseye", "bookworm", "trixie", "forky", "duke", "sid",
             "oldstable", "stable", "testing", "unstable")


@dataclass(frozen=True)
class Source:
    """One archive as the host's apt knows it."""
    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()

    @property
    def signed_by(self) -> str | None:
        """Path of the keyring named by the source; embedded keys are not used."""
        value = dict(self.options).get("signed-by", "").strip()
        return value if value.startswith("/") else None


@dataclass(frozen=True)
class Mirror:
    """Where the lab's packages come from."""
    archive: str
    security: str | None
    keyring: str
    options: dict[str, str] = field(default_factory=dict, hash=False)

    def lines(self, suites: Iterable[str]) -> list[str]:
        """One-line sources for the suites (`trixie-security` lives in its own archive)."""
        options = dict(self.options, **{"signed-by": self.keyring})
        text = " ".join(f"{key}={value}" for key, value in sorted(options.items()))
        result = []
        for suite in suites:
            uri = self.security if suite.endswith("-security") else self.archive
            if uri:
                result.append(f"deb [{text}] {uri} {suite} main")
        return result


def parse_one_line(text: str) -> Iterator[Source]:
    """Sources of a *.list file; comments, deb-src and lines that make no sense are skipped."""
    for line in text.splitlines():
        line = line.split("#", 1)[0].strip()
        match = re.match(r"^deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)((?:\s+\S+)*)$", line)
        if not match:
            continue
        options = []
        for item in (match[1] or "").split():
            key, _, value = item.partition("=")
            options.append((key.lower(), value))
        yield Source(match[2].rstrip("/"), (match[3],), tuple(match[4].split()), tuple(options))


def parse_deb822(text: str) -> Iterator[Source]:
    """Sources of a *.sources file; disabled stanzas and sources of source are skipped."""
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace() and key:
                fields[key] += " " + line.strip()
            elif ":" in line:
                name, _, value = line.partition(":")
                key = name.strip().lower()
                fields[key] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false", "off", "0"):
            continue
        if "deb" not in fields.get("types", "").split() or not fields.get("uris"):
            continue
        known = ("types", "uris", "suites", "components", "enabled")
        options = tuple((name, value) for name, value in fields.items() if name not in known)
        for uri in fields["uris"].split():
            yield Source(uri.rstrip("/"), tuple(fields.get("suites", "").split()),
                         tuple(fields.get("components", "").split()), options)


def host_sources(etc: Path = Path("/etc/apt")) -> list[Source]:
    """All sources the host's apt reads."""
    result: list[Source] = []
    files = [etc / "sources.list"]
    parts = etc / "sources.list.d"
    if parts.is_dir():
        files += sorted(parts.iterdir())
    for path in files:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".list":
            result += parse_one_line(text)
        elif path.suffix == ".sources":
            result += parse_deb822(text)
    return result


def find_mirror(sources: Iterable[Source], keyring: str = KEYRING) -> Mirror:
    """Choose the Debian archive and the security archive among the host's sources."""
    archive: Source | None = None
    security: Source | None = None
    for source in sources:
        if "main" not in source.components:
            continue
        for suite in source.suites:
            base, _, rest = suite.partition("-")
            if base.split("/")[0] not in CODENAMES:
                continue
            if "security" in rest or suite.endswith("/updates"):
                security = security or source
            elif not rest:
                archive = archive or source
    if archive is None:
        raise LabError("the apt of this machine has no source of Debian's main archive: "
                       "add one to /etc/apt/sources.list.d")
    # A keyring that the host names for one old release does not hold the key of the next.
    own = archive.signed_by
    if not Path(keyring).exists() and own:
        keyring = own
    passed = {key: value for key, value in archive.options
              if key in ("trusted", "check-valid-until", "check-date")}
    return Mirror(archive.uri, security.uri if security else None, keyring, passed)


def host_tool(name: str, package: str) -> str:
    """Path of a program of the host; its package is installed when it is missing."""
    path = shutil.which(name)
    if path:
        return path
    with Progress(f"installing {package} on this machine"):
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        subprocess.run(["apt-get", "-qq", "update"], env=environment,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done = subprocess.run(
            ["apt-get", "-qq", "install", "-y", "--no-install-recommends", package],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    path = shutil.which(name)
    if not path:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise LabError(f"{name} is missing and `apt-get install {package}` failed ({reason}): "
                       f"install {package} by hand")
    return path


class Apt:
    """A private apt state in `directory` that knows the lab's suites."""

    def __init__(self, directory: Path, mirror: Mirror, suites: Iterable[str]):
        self.directory = directory
        self.mirror = mirror
        self.wanted = list(suites)

    def suites(self) -> list[str]:
        """The wanted suites that the mirror really has; the first one must be there."""
        present = self.directory / "suites"
        if present.exists():
            return present.read_text(encoding="utf-8").split()
        found = []
        with Progress("asking the package mirror"):
            for suite in self.wanted:
                reason = self._update([suite]) if self.mirror.lines([suite]) else "not there"
                if reason is None:
                    found.append(suite)
                elif suite == self.wanted[0]:
                    advice = "check `apt-get update`"
                    if "NO_PUBKEY" in reason:
                        advice = "its keys are too new, `apt-get install debian-archive-keyring`"
                    raise LabError(f"the mirror of this machine's apt has no usable {suite} "
                                   f"({reason}): {advice}")
            self._update(found)
        present.write_text(" ".join(found), encoding="utf-8")
        return found

    def lines(self) -> list[str]:
        """Sources for mmdebstrap."""
        return self.mirror.lines(self.suites())

    def candidates(self, package: str) -> list[tuple[str, dict[str, str]]]:
        """(version, fields) of every version of `package`, newest first."""
        self.suites()
        out = self._run(["apt-cache", "show", package], check=False)
        result = []
        for stanza in out.split("\n\n"):
            fields = {}
            for line in stanza.splitlines():
                key, colon, value = line.partition(": ")
                if colon and not key.startswith(" "):
                    fields[key] = value
            if "Version" in fields and fields.get("Package") == package:
                result.append((fields["Version"], fields))
        return result

    def download(self, packages: Iterable[str], directory: Path) -> list[Path]:
        """Download `name=version` packages into `directory`; returns the files."""
        self.suites()
        self._run(["apt-get", "-q", "download", *packages], cwd=directory)
        return sorted(directory.glob("*.deb"))

    def closure(self, deb: Path, status: Path, directory: Path) -> list[Path]:
        """Download what installing `deb` brings where `status` (dpkg's) is installed already.

        What it recommends counts, as apt has it by default.
        """
        self.suites()
        cache = directory / "cache"
        (cache / "archives/partial").mkdir(parents=True)
        # A copy, because apt locks what is beside it.
        shutil.copy(status, cache / "status")
        self._run(["apt-get", "-q", "-y", "--download-only",
                   "-o", f"Dir::State::status={cache / 'status'}",
                   "-o", f"Dir::Cache={cache}", "-o", "APT::Install-Recommends=true",
                   "install", str(deb)])
        files = [path.rename(directory / path.name) for path in cache.glob("archives/*.deb")]
        shutil.rmtree(cache)
        return sorted(files)

    def _options(self) -> list[str]:
        base = self.directory
        pairs = {
            "Dir::Etc::sourcelist": base / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State": base / "state",
            "Dir::State::status": base / "status",
            "Dir::Cache": base / "cache",
            "APT::Sandbox::User": "root",
            "APT::Architecture": "amd64",
            "APT::Architectures::": "amd64",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        return [part for key, value in pairs.items() for part in ("-o", f"{key}={value}")]

    def _update(self, suites: list[str]) -> str | None:
        """Fetch the indexes of the suites; returns the reason when that fails."""
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "status").touch()
        text = "\n".join(self.mirror.lines(suites)) + "\n"
        (self.directory / "sources.list").write_text(text, encoding="utf-8")
        done = subprocess.run(
            ["apt-get", *self._options(), "-o", "APT::Update::Post-Invoke-Success::=true",
             "-o", "APT::Update::Error-Mode=any", "-o", "APT::Get::List-Cleanup=false",
             "-q", "update"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode == 0:
            return None
        bad = [line for line in done.stderr.splitlines() if line[:2] in ("E:", "W:")]
        return bad[0][2:].strip() if bad else f"apt-get update ended with {done.returncode}"

    def _run(self, command: list[str], cwd: Path | None = None, check: bool = True) -> str:
        full = [command[0], *self._options(), *command[1:]]
        done = subprocess.run(full, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True)
        if check and done.returncode != 0:
            bad = [line for line in done.stderr.splitlines() if line.startswith("E:")]
            reason = bad[0][2:].strip() if bad else f"status {done.returncode}"
            raise LabError(f"`{' '.join(command)}` failed: {reason}")
        return done.stdout
