/* What reading and writing cluster files share with the tables of their keys. Inside of the desired
 * state. */
#pragma once

#include "model/desired.h"

#define DESIRED_ADDONS_MAX 64

/** Keys of the whole document. */
extern const struct record_type desired_file_type;
/** Keys of metadata. */
extern const struct record_type desired_metadata_type;
/** Keys of spec. */
extern const struct record_type desired_spec_type;
/** Keys of a node. */
extern const struct record_type desired_one_node_type;
/** Keys of power of a node. */
extern const struct record_type desired_node_power_type;
/** Keys of an addon that is a mapping. */
extern const struct record_type desired_addon_type;
/** Keys of spec.cni. */
extern const struct record_type desired_cni_type;
/** Keys of spec.hooks. */
extern const struct record_type desired_hooks_type;
/** Keys of spec.refresh. */
extern const struct record_type desired_refresh_type;
/** Keys of spec.power. */
extern const struct record_type desired_power_type;
/** Keys of spec.backup. */
extern const struct record_type desired_backup_type;
/** Keys of spec.backup.keep. */
extern const struct record_type desired_keep_type;

/** A mapping inside of spec. */
struct desired_section {
	const char *word, *prefix; /**< "power", "spec.power." */
	const struct record_type *type;
};
/** All of them; ends with {NULL}. */
extern const struct desired_section desired_sections[];
