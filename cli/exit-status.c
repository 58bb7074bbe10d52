/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exit-status.h"

const char *const exit_status_text[_STATUS_MAX] = {
	[STATUS_DONE] = "done, or nothing was to be done",
	[STATUS_FAILED] = "refused, or failed; the machine is as it was unless said otherwise",
	[STATUS_USAGE] = "the command line makes no sense",
	[STATUS_NO_DAEMON] = "cxlmemd cannot be reached, or stopped meanwhile",
	[STATUS_CANCELLED] = "cancelled, or left while it was being cancelled",
};
