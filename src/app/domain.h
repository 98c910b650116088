/* Opening and closing the domain: the one place that puts store, keys, configuration and engine
 * together. */
#pragma once

#include "model/config.h"
#include "service/service.h"
#include "service/settings.h"

/** The domain with what it owns. */
struct domain {
	struct service svc;
	struct config config; /**< the live one: reloads change it */
	struct settings settings;
};

/** Open the data directory (made 0700 when absent), secret.key and the store. The caller holds
 * mko.lock.
 * @config copied  @ret_domain stays where it is until domain_close()   Errors: ERR_FORBIDDEN,
 * ERR_UNAVAILABLE, ERR_INVALID. Main thread. */
struct err *domain_open(const struct config *config, struct domain *ret_domain) ERR_RESULT;
/** Close; runners go on. A zeroed struct is fine. */
void domain_close(struct domain *domain);
/** Take DATA_DIR/mko.lock, making the folder when absent. @ret_fd owned, close to free   Errors:
 * ERR_LOCKED, ERR_FORBIDDEN, ERR_IO. */
struct err *domain_lock(const struct config *config, int *ret_fd) ERR_RESULT;
/** Folder of the Ansible collection: of a checkout (PREFIX/ansible above build/mko), else the
 * installed one. Owned. */
char *domain_find_collections(void);
/** Path of this program, owned. */
char *domain_self_exe(void);
