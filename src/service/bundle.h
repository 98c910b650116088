/* Support bundles: what somebody who helps needs to see, without secrets and addresses. One archive
 * (tar, gzip), perhaps encrypted to that person's public key; manifest.json in it lists every file
 * and what was masked. */
#pragma once

#include <jansson.h>

#include "base/str.h"
#include "service/service.h"

/** What goes in. Texts are borrowed. */
struct bundle_request {
	const char *
		cluster; /**< name or ID: only this one with its nodes and operations; NULL = all */
	const char *recipient; /**< public key to encrypt to, NULL = plain */
	int64_t inspection;    /**< ID of an operation cluster.inspect whose reports go in too,
				  I64_NONE = none */
};
/** Collect what the task needs: rows of the store, paths of logs, findings of the last checks.
 * @ret_input owned. Errors: ERR_NOT_FOUND, ERR_INVALID. Domain worker. */
struct err *bundle_input(struct service *svc, const struct bundle_request *request,
	json_t **ret_input) ERR_RESULT;
/** Task: read logs, the server's doctor and its journal, mask, pack, encrypt.
 * @ret_output for bundle_bytes(), owned. Errors: ERR_NOT_FOUND (age is not installed), ERR_FAILED,
 * ERR_IO. Any thread. At most two minutes. */
struct err *bundle_run(const json_t *input, json_t **ret_output) ERR_RESULT;
/** The bytes that the task made are appended. Any thread. */
void bundle_bytes(const json_t *output, struct str *out);
