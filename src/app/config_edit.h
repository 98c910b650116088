/* Changing one value in the text of a configuration file; comments and order stay. Pure. */
#pragma once

#include "base/err.h"

/** Set a key, or remove its line.
 * @name of the file for messages   @text NUL-ended, that config_parse() accepts   @key "web.listen"
 * @value as it is to stand in the file (YAML), NULL: remove the key's line
 * @ret_text new text, NUL-ended, owned
 * Errors: ERR_CONFLICT with the line and the reason when the file is written in a way that cannot
 * be edited safely (flow style, values over several lines). */
struct err *config_edit(const char *name, const char *text, const char *key, const char *value,
	char **ret_text) ERR_RESULT;
