/* Bodies of requests: what is in them beside the fields of a record. */
#pragma once

#include <jansson.h>

#include "base/err.h"

/** Take a secret out of a body: it is no field, since it is never shown and lies sealed.
 * @ret_secret NULL: not given; "": take the old one away; else one line of text. Wiped and freed by
 * the caller. Errors: ERR_INVALID with the field. Any thread. */
struct err *body_take_secret(json_t *body, const char *key, char **ret_secret) ERR_RESULT;
/** Every wrong field of both in one error; NULL when both are. */
struct err *body_join_errors(struct err *take_a, struct err *take_b) ERR_RESULT;
