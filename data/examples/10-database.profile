# SPDX-License-Identifier: LGPL-2.1-or-later
# The card in the slot that is labelled 2 is for a program that maps it as a device.

[Match]
Path=slot:2
MinSize=64G

[Memory]
Mode=devdax
Align=2M

[Remove]
# What is still mapped when this time is over is taken from the program.
DeadlineSec=30s
OnDeadline=revoke
