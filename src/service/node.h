/* Nodes: the inventory. */
#pragma once

#include <jansson.h>

#include "model/node.h"
#include "model/record_write.h"
#include "service/service.h"

/** Find a node by id ("7") or hostname. Errors: ERR_NOT_FOUND with a hint. */
struct err *node_find(struct service *svc, const char *id_or_name,
	struct node *ret_node) ERR_RESULT;
/** Check and store a new node. Errors: ERR_INVALID (all fields), ERR_EXISTS (hostname or address
 * taken), ERR_NOT_FOUND (cluster). */
struct err *node_create(struct service *svc, const struct actor *who, const json_t *body,
	struct node *ret_node) ERR_RESULT;
/** Change the given fields. Errors as node_create, ERR_LOCKED while an operation holds the node. */
struct err *node_edit(struct service *svc, const struct actor *who, const char *id_or_name,
	const json_t *body, struct node *ret_node) ERR_RESULT;
/** Forget a node (the machine is not touched). Errors: ERR_NOT_FOUND, ERR_LOCKED, ERR_PRECONDITION
 * when it is a member of an active cluster and force is false. */
struct err *node_remove(struct service *svc, const struct actor *who, const char *id_or_name,
	bool force) ERR_RESULT;
/** As the API shows a node: the record and cluster_name. Owned. */
struct err *node_json(struct service *svc, const struct node *node, json_t **ret_json) ERR_RESULT;
/** The same written as text: what stands between the braces of the object. */
struct err *node_write(struct service *svc, const struct node *node,
	struct record_writer *w) ERR_RESULT;
/** Dynamic inventory of Ansible for all nodes (`mko inventory --list`). Owned. */
struct err *node_inventory(struct service *svc, json_t **ret_json) ERR_RESULT;
/** Path of a key with "~/" replaced by the home folder; NULL stays NULL; the caller frees. */
char *node_key_path(const char *path);
/** Errors: ERR_LOCKED when an operation holds the node. */
struct err *node_check_free(struct service *svc, const struct node *node) ERR_RESULT;
