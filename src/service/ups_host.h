/* UPSes and NUT on the machine of the server: what is there, which of it is watched. The tasks
 * block for seconds and use nothing of the service: the API runs them off the domain worker. */
#pragma once

#include <jansson.h>

#include "service/service.h"

/** Task: state of NUT's services here, as driver/nut_host.h says. @input unused   Any thread. At
 * most 10 s. */
struct err *ups_host_services(const json_t *input, json_t **ret_output) ERR_RESULT;
/** Task: restart NUT's services here, wait until upsd answers, then as ups_host_services().
 * @input unused   Errors: ERR_LOCKED (one runs), as nut_host_restart(). Any thread. At most
 * minutes.
 */
struct err *ups_host_restart(const json_t *input, json_t **ret_output) ERR_RESULT;
/** Task: look for UPSes: on USB, at the upsd of this machine, at input.host with input.port, in the
 * network input.network (CIDR); each may be absent, all are checked by the caller. @ret_output
 * {"items":[...],"problems":[text]}; what cannot be asked is a problem, not an error   Errors:
 * ERR_LOCKED (one runs). Any thread. At most 70 s. */
struct err *ups_host_scan(const json_t *input, json_t **ret_output) ERR_RESULT;

/** Task: make NUT of this machine drive a UPS. @input name; bus, or driver and port, or neither
 * (the one device on USB that NUT does not drive yet); listen; dry_run; restart. All checked by the
 * caller. @ret_output {"name","applied","changes":[{"file","diff","backup"}],"nut_host","nut_port",
 * "user","password"}   Errors: ERR_LOCKED, ERR_NOT_FOUND (no such device), ERR_PRECONDITION
 * (several), ERR_FORBIDDEN (not root), ERR_UNAVAILABLE (no systemd), ERR_UNREACHABLE (the driver
 * did not come up; all is as before). Any thread. At most minutes. */
struct err *ups_host_configure(const json_t *input, json_t **ret_output) ERR_RESULT;
/** Take in what was configured: the UPS becomes one of ours unless it is. The password goes out of
 * @output; "ups" with its id and name comes in. Errors as ups_create(). Domain worker, in a
 * transaction. */
struct err *ups_host_configured(struct service *svc, const struct actor *who,
	json_t *output) ERR_RESULT;

/** Say of each found item which UPS of ours it is (ups_id, ups_name) and what to type next (next).
 * @output of ups_host_scan(), changed   Errors: of the store. Domain worker. */
struct err *ups_host_link(struct service *svc, json_t *output) ERR_RESULT;
/** Write that services were restarted into the audit log and the event stream. Domain worker, in a
 * transaction. */
struct err *ups_host_restarted(struct service *svc, const struct actor *who) ERR_RESULT;
