/* NUT's configuration files as words: ups.conf, upsd.conf, nut.conf. Source: nut 2.8.0
 * common/parseconf.c, ups.conf(5). Pure. */
#pragma once

#include <jansson.h>

/** Read a file's text: one array for each line that says something,
 * [section, word, word, ...]; the section is "" before the first [name]. `=` is no word of its own:
 * "port = auto" and "port=auto" are ["...","port","auto"]. What cannot be read is left out: these
 * are files that people write. @text at most 1 MiB counts   Returns an owned array. Any thread. */
json_t *nut_conf_read(const char *text);
/** The first value of a key in a section. @rows of nut_conf_read()   Returns NULL when it is not
 * there; borrowed of rows. */
const char *nut_conf_get(const json_t *rows, const char *section, const char *key);
