# SPDX-License-Identifier: LGPL-2.1-or-later
# Two cards, known by their serial numbers (`cxlmemctl list cards` shows them), make one
# interleaved region when both are there. If one has not come half a minute after the other, that
# one is used alone.

[Region]
Members=0x1001 0x1002
Granularity=1K
WaitSec=30s
Fewer=less

[Memory]
Zone=movable
