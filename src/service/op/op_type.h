/* Operation types: one file and one descriptor each, listed once in service/op/meson.build. */
#pragma once

#include <jansson.h>

#include "model/account.h"
#include "model/cluster.h"
#include "model/node.h"
#include "model/operation.h"

struct actor;
struct service;
struct op_run;

/** How dangerous a type is; shown before it runs. */
enum op_risk { OP_RISK_READ, OP_RISK_CHANGE, OP_RISK_DISRUPT, OP_RISK_DESTROY };
extern const struct enum_table op_risk_table;

/** Which of its nodes a type takes down while it runs; the quorum guard asks (service/quorum.h).
 * What takes nodes down holds their cluster alone. */
enum op_down {
	OP_DOWN_NONE,
	OP_DOWN_EACH,     /**< one after the other, each back before the next goes */
	OP_DOWN_TOGETHER, /**< all at once, or for good */
	OP_DOWN_PURPOSE,  /**< all at once, and that is what it is for: shown, never refused */
};

/** One parameter of an operation type. */
struct op_param {
	const char *name;
	enum field_kind kind;
	int64_t min, max;
	const char *def; /**< as text, NULL = absent */
	bool required;
	check_fn check;
	const char *help;
	const char *const *choices; /**< allowed texts, ends with NULL; NULL = any */
	const char *example;        /**< JSON, for the reference; needed where it is required */
};

/** Row for the parameters of a type that is guarded. */
#define OP_PARAM_ALLOW_QUORUM_LOSS                                                                 \
	{                                                                                          \
		.name = "allow_quorum_loss", .kind = FIELD_BOOL,                                   \
		.help = "Go on although too few voters would be left and the cluster would stop."  \
	}

/** A type of operation. */
struct op_type {
	const char *name;    /**< "cluster.setup": NOUN.VERB */
	const char *title;   /**< "Set up cluster %s": %s is the target's name */
	const char *summary; /**< one sentence for help, docs and forms */
	const char *next; /**< what to type when it did not succeed, "mko ... %s    (effect)": each
			     %s is the target's name; NULL: retry it */
	enum op_target
		target; /**< OP_TARGET_NODE types also accept several nodes (OP_TARGET_NODES) */
	enum role role; /**< least role */
	enum op_risk risk;
	enum op_down down; /**< EACH and TOGETHER are guarded and take OP_PARAM_ALLOW_QUORUM_LOSS */
	bool exclusive;    /**< holds its target alone; read-only types share */
	bool when_paused;  /**< may run while its cluster is paused; reading always may */
	bool check_mode;   /**< supports --check */
	bool brings_nodes; /**< nodes that its parameter `nodes` names belong to the cluster once a
			      scan shows them as members */
	unsigned
		checks; /**< enum check_use: its hosts report what these checks look at, 0 = none */
	int64_t timeout_s;
	const char *playbook; /**< name in mko.microk8s */
	const struct op_param *params;
	size_t n_params;
	const char *name_param; /**< parameter that names what a type without a target acts on */
	/** Further conditions on who asks, at submit only; NULL = none. @params checked */
	struct err *(*allow)(struct service *svc, const struct actor *who, const json_t *params);
	/** For a type without a runner: called with each pass while it runs, in a transaction. It
	 * moves the operation's row and ends it by op_finish(). NULL = a runner does the work. */
	struct err *(*drive)(struct service *svc, struct operation *op);
	/** Check preconditions and choose hosts, roles and variables (op_run_*). Called at submit
	 * (dry) and again at start. */
	struct err *(*plan)(struct service *svc, struct op_run *run);
	/** Take in the result of one host; NULL = node facts are taken in by the engine anyway. */
	struct err *(*host_result)(struct service *svc, struct op_run *run, struct node *node,
		const json_t *data);
	/** Take in a secret result of one host, sealed. */
	struct err *(*secret)(struct service *svc, struct op_run *run, const char *name,
		const char *sealed);
	/** The operation has its final status: set states of the target. */
	struct err *(*finish)(struct service *svc, struct op_run *run);
};

/** All types, generated from the list; ends with NULL. */
extern const struct op_type *const op_types[];
/** How many. */
extern const size_t op_types_n;
/** As the API shows a parameter: name, kind, required, default, help, min, max. Owned. Any thread.
 */
json_t *op_param_json(const struct op_param *param);
/** As the API shows a type, with its parameters. Owned. Any thread. */
json_t *op_type_json(const struct op_type *type);
/** Find a type by name, NULL when there is none. */
const struct op_type *op_type_find(const char *name);
