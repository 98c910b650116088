/* Playbooks: what operations run. The built-in ones belong to the collection mko.microk8s, and what
 * is said of them comes from their operation types. Domain worker. */
#pragma once

#include <jansson.h>

#include "service/service.h"

#define PLAYBOOK_TEXT_MAX ((size_t)1 << 20)

/** All playbooks in the order of their names, as the API shows them. @ret_items owned array */
struct err *playbook_list(struct service *svc, json_t **ret_items) ERR_RESULT;
/** One playbook with its text. @ret_json owned   Errors: ERR_NOT_FOUND, ERR_IO (its file cannot be
 * read). */
struct err *playbook_get(struct service *svc, const char *name, json_t **ret_json) ERR_RESULT;
