/* The route table: a row says everything about a route, and validation, 404/405/413/415,
 * authorisation, OpenAPI, types, the reference page and the "refuses weaker roles" test come from
 * it. To add a route: a row in src/api/routes_<resource>.c. A new resource: that file and its name
 * in src/api/meson.build. */
#pragma once

#include <jansson.h>

#include "api/api.h"
#include "api/decode.h"
#include "api/shapes.h"
#include "model/record_write.h"
#include "service/account.h"
#include "service/op/op_type.h"

struct call;

/** Properties of a route. */
enum route_flag {
	ROUTE_BODY_OPTIONAL = 1 << 0, /**< no body means {} */
	ROUTE_BODY_FREE =
		1 << 1, /**< the handler or service checks the keys, body_type only describes */
	ROUTE_IDEMPOTENT = 1 << 2,     /**< honours Idempotency-Key */
	ROUTE_NEED_MATCH = 1 << 3,     /**< a change over HTTP needs If-Match (428) */
	ROUTE_AUDIT_ERRORS = 1 << 4,   /**< a refusal is written to the audit log (login, set-up) */
	ROUTE_ACTION_NODE = 1 << 5,    /**< {action} stands for every type "node.X" */
	ROUTE_ACTION_CLUSTER = 1 << 6, /**< {action} stands for every type "cluster.X" */
	/** Also answers accounts that are limited to clusters: what it finds, lists and makes goes
	 * through find_record(), find_by_id(), query_page() or scope.h. Others refuse them. */
	ROUTE_ANY_SCOPE = 1 << 8,
	ROUTE_NO_STORE = 1 << 7, /**< the reply holds a secret: Cache-Control: no-store */
};
#define ROUTE_ACTION (ROUTE_ACTION_NODE | ROUTE_ACTION_CLUSTER)

/** Shape of a good reply. */
enum route_reply {
	ROUTE_REPLY_NONE,      /**< no body: 204 */
	ROUTE_REPLY_OBJECT,    /**< JSON object; reply_type describes it, or it is free */
	ROUTE_REPLY_LIST,      /**< {"items":[reply_type],"next_cursor":...} */
	ROUTE_REPLY_OPERATION, /**< {"operation":{...}} or, with ?dry_run=true, the preview */
	ROUTE_REPLY_TEXT,      /**< text/plain */
	ROUTE_REPLY_FILE,      /**< bytes: application/octet-stream */
	ROUTE_REPLY_LINES,     /**< JSON lines */
	ROUTE_REPLY_EVENTS     /**< text/event-stream */
};

/** Media type of a good reply, NULL when it has no body. Any thread. */
const char *route_media(enum route_reply reply);

/** A row. */
struct route {
	const char *method;
	const char *path; /**< "/api/nodes/{id}" */
	enum role role;   /**< least role; ROLE_NONE: answers without credentials */
	unsigned flags;   /**< enum route_flag */
	int status;       /**< of a good reply */
	enum route_reply reply;
	const struct record_type
		*reply_type;                 /**< the object, or the items of a list; NULL = free */
	const struct record_type *body_type; /**< NULL = the route takes no body */
	enum record_mode body_mode;
	const struct record_type *query; /**< parameters beside those of lists, NULL = none */
	const struct record_type
		*list_of;          /**< takes limit, cursor, sort, q and the filters of this type */
	const char *summary;       /**< a sentence */
	const char *example;       /**< JSON of a request body, NULL = none */
	const struct shape *shape; /**< the object, or the items of a list, where it is more than
				      reply_type */
	const char *body_more; /**< JSON object of properties of the body that body_type does not
				  have, or has in another form; NULL = none */
	struct err *(*handle)(struct call *call);
};

/** The routes of one resource. */
struct route_list {
	const char *name; /**< tag in OpenAPI */
	const struct route *rows;
	size_t n;
};
#define ROUTE_LIST(id, text)                                                                       \
	extern const struct route_list id;                                                         \
	const struct route_list id = {.name = (text), .rows = id##_rows, .n = ARRAY_LEN(id##_rows)}

/** All resources, generated from the list in meson.build; ends with NULL. */
extern const struct route_list *const route_lists[];
/** How many. */
extern const size_t route_lists_n;

#define ROUTE_PARAMS_MAX 4

/** One request on its way through a route. */
struct call {
	struct service *svc;
	const struct api_request *req;
	const struct route *route;
	const struct op_type *op; /**< of an action route, else NULL */
	struct actor actor;
	int64_t session_id; /**< of a web login, I64_NONE = none */
	struct decode_path path;
	const char *params[ROUTE_PARAMS_MAX]; /**< texts for {..} in order, borrowed from path */
	struct decode_query query;
	json_t *body; /**< object or NULL */
	struct api_reply *reply;
	const struct route_list *const *lists; /**< the table it was found in */
};

/** What route_find() found. */
struct route_found {
	const struct route *route; /**< NULL: none */
	const char
		*params[ROUTE_PARAMS_MAX]; /**< texts for {..} in order, borrowed from the path */
	const struct op_type *op;          /**< of an action */
	char *allow; /**< when only the method is wrong: "GET, HEAD, OPTIONS", owned; it tells 405
			from 404 */
};
/** Find the row for a path. @method "GET" (also for HEAD). Any thread. */
struct route_found route_find(const struct route_list *const *lists, const char *method,
	const struct decode_path *path);

#define ROUTE_PATH_MAX 256
/** A walk over every route of a table; a row with {action} comes once for each operation type.
 * Zero-initialise. */
struct route_walk {
	size_t list, row, type;
	const struct route_list *group;
	const struct route *route;
	const struct op_type *op;  /**< of an action, else NULL */
	char path[ROUTE_PATH_MAX]; /**< "/api/nodes/{id}/status": {action} filled in */
};
/** Step to the first or next route; false at the end. Any thread. */
bool route_walk_next(const struct route_list *const *lists, struct route_walk *walk);
/** The least role of the route where the walk stands. */
enum role route_walk_role(const struct route_walk *walk);

/** api_dispatch() on another table, inside the transaction that the caller has opened; for tests.
 */
void route_serve(const struct route_list *const *lists, struct service *svc,
	const struct api_request *req, struct api_reply *ret_reply);

/** Fill an initialised record of route->query from the query. Errors: ERR_INVALID with every wrong
 * parameter. */
struct err *call_query(const struct call *call, void *ret_obj) ERR_RESULT;
/** Fill an initialised record of route->body_type from the body. Errors: ERR_INVALID with every
 * wrong field. */
struct err *call_body(const struct call *call, void *ret_obj) ERR_RESULT;
/** Have a task done off the domain worker (struct api_work): on the first pass it is asked for and
 * *ret_json is NULL: return; on the second *ret_json is its result, owned. @take_input owned, may
 * be NULL   Errors: what the task failed with. */
struct err *call_task(struct call *call,
	struct err *(*task)(const json_t *input, json_t **ret_output), json_t *take_input,
	json_t **ret_json) ERR_RESULT;
/** Answer with JSON. @take_json owned */
struct err *call_json(struct call *call, json_t *take_json) ERR_RESULT;
/** Writes what one row of a list has, between begin and end. @obj record of list_of */
typedef struct err *(*call_item_fn)(struct service *svc, const void *obj, struct record_writer *w);
/** Answer with one row as a list has it. @obj record of the route's reply_type */
struct err *call_item(struct call *call, const void *obj, call_item_fn item) ERR_RESULT;
/** Answer 201 with JSON and Location /api/COLLECTION/ID. @take_json owned */
struct err *call_created(struct call *call, const char *collection, int64_t id,
	json_t *take_json) ERR_RESULT;

struct store_query;
/** Answer with a page of route->list_of under the query's limit, cursor, sort, q and filters.
 * @base conditions that the handler adds, NULL = none   @item NULL: the fields of the record */
struct err *call_list(struct call *call, const struct store_query *base,
	call_item_fn item) ERR_RESULT;
