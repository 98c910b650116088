/* Fuzzes whole requests through the route table, on a real store: the first line is method and
 * address ("POST /api/nodes?x=1"), the rest the body. Whatever comes, the answer has a valid
 * status, JSON that can be read, and is never an internal error. Nothing is kept: each input is
 * rolled back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "app/config.h"
#include "app/domain.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "service/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/mko-fuzz-api-XXXXXX";
static struct config config;
static struct domain domain;

static void leave(void)
{
	domain_close(&domain);
	config_done(&config);
	err_ignore(fs_remove_tree(folder));
}

static void must_work(struct err *e)
{
	must(e == NULL);
}

static void send(const char *method, char *address, const char *body)
{
	struct api_reply reply = {.status = 0};
	char *question = strchr(address, '?');
	struct api_request request = {.door = API_DOOR_LOCAL,
		.method = method,
		.path = address,
		.query = question != NULL ? question + 1 : NULL,
		.body = body,
		.body_len = strlen(body),
		.content_type = "application/json",
		.if_match = strcmp(method, "PATCH") == 0 ? "*" : NULL,
		.local_user = "fuzz",
		.request_id = "fuzz"};

	if (question != NULL)
		*question = '\0';
	must_work(tx_begin(&domain.svc));
	api_serve(&domain.svc, &request, &reply);
	tx_rollback(&domain.svc);
	must(reply.status >= 200 && reply.status < 600 && reply.status != 500);
	if (reply.content_type != NULL && strstr(reply.content_type, "json") != NULL &&
		strstr(reply.content_type, "jsonl") == NULL && reply.body.len > 0) {
		json_t *json = json_loadb(str_get(&reply.body), reply.body.len, 0, NULL);
		must(json != NULL);
		json_decref(json);
	}
	api_reply_done(&reply);
}

static void open_domain(void)
{
	static const char *const first[][2] = {
		{"/api/clusters", "{\"name\":\"prod\"}"},
		{"/api/nodes",
			"{\"hostname\":\"n1\",\"ip_address\":\"10.0.0.1\",\"cluster_id\":\"prod\"}"},
	};

	rand_init();
	log_set_level(LOG_LEVEL_ERR);
	must(mkdtemp(folder) != NULL);
	record_init(&config_type, &config);
	field_set_text(&config.data_dir, folder);
	must_work(domain_open(&config, &domain));
	must(atexit(leave) == 0);
	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		struct api_reply reply = {.status = 0};
		struct api_request request = {.door = API_DOOR_LOCAL,
			.method = "POST",
			.path = first[i][0],
			.body = first[i][1],
			.body_len = strlen(first[i][1]),
			.content_type = "application/json",
			.request_id = "fuzz"};
		api_dispatch(&domain.svc, &request, &reply);
		must(reply.status == 201);
		api_reply_done(&reply);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (domain.svc.store == NULL)
		open_domain();
	if (size > 8192)
		return 0;
	char *text = mem_strndup((const char *)data, size);
	char *newline = strchr(text, '\n');
	char *space = strchr(text, ' ');
	/* only what may be rolled back: files of the configuration and of operations may not */
	if (newline != NULL && space != NULL && space < newline &&
		strstr(text, "/config") == NULL) {
		*newline = *space = '\0';
		send(text, space + 1, newline + 1);
	}
	mem_free(text);
	return 0;
}
