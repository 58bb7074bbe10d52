# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shells' completion, typed into real shells: completion.py SCRIPTS CXLMEMCTL"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPTS, PROGRAM = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
# Long enough for a slow machine; nothing waits for it when all is well.
PATIENCE_S = 60

PICTURE = {"cxlmem_capture": 1, "picture": {
    "ports": [{"port": "root0", "kind": "root", "depth": 0}],
    "memdevs": [{"memdev": "mem0", "serial": 4097, "host": "0000:0d:00.0", "ram_size": 1 << 29},
                {"memdev": "mem1", "serial": 4098, "host": "0000:df:00.0", "ram_size": 1 << 29}]}}


class Bash:
    """An interactive bash on a terminal of its own, with the completion loaded."""

    def __init__(self, directory: str) -> None:
        path = f"{PROGRAM.parent}:{os.environ['PATH']}"
        environment = {"PATH": path, "TERM": "dumb", "PS1": "", "HOME": directory, "LC_ALL": "C",
                       "INPUTRC": "/dev/null", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
        self.seen = ""
        self.type(f"stty -echo; . {SCRIPTS}/cxlmemctl.bash; bind 'set bell-style none'; "
                  "bind 'set completion-query-items 0'; echo LOA''DED\n")
        self.wait_for(r"LOADED\r?\n")

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def wait_for(self, pattern: str) -> re.Match[str]:
        while not (match := re.search(pattern, self.seen)):
            if not select.select([self.fd], [], [], PATIENCE_S)[0]:
                raise AssertionError(f"no {pattern!r} in {self.seen!r}")
            self.seen += os.read(self.fd, 65536).decode(errors="replace")
        self.seen = self.seen[match.end():]
        return match

    def complete(self, line: str) -> str:
        """What the line is when all completions of its last word are put into it (M-*)."""
        self.type(f"{line}\033*\001echo '<'; echo RE''SULT \005 ; echo '>'\n")
        return self.wait_for(r"RESULT ([^\r\n]*)\r?\n>\r?\n")[1].strip()

    def close(self) -> None:
        self.type("\025exit\n")
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def ask(*words: str) -> list[str]:
    text = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=True).stdout
    return text.splitlines()


class Completion(unittest.TestCase):
    """Bash for all words; zsh and fish at least read what they are to load."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = tempfile.TemporaryDirectory()
        Path(cls.directory.name, "machine.json").write_text(json.dumps(PICTURE), encoding="utf-8")
        cls.bash = Bash(cls.directory.name)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.bash.close()
        cls.directory.cleanup()

    def test_verbs(self) -> None:
        verbs = [line.split()[0] for line in ask("help") if re.match(r"  [a-z-]{2,} ", line)]
        self.assertIn("create", verbs)
        self.assertEqual(self.bash.complete("cxlmemctl ").split()[1:], sorted(verbs))

    def test_options_of_each_verb(self) -> None:
        verbs = [line.split()[0] for line in ask("help") if re.match(r"  [a-z-]{2,} ", line)]
        for verb in verbs:
            options = re.findall(r"^  .{4}(--[a-z-]+)", "\n".join(ask("help", verb)), re.M)
            self.assertIn("--json", options)
            self.assertEqual(self.bash.complete(f"cxlmemctl {verb} --").split()[2:],
                             sorted(options), verb)

    def test_what_bash_takes_apart(self) -> None:
        for line, end in (
                ("cxlmemctl create --zone=k", "--zone=kernel"),
                ("cxlmemctl create --zone m", "--zone movable"),
                ("cxlmemctl topol", "topology"),
                ("cxlmemctl --from machine.json plan create 0000:0", "create 0000:0d:00.0"),
                ("cxlmemctl --from machine.json plan create 0000:d", "create 0000:df:00.0"),
                ("cxlmemctl --from=machine.json plan create ", "plan create mem0 mem1"),
                ("cxlmemctl -f machine.json plan create mem1 ", "plan create mem1 mem0"),
                ("cxlmemctl --from mach", "--from machine.json"),
                ("cxlmemctl --from=mach", "--from=machine.json"),
                ("cxlmemctl profiles check mach", "profiles check machine.json")):
            with self.subTest(line=line):
                self.assertTrue(self.bash.complete(line).endswith(end), self.bash.complete(line))

    def test_silence(self) -> None:
        self.assertEqual(self.bash.complete("cxlmemctl create "), "cxlmemctl create")

    def test_syntax(self) -> None:
        for shell, name in (("bash", "cxlmemctl.bash"), ("zsh", "_cxlmemctl"),
                            ("fish", "cxlmemctl.fish")):
            if shutil.which(shell):
                done = subprocess.run([shell, "-n", SCRIPTS / name], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""), name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
