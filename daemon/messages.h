/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_MESSAGES_H
#define CXLMEM_MESSAGES_H

/* Ids of messages in the journal; what `journalctl -x` says of each is in systemd/cxlmem.catalog. */
#define MESSAGE_OPERATION_DONE	 "MESSAGE_ID=2c59affb6e714140850eccae29383c3d"
#define MESSAGE_OPERATION_FAILED "MESSAGE_ID=b4c1360aa68c49b983af942f65dda4ad"
#define MESSAGE_OPERATION_STUCK	 "MESSAGE_ID=11f4c5a7dbf14c318a92657aeba9714a"
#define MESSAGE_NOT_FOLLOWED	 "MESSAGE_ID=2feef7edd51846cfa85e16f627b5c4f8"
#define MESSAGE_PROFILE		 "MESSAGE_ID=d805fb9e52a34b7b9349792ba11d5393"
#define MESSAGE_BUTTON		 "MESSAGE_ID=1c52e9851f3c48ccbfcbeefe5c32a4e5"
#define MESSAGE_RIVAL		 "MESSAGE_ID=fbbb272f4bcd4bc381a3acd42ccdc92d"
#define MESSAGE_RIVAL_WON	 "MESSAGE_ID=36e429bbc5104ce8b840a45a9964980f"

#endif
