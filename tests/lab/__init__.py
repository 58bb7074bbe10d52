# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts of ./lab: an emulated machine with CXL memory, made from Debian's packages."""
