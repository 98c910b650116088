/* The choice of transport, in the order of CONTRACT.md section 2. */
#include "cli/connect.h"

#include <poll.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/transport_http.h"

#define CONNECT_TIMEOUT_MS 10000
#define REQUEST_TIMEOUT_MS 120000
#define TOKEN_FILE_MAX 4096
#define LOCK_POLL_MS 50
#define LOCK_NOTE_MS 1000

/** The token of --token-file or MKO_TOKEN, NULL when there is none; the caller frees. */
static struct err *read_token(struct cli *cli, char **ret_token)
{
	const char *path = cli_opt_text(cli, "token-file");

	*ret_token = NULL;
	if (path == NULL) {
		*ret_token = mem_strdup(cli_env(cli, "MKO_TOKEN"));
		return NULL;
	}
	TRY_WRAP(fs_read(path, TOKEN_FILE_MAX, ret_token, NULL), "read the token");
	(*ret_token)[strcspn(*ret_token, "\r\n")] = '\0';
	if ((*ret_token)[0] == '\0') {
		mem_freep(ret_token);
		return err_new(ERR_INVALID, "the token file %s is empty", path);
	}
	return NULL;
}

static struct err *open_http(struct cli *cli, const char *url, const char *socket_path)
{
	cleanup(mem_freep) char *token = NULL;

	if (url != NULL)
		TRY(read_token(cli, &token));
	const struct cli_http_options options = {
		.url = url,
		.socket_path = socket_path,
		.token = token,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.timeout_ms = REQUEST_TIMEOUT_MS,
	};
	return cli_http_open(&options, &cli->transport);
}

/** Serve in this process, or speak to a daemon that has appeared, until the wait is over. */
static struct err *open_here(struct cli *cli, const struct config *config, const char *socket_path)
{
	const struct clock *clock = cli->io->clock;
	int64_t start = clock_mono(clock);
	bool said = false;

	if (cli->host->open_local == NULL)
		return err_new(ERR_UNREACHABLE,
			"no server runs and this program cannot work without one");
	for (;;) {
		if (cli_http_socket_alive(socket_path))
			return open_http(cli, NULL, socket_path);
		struct err *e = cli->host->open_local(cli->host->user, config, &cli->transport);
		if (e == NULL || err_code(e) != ERR_LOCKED)
			return e;
		int64_t waited = clock_mono(clock) - start;
		if (waited >= cli->lock_wait_ms)
			return err_hint(e,
				"mko web    (with a server any number of commands work at once)");
		err_ignore(e); /* tried again */
		if (!said && waited >= LOCK_NOTE_MS) {
			cli_note(cli, "waiting for another mko command to finish ...");
			said = true;
		}
		(void)poll(NULL, 0, LOCK_POLL_MS);
	}
}

struct err *cli_connect(struct cli *cli)
{
	const char *server = cli_opt_text(cli, "server");
	const struct config *config = NULL;

	if (cli->transport != NULL)
		return NULL;
	if (server == NULL)
		server = cli_env(cli, "MKO_SERVER");
	if (server != NULL)
		return open_http(cli, server, NULL);
	TRY(cli_config(cli, &config));
	cleanup(mem_freep) char *socket_path = fs_join(config->data_dir, "mko.sock");
	return open_here(cli, config, socket_path);
}
