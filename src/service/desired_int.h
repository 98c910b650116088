/* What planning and exporting share: how a running cluster is read. Inside of the desired state. */
#pragma once

#include "service/desired.h"

/** True when the last scan saw this member. Any thread. */
bool desired_scanned(const struct cluster *c, const char *hostname);
/** The channel that a cluster follows: its own, else that of its nodes, else the configured one.
 * Borrowed. Any thread. */
const char *desired_channel_of(const struct desired_state *now);
/** The addon with this name ("core/dns" is "dns") in a list of names or {"name", ...}; NULL when
 * there is none. Any thread. */
const json_t *desired_addon_find(const json_t *addons, const char *name);
/** Whether an addon is on: by the last scan, else by what mko enabled. Any thread. */
bool desired_addon_on(const struct cluster *c, const char *name);
/** The addons that are on, without those that MicroK8s always has, as [{"name","args"}]. Owned. Any
 * thread. */
json_t *desired_addons_of(const struct cluster *c);
