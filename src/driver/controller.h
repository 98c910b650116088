/* What the machine of the server is like, for the checks of it (model/check/sys_*.c). Blocks: pool
 * threads only. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

/** What to look at. Texts are borrowed. */
struct controller {
	const char *data_dir;
	const char *ansible_playbook;
	const char *collections_path;
	bool nut; /**< a UPS of this machine is watched: look at NUT too */
};

/** Read it: {"programs":{NAME:first line of what it says, or null},"data_dir":{"path","mode",
 * "own","free"},"key":{"mode","own"},"collection","clock","memory_available","nut"}. What cannot be
 * read is null. Changes nothing. Owned. At most a minute. */
json_t *controller_read(const struct controller *where);
