# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can go wrong, told in one sentence."""


class LabError(Exception):
    """The lab cannot go on; the text is one sentence: what, where, what to do."""


class GuestError(LabError):
    """A guest did not do what it was asked to."""


class CommandFailed(GuestError):
    """A command in the guest ended with a status other than 0."""

    def __init__(self, command: str, status: int, output: str):
        self.command = command
        self.status = status
        self.output = output
        super().__init__(f"`{command}` ended with status {status}:\n{output.rstrip()}")


class Skip(Exception):
    """Raised by a test that cannot run here; the text is the reason."""
