/* Lists of any record for the API: rooms above the service never see the store. */
#pragma once

#include "service/service.h"

/** A page of rows. @q with its limit   @ret_rows free with query_rows_done()   @ret_cursor
 * continues after it, NULL at the end, caller frees Errors: ERR_INVALID (unknown field, bad
 * cursor). Domain worker. */
struct err *query_page(struct service *svc, const struct record_type *type,
	const struct store_query *q, struct store_rows *ret_rows, char **ret_cursor) ERR_RESULT;
/** The i-th record, borrowed. */
const void *query_row(const struct store_rows *rows, size_t i);
/** Free the rows. */
void query_rows_done(struct store_rows *rows);
/** Read one record by id into uninitialised memory; free with record_done(). Errors: ERR_NOT_FOUND.
 * Domain worker. */
struct err *query_get(struct service *svc, const struct record_type *type, int64_t id,
	void *ret_obj) ERR_RESULT;
/** Add one filter of a request ("status=online"): the text is read as the field's kind; "null"
 * means without a value.
 * @q its texts borrow value   Errors: ERR_INVALID naming the field. Any thread. */
struct err *query_filter(const struct record_type *type, struct store_query *q, const char *name,
	const char *value) ERR_RESULT;

/** Open the outer transaction. Domain worker. */
struct err *tx_begin(struct service *svc) ERR_RESULT;
/** Begin a transaction that will mostly read: see store_begin_read(). */
struct err *tx_begin_read(struct service *svc) ERR_RESULT;
/** Commit; on error all is rolled back. */
struct err *tx_commit(struct service *svc) ERR_RESULT;
/** Undo the outer transaction. */
void tx_rollback(struct service *svc);
/** Open one job of a batch. */
struct err *tx_job_begin(struct service *svc) ERR_RESULT;
/** End the job: keep or undo what it did. */
struct err *tx_job_end(struct service *svc, bool keep) ERR_RESULT;
