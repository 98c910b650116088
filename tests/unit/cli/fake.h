/* A world for command lines in tests: streams in memory, a clock that moves only when a command
 * waits, and an API that is a script. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/run.h"

/** One answer of the script. Answers of the same request are used in their order; the last one is
 * used again and again. */
struct fake_answer {
	const char *request; /**< "GET /api/nodes" without the query */
	int status;          /**< 0 = the transport fails: unreachable */
	const char *body;
	const char *etag;
};

/** What a command line did. fake_done() frees. */
struct fake_run {
	int exit_code;
	char *out, *err; /**< stdout, stderr */
	char *requests;  /**< a line each: "GET /api/nodes?limit=1000", "POST /api/nodes {...}" */
};

/** How the world is. Zero: no terminals, no input. */
struct fake_world {
	const struct fake_answer *answers;
	size_t n_answers;
	const char *input;           /**< stdin */
	bool tty;                    /**< all three streams are terminals of 80 x 24 */
	const char *env;             /**< "NAME=VALUE" of one variable, NULL = none */
	int interrupt_at;            /**< Ctrl-C comes at this wait (1 = the first), 0 = never */
	bool remote;                 /**< the transport is not in this process */
	int locked;                  /**< so many times another command holds the lock */
	const struct cli_host *host; /**< NULL = the fake one */
};

/** UTC of the fake clock: 2026-11-23T08:00:00Z. */
#define FAKE_NOW_MS 1795420800000LL

/** Run a command line, words divided by single spaces; 'one word' in single quotes may hold spaces.
 */
struct fake_run fake_cli(const struct fake_world *world, const char *line);
/** Free what a run holds. */
void fake_done(struct fake_run *run);
/** Run with answers only, and check exit code and requests. @requests NULL = not checked */
void fake_expect(const struct fake_answer *answers, size_t n, const char *line, int exit_code,
	const char *requests);
/** fake_expect() with an array. */
#define FAKE_EXPECT(answers, line, exit_code, requests)                                            \
	fake_expect((answers), sizeof(answers) / sizeof((answers)[0]), (line), (exit_code),        \
		(requests))
