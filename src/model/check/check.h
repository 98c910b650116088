/* Checks of nodes and clusters: each is one file of this folder with its code, its test, its words
 * and its test vectors, and one name in meson.build. A check is a pure function of what a collector
 * on the nodes has read (mko.microk8s.node_snapshot); everything in there may be garbage. No I/O.
 */
#pragma once

#include <jansson.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/record.h"

/** How bad it is when a check fails. */
enum check_severity { CHECK_INFO, CHECK_WARNING, CHECK_BLOCKING };
/** Names of enum check_severity. */
extern const struct enum_table check_severity_table;

/** What a check says about a node. */
enum check_result {
	CHECK_PASS,
	CHECK_FAIL,    /**< it is so, with the severity of the check */
	CHECK_WARN,    /**< it is so, but only a warning here */
	CHECK_UNKNOWN, /**< it could not be read */
	CHECK_SKIP,    /**< it does not concern this node */
};
/** Names of enum check_result. */
extern const struct enum_table check_result_table;

/** Who asks. A check may serve both. */
enum check_use {
	CHECK_PREREQUISITE = 1 << 0, /**< mko system check-prerequisites */
	CHECK_DOCTOR = 1 << 1,       /**< mko doctor, node troubleshoot, cluster troubleshoot */
	CHECK_SERVER = 1 << 2,       /**< mko system doctor: the machine of the server, as
					driver/controller.h reads it */
};

/** One node as it was read. All borrowed. */
struct check_node {
	const char *name;    /**< in the inventory */
	const char *address; /**< in the inventory, NULL = unknown */
	const char *role;    /**< in the inventory: "control_plane", "worker", "none" */
	const char *cluster; /**< name in the inventory, NULL = none */
	const char *message; /**< why nothing was read, NULL = none */
	const json_t *data;  /**< what it reported, NULL = nothing */
};

/** All nodes of a run. */
struct check_run {
	const struct check_node *nodes;
	size_t n;
	const json_t *others; /**< [{hostname, machine_id}] of nodes that are known besides, NULL =
				 none */
};

/** An example that proves a check. */
struct check_vector {
	/** JSON: what one node reports, or an array of nodes {name, address, role, cluster,
	 * message, data}, of which the first is looked at; without cluster all are of "c". NULL:
	 * the node reports nothing. */
	const char *input;
	enum check_result result;
	const char *found; /**< must be part of what is said, NULL = anything */
};

/** A check. */
struct check {
	const char *code;  /**< "MKO-PRE-014", for ever the same */
	const char *title; /**< what is the matter when it fails, a sentence without a full stop */
	enum check_severity severity;
	unsigned uses; /**< enum check_use */
	unsigned rank; /**< causes before consequences: the lower, the earlier in a report; 0 = in
			  the middle */
	bool once; /**< about a cluster: asked once for each, with its nodes only; node is the first
		    */
	bool blind;            /**< also asked when the node reported nothing */
	const char *expected;  /**< "a synchronised clock" */
	const char *why;       /**< why it matters, a sentence */
	const char *fix;       /**< what to do, for people */
	const char *operation; /**< type of an operation that mends it, NULL = none */
	const char *link;      /**< page about the problem, NULL = none */
	/** The test. @node in run   @found add what was found, one line */
	enum check_result (*test)(const struct check_run *run, const struct check_node *node,
		struct str *found);
	const struct check_vector *vectors;
	size_t n_vectors;
};

/** All checks, generated from the list in meson.build; ends with NULL. */
extern const struct check *const checks[];
/** How many. */
extern const size_t checks_n;

/** Describe a check: CHECK(pre_swap, vectors, .code = ...) in src/model/check/pre_swap.c. */
#define CHECK(id, vectors_, ...)                                                                   \
	extern const struct check check_##id;                                                      \
	const struct check check_##id = {.vectors = (vectors_),                                    \
		.n_vectors = ARRAY_LEN(vectors_),                                                  \
		__VA_ARGS__}

/** The check with this code, upper or lower case; NULL when there is none. Any thread. */
const struct check *check_find(const char *code);
/** Its rank: 50 when it has none. */
unsigned check_rank(const struct check *check);
/** As the API shows a check. Owned. Any thread. */
json_t *check_json(const struct check *check);
/** Names of the uses of a check: ["prerequisite"]. Owned. */
json_t *check_uses_json(const struct check *check);
/** Ask every check of a use about every node, or only those with something to say. Owned array of
 * {code title severity result host cluster found expected why fix operation link}: problems first,
 * causes before consequences.
 * @problems_only leave out what is well or does not concern a node. Any thread. */
json_t *check_evaluate(const struct check_run *run, enum check_use use, bool problems_only);
/** Run one example of a check. @ret_found what was said, owned */
enum check_result check_try(const struct check *check, const struct check_vector *vector,
	char **ret_found);

/* What tests read with: a wrong type is as good as nothing. */

/** A value of what the node reported, NULL = absent. @path "facts.disk.free" */
const json_t *said_value(const struct check_node *node, const char *path);
/** A text, NULL = absent or no text; borrowed. */
const char *said_text(const struct check_node *node, const char *path);
/** A whole number. False = absent or no number. */
bool said_number(const struct check_node *node, const char *path, int64_t *ret);
/** A truth: 1 or 0, -1 = absent or no truth. */
int said_truth(const struct check_node *node, const char *path);
/** A text that is a decimal number, as files under /proc/sys are. False = it is not. */
bool said_text_number(const struct check_node *node, const char *path, int64_t *ret);
/** Whether an array of texts has this one. */
bool check_list_has(const json_t *list, const char *text);
/** Whether a word stands in a text, bounded by white space or its ends. */
bool check_has_word(const char *text, const char *word);
/** The next line of a text. @at moves on; start with the text   @ret_len without the line end. NULL
 * = no more. */
const char *check_next_line(const char **at, size_t *ret_len);
/** The number that follows a key at the begin of a line ("MemTotal:  123 kB"). False = no such
 * line. */
bool check_line_number(const char *text, const char *key, int64_t *ret);
/** Say what was found, and the result in one go. Long and strange texts are cut. */
enum check_result check_say(struct str *found, enum check_result result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Who sees the most of its cluster: the control plane whose API shows the most nodes, NULL = none
 * does. @cluster NULL = those without one */
const struct check_node *said_viewer(const struct check_run *run, const char *cluster);
/** Whether MicroK8s is installed there. */
bool said_installed(const struct check_node *node);
