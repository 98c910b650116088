/* SSH host keys: learning them from nodes, and their fingerprints. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "driver/run_spec.h"

/** Take the keys out of ssh-keyscan's output ("ADDRESS TYPE KEY" or "[ADDRESS]:PORT TYPE KEY"
 * lines); the strongest type wins. Fills host_key of each host that has none. Hostile text is
 * skipped. Returns how many were filled. */
size_t hostkey_take_scan(struct run_spec *spec, const char *output);
/** True for "TYPE BASE64" of a known type whose data decodes. */
bool hostkey_valid(const char *key);
/** "SHA256:..." as ssh shows it. @key "ssh-ed25519 AAAA..."   Returns an owned text, NULL when the
 * key is not valid. */
char *hostkey_fingerprint(const char *key);
/** Ask all hosts without a key for theirs by ssh-keyscan, one process for each port, all at once;
 * blocks up to timeout_s. Runner only. Errors: ERR_IO when ssh-keyscan cannot be run. */
struct err *hostkey_scan(struct run_spec *spec) ERR_RESULT;
