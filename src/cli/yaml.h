/* JSON values as YAML. */
#pragma once

#include <jansson.h>

#include "base/str.h"

/** Append a JSON value as a YAML document (1.1 and 1.2 read it alike): texts are quoted whenever a
 * reader could take them for something else. Pure. */
void cli_yaml_add(struct str *out, const json_t *json);
/** Append a text as a YAML scalar, quoted when needed. */
void cli_yaml_add_text(struct str *out, const char *text);
