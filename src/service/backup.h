/* Backups of clusters as they lie in the data directory: DATA_DIR/backups/CLUSTER/NUMBER with
 * datastore.tar.gz and manifest.json. Domain worker only. */
#pragma once

#include <jansson.h>

#include "service/service.h"

/** Where a backup lies. @cluster, @id checked names. The caller frees. */
char *backup_folder(const struct service *svc, const char *cluster, const char *id);
/** Check "12" or "prod/12". Errors: ERR_INVALID. Any thread. */
struct err *backup_check_name(const char *text) ERR_RESULT;
/** Read the description of one backup. @ret_manifest owned object. Errors: ERR_NOT_FOUND when there
 * is no whole backup with this number, ERR_PROTOCOL when its manifest cannot be read. */
struct err *backup_manifest(const struct service *svc, const char *cluster, const char *id,
	json_t **ret_manifest) ERR_RESULT;
/** All whole backups of a cluster, the newest first. @ret_list owned array of manifests, each with
 * its `folder`. Errors: ERR_IO. */
struct err *backup_list(const struct service *svc, const char *cluster,
	json_t **ret_list) ERR_RESULT;
