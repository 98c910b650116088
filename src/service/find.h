/* Finding an object by what a person typed: its ID or its name. */
#pragma once

#include "service/service.h"

/** Read the record whose id or key is this text; a text of digits only is an id.
 * @ret_obj uninitialised memory, record_done() it   Errors: ERR_NOT_FOUND `no node "x"`. Domain
 * worker. */
struct err *find_record(struct service *svc, const struct record_type *type, const char *id_or_name,
	void *ret_obj) ERR_RESULT;
/** Read the record with this id. Errors: ERR_NOT_FOUND, also for what the request may not see. */
struct err *find_by_id(struct service *svc, const struct record_type *type, int64_t id,
	void *ret_obj) ERR_RESULT;
