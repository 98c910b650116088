/* What planning and exporting share: how a running cluster is read. Inside of the desired state. */
#pragma once

#include "service/desired.h"

/** The channel that a cluster follows: its own, else that of its nodes, else the configured one.
 * Borrowed. Any thread. */
const char *desired_channel_of(const struct desired_state *now);
/** The addon with this name ("core/dns" is "dns") in a list of names or {"name", ...}; NULL when
 * there is none. Any thread. */
const json_t *desired_addon_find(const json_t *addons, const char *name);
/** The member of the last scan with this name, NULL when there is none. Any thread. */
const json_t *desired_member(const struct cluster *c, const char *hostname);
/** The names of the UPSes that feed the cluster. Owned array. Any thread. */
json_t *desired_feeds_of(const struct desired_state *now);
/** What its schedule of backups says, as desired_read() has it in "backup"; NULL: there is none.
 * Owned. Any thread. */
json_t *desired_backup_of(const struct desired_state *now);
/** The name of the schedule of backups of a cluster. Owned. Any thread. */
char *desired_backup_name(const char *cluster);
/** Whether an addon is on: by the last scan, else by what mko enabled. Any thread. */
bool desired_addon_on(const struct cluster *c, const char *name);
/** The addons that are on, without those that MicroK8s always has, as [{"name","args"}]. Owned. Any
 * thread. */
json_t *desired_addons_of(const struct cluster *c);
