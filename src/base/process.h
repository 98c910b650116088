/* What the kernel knows about this process. */
#pragma once

#include <stdint.h>

#include "base/err.h"

/** Use of resources by this process. */
struct process_use {
	double cpu_s;   /**< processor time, user and system */
	double start_s; /**< when it began, Unix time */
	int64_t resident_bytes, virtual_bytes;
	int64_t fds, fds_max; /**< open descriptors and how many may be */
};
/** Read it from /proc/self. Errors: ERR_NOT_FOUND, ERR_IO. Any thread. */
struct err *process_use(struct process_use *ret) ERR_RESULT;
