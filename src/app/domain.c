/* Owns the wiring of the domain. */
#include "app/domain.h"
#include "app/settings.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "service/account.h"
#include "service/audit.h"
#include "service/op/op.h"

#define COLLECTIONS_INSTALLED "/usr/share/mko/ansible"

char *domain_self_exe(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	must(n > 0);
	path[n] = '\0';
	return mem_strdup(path);
}

char *domain_find_collections(void)
{
	cleanup(mem_freep) char *dir = domain_self_exe();

	for (int up = 0; up < 3; up++) {
		char *slash = strrchr(dir, '/');
		if (slash == NULL)
			break;
		*slash = '\0';
		cleanup(mem_freep) char *path = mem_printf("%s/ansible", dir);
		cleanup(mem_freep) char *probe =
			mem_printf("%s/ansible_collections/mko/microk8s", path);
		if (access(probe, R_OK) == 0)
			return MOVE(path);
	}
	return mem_strdup(COLLECTIONS_INSTALLED);
}

struct err *domain_lock(const struct config *config, int *ret_fd)
{
	cleanup(mem_freep) char *path = fs_join(config->data_dir, "mko.lock");

	TRY_WRAP(fs_mkdirs(config->data_dir, 0700), "data directory");
	return fs_lock(path, ret_fd);
}

struct err *domain_open(const struct config *config, struct domain *ret_domain)
{
	cleanup(mem_freep) char *key_path = fs_join(config->data_dir, "secret.key");
	cleanup(mem_freep) char *db_path = fs_join(config->data_dir, "mko.db");
	cleanup(mem_freep) char *self = domain_self_exe();
	struct domain d = {0};

	record_copy(&config_type, &d.config, config);
	d.svc = (struct service){.clock = &clock_system, .data_dir = d.config.data_dir};
	struct err *e = seal_key_open(key_path, &d.svc.key);
	if (e == NULL)
		e = store_open(db_path, &d.svc.store);
	if (e == NULL)
		e = audit_adopt(&d.svc);
	if (e != NULL) {
		domain_close(&d);
		return err_wrap(e, "open %s", config->data_dir);
	}
	d.svc.engine = op_engine_new(self);
	*ret_domain = d;
	ret_domain->svc.config = &ret_domain->config;
	ret_domain->settings = settings_for(&ret_domain->config);
	ret_domain->svc.settings = &ret_domain->settings;
	return NULL;
}

void domain_close(struct domain *domain)
{
	if (domain->svc.store != NULL)
		account_done(&domain->svc);
	op_engine_free(domain->svc.engine);
	store_close(domain->svc.store);
	seal_key_free(domain->svc.key);
	record_done(&config_type, &domain->config);
	*domain = (struct domain){0};
}
