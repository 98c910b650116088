/* The desired state of a cluster as a file: strict keys, and the same words as the objects of the
 * API once it is read. No I/O. */
#pragma once

#include <jansson.h>

#include "model/record.h"

#define DESIRED_VERSION "mko/v1"
#define DESIRED_KIND "Cluster"
#define DESIRED_NODES_MAX 256

/** A word of the file and the field of the record that it stands for. */
struct desired_word {
	const char *word;  /**< "address" */
	const char *field; /**< "ip_address" */
};
/** Words of metadata, spec and spec.power that are fields of a cluster; end with {NULL}. */
extern const struct desired_word desired_cluster_words[];
/** Words of a node; end with {NULL}. */
extern const struct desired_word desired_node_words[];
/** Words of spec.backup, of a schedule but for "keep"; end with {NULL}. */
extern const struct desired_word desired_backup_words[];
/** Words of spec.backup.keep and the parameters of cluster.backup; end with {NULL}. */
extern const struct desired_word desired_keep_words[];

/** Read a document. What it does not say is not in the result: nobody manages it.
 * @doc any JSON   @ret_want fields of the cluster record that were given, with addons as
 * [{"name","args"}], feeds as names of UPSes, "backup": {"cron","timezone","window",
 * "keep": {"last","daily","weekly"}, those that are not 0}, and "nodes": [fields of the node
 * record, and "labels": {key: value, or null for one that shall not be there}]. Owned. Errors:
 * ERR_INVALID with every wrong field by its path ("spec.nodes[1].role"). Any thread. */
struct err *desired_read(const json_t *doc, json_t **ret_want) ERR_RESULT;
/** The document that desired_read() turns into this. @want as above   Returns owned JSON. Any
 * thread. */
json_t *desired_write(const json_t *want);
/** JSON Schema (2020-12) of the file, made from the tables that read it. Owned. Any thread. */
json_t *desired_schema(void);
