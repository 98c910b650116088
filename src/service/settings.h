/* Changing the configuration while the program runs. The file belongs to app (struct settings is
 * its door); which keys take effect at once is said by the table (FIELD_RELOAD). */
#pragma once

#include <jansson.h>

#include "model/config.h"
#include "service/service.h"

/** The configuration file, given by app; NULL in svc: this process cannot change it. */
struct settings {
	struct config *live; /**< what svc->config points to */
	/** Read the file anew. @ret initialised by the call; record_done() */
	struct err *(*load)(const struct settings *s, struct config *ret);
	/** Write changes into the file, keeping its comments. @changes {"web.session_hours": 8},
	 * null: back to the default; checked already */
	struct err *(*save)(const struct settings *s, const json_t *changes);
};

/** Which keys a reload changed, and which wait for a restart: arrays of names, owned by the caller.
 */
struct settings_diff {
	json_t *applied, *restart;
};
/** Free the arrays. */
void settings_diff_done(struct settings_diff *diff);

/** Read the file again and let take effect what may. Errors: those of reading; nothing is changed
 * then. Domain worker. */
struct err *settings_reload(struct service *svc, struct settings_diff *ret) ERR_RESULT;
/** Check changes, write them into the file, apply what may be applied, audit them.
 * Errors: ERR_INVALID (all wrong keys), ERR_FORBIDDEN, ERR_UNAVAILABLE (the file cannot be
 * written), ERR_CONFLICT (it is not written in a way that can be edited safely). Domain worker, in
 * a transaction. */
struct err *settings_change(struct service *svc, const struct actor *who, const json_t *changes,
	struct settings_diff *ret) ERR_RESULT;
