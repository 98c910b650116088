/* NUT's configuration files, read and changed: ups.conf, upsd.conf, nut.conf. Source: nut 2.8.0
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

/** Set values in a section of a text: lines of the section that set one of the keys are replaced,
 * missing ones are added at its end, a missing section at the end of the text; all else, comments
 * too, stays as it is. @pairs n times key and value; a value NULL: the key alone   Owned. */
char *nut_conf_set(const char *text, const char *section, const char *const (*pairs)[2], size_t n);
/** Put a line in the place of the first line that has the same first word, and the same second word
 * where `second` is given; at the end of the text when there is none. For files without sections.
 * @line without its end   Owned. */
char *nut_conf_put(const char *text, const char *first, const char *second, const char *line);
