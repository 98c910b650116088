/* The least that could answer: libmicrohttpd with one thread, one SQLite connection, the statement
 * that GET /api/nodes/{id} or GET /api/nodes?limit=100 runs, and its columns as JSON. No
 * authentication, no ETag, no headers of safety. `./dev bench api` measures the product against it.
 *
 *     bench_bare DATABASE     serves on a free port of 127.0.0.1, prints it, ends with stdin */
#include <microhttpd.h>
#include <netinet/in.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/node.h"

#define PAGE 100

struct bare {
	sqlite3 *db;
	sqlite3_stmt *one, *page;
};

static void good(int rc, int want)
{
	if (rc == want)
		return;
	fprintf(stderr, "bench_bare: SQLite result %d\n", rc);
	exit(1);
}

/* The columns that clients see, in the order of the fields. */
static char *columns(void)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < node_type.n_fields; i++)
		if ((node_type.fields[i].flags & FIELD_HIDDEN) == 0)
			str_addf(&s, "%s\"%s\"", s.len > 0 ? "," : "", node_type.fields[i].name);
	return str_take(&s);
}

static void bare_open(struct bare *b, const char *path)
{
	cleanup(mem_freep) char *names = columns();
	cleanup(mem_freep) char *one = mem_printf("SELECT %s FROM nodes WHERE id=?", names);
	cleanup(mem_freep) char *page =
		mem_printf("SELECT %s FROM nodes ORDER BY id LIMIT %d", names, PAGE + 1);

	good(sqlite3_open_v2(path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL),
		SQLITE_OK);
	good(sqlite3_prepare_v2(b->db, one, -1, &b->one, NULL), SQLITE_OK);
	good(sqlite3_prepare_v2(b->db, page, -1, &b->page, NULL), SQLITE_OK);
}

static void add_value(struct str *s, sqlite3_stmt *stmt, int i)
{
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_NULL:
		str_adds(s, "null");
		break;
	case SQLITE_INTEGER:
		str_addf(s, "%lld", (long long)sqlite3_column_int64(stmt, i));
		break;
	default:
		str_addc(s, '"');
		str_add(s, (const char *)sqlite3_column_text(stmt, i),
			(size_t)sqlite3_column_bytes(stmt, i));
		str_addc(s, '"');
	}
}

static void add_row(struct str *s, sqlite3_stmt *stmt)
{
	int n = sqlite3_column_count(stmt);

	str_addc(s, '{');
	for (int i = 0; i < n; i++) {
		str_adds(s, i > 0 ? ",\"" : "\"");
		str_adds(s, sqlite3_column_name(stmt, i));
		str_adds(s, "\":");
		add_value(s, stmt, i);
	}
	str_addc(s, '}');
}

static void answer_one(struct bare *b, const char *id, struct str *s)
{
	sqlite3_bind_int64(b->one, 1, strtoll(id, NULL, 10));
	if (sqlite3_step(b->one) == SQLITE_ROW)
		add_row(s, b->one);
	sqlite3_reset(b->one);
}

static void answer_page(struct bare *b, struct str *s)
{
	str_adds(s, "{\"items\":[");
	for (int i = 0; sqlite3_step(b->page) == SQLITE_ROW && i < PAGE; i++) {
		if (i > 0)
			str_addc(s, ',');
		add_row(s, b->page);
	}
	str_adds(s, "]}");
	sqlite3_reset(b->page);
}

/* NOLINTNEXTLINE(readability-function-size): the signature is MHD's */
static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload_data, size_t *upload_data_size,
	void **con_cls)
{
	static const char one[] = "/api/nodes/";
	struct bare *b = cls;
	struct str s = STR_INIT;

	(void)method;
	(void)version;
	(void)upload_data;
	(void)upload_data_size;
	if (*con_cls == NULL) { /* the first call has the head only */
		*con_cls = b;
		return MHD_YES;
	}
	if (strncmp(url, one, sizeof(one) - 1) == 0)
		answer_one(b, url + sizeof(one) - 1, &s);
	else
		answer_page(b, &s);
	size_t len = s.len;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, str_take(&s), MHD_RESPMEM_MUST_FREE);
	MHD_add_response_header(response, "Content-Type", "application/json");
	enum MHD_Result result = MHD_queue_response(connection, len > 0 ? 200 : 404, response);
	MHD_destroy_response(response);
	return result;
}

int main(int argc, char **argv)
{
	struct bare b = {NULL};
	struct sockaddr_in address = {.sin_family = AF_INET};
	char byte;

	if (argc != 2) {
		fprintf(stderr, "usage: bench_bare DATABASE\n");
		return 2;
	}
	bare_open(&b, argv[1]);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	struct MHD_Daemon *mhd = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL,
		handle, &b, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)(void *)&address,
		MHD_OPTION_END);
	if (mhd == NULL)
		return 1;
	printf("%u\n", MHD_get_daemon_info(mhd, MHD_DAEMON_INFO_BIND_PORT)->port);
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	MHD_stop_daemon(mhd);
	good(sqlite3_finalize(b.one) + sqlite3_finalize(b.page), SQLITE_OK);
	good(sqlite3_close(b.db), SQLITE_OK);
	return 0;
}
