/* The run spec: everything a runner needs to carry out one operation, handed over as one JSON
 * document on its stdin because it contains secrets. A pure record: no I/O. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/** One host of a run. Texts are owned by the spec; values were validated when they entered the
 * store and again by run_spec_check(). */
struct run_host {
	int64_t node_id;
	char *hostname; /**< name in the inventory and in events */
	char *address;  /**< IP literal */
	int64_t port;
	char *user;
	char *key_path; /**< NULL: ssh's own choice */
	char *role;     /**< control_plane, worker, none */
	char *host_key; /**< "ssh-ed25519 AAAA...", NULL: learn it first and report it as an event
			 */
	char *become_password; /**< plain text, NULL: sudo needs none */
	char *wake; /**< MAC address of a card that gets magic packets before the run, NULL: none */
	bool helper; /**< only asked for the sake of the others: in the group mko_helpers alone, and
			its fate is not the run's */
};

/** One run. */
struct run_spec {
	int64_t operation_id;
	int64_t attempt;
	char *dir;      /**< folder of the operation */
	char *playbook; /**< name in mko.microk8s, or a path; NULL: only learn host keys */
	struct run_host *hosts;
	size_t n_hosts;
	json_t *vars; /**< extra variables, object */
	int64_t forks_max;
	int64_t timeout_s;
	int64_t connect_timeout_s;
	int64_t output_max_bytes;
	bool check, diff, keep;
	char *collections_path;
	char *ansible_playbook;
	char *secret_key_path; /**< secret results are sealed under this key before they are written
				*/
};

/** Free what the spec owns (secrets are wiped); the struct itself is the caller's. */
void run_spec_done(struct run_spec *spec);
/** Add a zeroed host and return it (valid until the next one is added). */
struct run_host *run_spec_add_host(struct run_spec *spec);
/** Refuse values that could change the meaning of a command line or an inventory, wherever they
 * came from. Errors: ERR_INVALID naming the host and the field. */
struct err *run_spec_check(const struct run_spec *spec) ERR_RESULT;
/** As JSON with secrets; owned. */
json_t *run_spec_to_json(const struct run_spec *spec);
/** From JSON; @ret_spec is zeroed memory. Errors: ERR_INVALID. */
struct err *run_spec_from_json(const json_t *json, struct run_spec *ret_spec) ERR_RESULT;
