# SPDX-License-Identifier: LGPL-2.1-or-later
# Every card that is plugged becomes memory of its own, which can be taken away again.
# Copy this file to /etc/cxlmem/profiles.d and run `cxlmemctl profiles`.

[Match]
Path=*
Type=ram

[Memory]
Zone=movable

[Remove]
# A removal gives up after this time, and the card stays as it is.
DeadlineSec=2min
