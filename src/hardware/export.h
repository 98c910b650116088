/* A hardware report as a flat list of values, and in forms for people and spreadsheets. Pure; any
 * thread. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/** All values by their path: {"disks.sda.model": "..."}. A member of a list is named by its name,
 * slot, mount or the like, so one that is gone does not move the others.
 * @passing also what changes by itself: usage, counters, temperatures   Owned. */
json_t *hardware_flatten(const json_t *report, bool passing);
/** Write a report as hardware_show() of the service gives it (hostname, taken_at, report).
 * @format "json", "csv" (what, value) or "html" (one page without anything from elsewhere)
 * Errors: ERR_INVALID: no such format. */
struct err *hardware_write(const json_t *shown, const char *format, struct str *out) ERR_RESULT;
