/* Rules of single values, shared by the files record*.c only. */
#pragma once

#include "model/record.h"

/** Check the range of a number or the index of an enumeration. Errors: ERR_INVALID. */
struct err *value_check_number(const struct field *f, int64_t value) ERR_RESULT;
/** Check length and content of a text. Errors: ERR_INVALID. */
struct err *value_check_text(const struct field *f, const char *text) ERR_RESULT;
/** Check shape and size of JSON. Errors: ERR_INVALID. */
struct err *value_check_json(const struct field *f, const json_t *value) ERR_RESULT;
/** Look a text up among the choices of a field. Errors: ERR_INVALID that names all choices. */
struct err *value_check_choice(const struct field *f, const char *text, int64_t *ret) ERR_RESULT;
/** A text as JSON, NULL = null. What came from a node may be no UTF-8: what is wrong is replaced,
 * the rest is kept. Owned. */
json_t *value_text_json(const char *text);
/** Add the error of one field to an error of many. @take_all may be NULL   @take_err NULL adds
 * nothing. Returns the sum. */
struct err *err_take_field(struct err *take_all, const char *name, struct err *take_err) ERR_RESULT;
