/* Compression of replies. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/** Replies shorter than this are sent as they are: they fit into one packet anyway. */
#define GZIP_MIN 1400

/** Replace a body by its gzip form (level 1: a list shrinks to a tenth, and what more would gain
 * costs more than the network). False, and the body unchanged, when it would not get smaller. Any
 * thread. */
bool gzip_body(struct str *body);
