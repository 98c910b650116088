/* The program: gives the command line what is no API call. Knows every room, decides nothing. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "app/config.h"
#include "app/daemon.h"
#include "app/domain.h"
#include "app/local.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "cli/cli.h"
#include "driver/privileges.h"
#include "driver/runner.h"
#include "service/op/op.h"

static struct err *host_load_config(void *user, const char *path, struct config *ret_config)
{
	(void)user;
	TRY(config_load(path, NULL, ret_config));
	if (ret_config->ansible_collections_path == NULL)
		ret_config->ansible_collections_path = domain_find_collections();
	log_set_level((enum log_level)ret_config->log_level);
	return NULL;
}

static struct err *host_open_local(void *user, const struct config *config,
	struct cli_transport **ret_transport)
{
	(void)user;
	log_set_level(LOG_LEVEL_ERR); /* a command shows progress and errors itself */
	return local_open(config, ret_transport);
}

static void say_ready(void *user, const char *url)
{
	(void)user;
	if (url != NULL)
		log_info("ready: %s", url);
	else
		log_info("ready");
}

static struct err *serve_locked(const struct config *config, const struct cli_serve *options)
{
	struct domain domain;
	const struct daemon_options o = {
		.listen = options->listen != NULL ? options->listen : config->web_listen,
		.tls_cert = options->tls_cert != NULL ? options->tls_cert : config->web_tls_cert,
		.tls_key = options->tls_key != NULL ? options->tls_key : config->web_tls_key,
		.insecure_http = options->insecure_http,
		.body_max_bytes = (size_t)config->web_body_max_bytes,
		.request_ms = config->web_request_timeout_s * 1000,
		.ready = say_ready,
	};

	TRY(domain_open(config, &domain));
	struct err *e = op_engine_reconcile(&domain.svc);
	if (e == NULL)
		e = daemon_run(&domain.svc, &o);
	domain_close(&domain);
	return e;
}

static struct err *host_serve(void *user, const struct config *config,
	const struct cli_serve *options)
{
	cleanup(fs_closep) int lock = -1;

	(void)user;
	struct err *e = domain_lock(config, &lock);
	if (e != NULL && err_code(e) == ERR_LOCKED) {
		err_free(e);
		return err_hint(err_new(ERR_LOCKED, "another mko serves %s already",
					config->data_dir),
			"stop it first, or choose another folder by MKO_DATA_DIR");
	}
	TRY(e);
	return serve_locked(config, options);
}

static int host_op_runner(void *user, int argc, char **argv)
{
	(void)user;
	(void)argc;
	(void)argv;
	return runner_main();
}

static json_t *host_openapi(void *user)
{
	(void)user;
	return api_openapi();
}

static struct err *host_privileges(void *user, enum cli_privileges what, const char *account,
	json_t **ret)
{
	(void)user;
	if (what == CLI_PRIVILEGES_SETUP)
		return privileges_setup(account, ret);
	if (what == CLI_PRIVILEGES_CHECK)
		return privileges_check(account, ret);
	if (what == CLI_PRIVILEGES_REMOVE)
		return privileges_remove(ret);
	cleanup(mem_freep) char *text = privileges_text(account);
	*ret = json_string(text);
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct cli_host host = {
		.load_config = host_load_config,
		.open_local = host_open_local,
		.serve = host_serve,
		.op_runner = host_op_runner,
		.openapi = host_openapi,
		.privileges = host_privileges,
	};

	setlocale(LC_CTYPE, "");
	rand_init();
	return cli_main(argc, argv, &host);
}
