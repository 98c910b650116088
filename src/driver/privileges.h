/* What the account of the server may do as root on its own machine: a file of sudo with fixed
 * commands, made from the table nut_host_restarts. All functions block for seconds and change the
 * machine: main thread of a CLI only. */
#pragma once

#include <jansson.h>

#include "base/err.h"

/** The file for sudo, with what each line is for. @account checked (check_user)   Owned. Any
 * thread.
 */
char *privileges_text(const char *account);
/** Make the account when it is missing, and the file: checked by visudo in a private place before
 * it is moved in. Again, it changes nothing. @ret {"account","account_created","file",
 * "changed","items":[{"command","why"}]}   Errors: ERR_FORBIDDEN (not root), ERR_NOT_FOUND (no
 * sudo), ERR_FAILED (useradd or visudo refused; nothing was moved in). */
struct err *privileges_setup(const char *account, json_t **ret) ERR_RESULT;
/** Ask sudo for each command whether the account may run it, without running it.
 * @ret {"account","file","items":[{"command","why","allowed","reason"}],"missing":count}
 * Errors: ERR_NOT_FOUND (no sudo, no such account), ERR_FORBIDDEN (neither root nor the account).
 */
struct err *privileges_check(const char *account, json_t **ret) ERR_RESULT;
/** Remove the file; the account stays, for it owns data. @ret {"file","changed"}
 * Errors: ERR_FORBIDDEN (not root), ERR_IO. */
struct err *privileges_remove(json_t **ret) ERR_RESULT;
