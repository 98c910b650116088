/* Routes of the desired state: plan, apply, export. The file itself is read by the service. */
#include "api/actions.h"
#include "api/route.h"
#include "base/mem.h"
#include "model/yaml.h"
#include "service/cluster.h"
#include "service/desired.h"

/* Body of plan and apply; only the outside of it is a table. */
struct desired_body {
	int64_t id;
	json_t *desired;
	bool prune, allow_quorum_loss;
};
static const struct field desired_fields[] = {
	ROW_JSON(struct desired_body, desired, FIELD_CREATE | FIELD_REQUIRED,
		.check_json = check_json_object,
		.help = "The cluster file as JSON: apiVersion, kind, metadata, spec"),
	ROW_BOOL(struct desired_body, prune, FIELD_CREATE,
		.help = "Nodes that are not in the file leave the cluster"),
	ROW_BOOL(struct desired_body, allow_quorum_loss, FIELD_CREATE,
		.help = "Go on although too few voters would be left"),
};
static const struct record_type desired_body_type = {
	.name = "desired_body",
	.table = "desired_body",
	.size = sizeof(struct desired_body),
	.fields = desired_fields,
	.n_fields = ARRAY_LEN(desired_fields),
};
#define EXAMPLE                                                                                          \
	"{\"desired\":{\"apiVersion\":\"mko/v1\",\"kind\":\"Cluster\",\"metadata\":{\"name\":\"home\"}," \
	"\"spec\":{\"nodes\":[{\"name\":\"pi1\",\"address\":\"10.0.0.31\"}]}}}"

/* What is wrong in the file, by its path in the body; the code stays. */
static struct err *in_body(struct err *take_err)
{
	if (take_err == NULL || err_field_count(take_err) == 0)
		return take_err;
	enum err_code code = err_code(take_err);
	return err_recode(yaml_join(NULL, "desired.", take_err), code);
}

static struct err *plan_body(struct call *call, const struct desired_body *body)
{
	const struct desired_options options = {.prune = body->prune,
		.allow_quorum_loss = body->allow_quorum_loss};
	json_t *plan = NULL;

	TRY(in_body(desired_plan_doc(call->svc, body->desired, &options, &plan)));
	return call_json(call, plan);
}

static struct err *plan(struct call *call)
{
	struct desired_body body;

	record_init(&desired_body_type, &body);
	struct err *e = call_body(call, &body);
	if (e == NULL)
		e = plan_body(call, &body);
	record_done(&desired_body_type, &body);
	return e;
}

/* The cluster is made first, so that the operation has something to act on; a plan that is refused
 * undoes it with the whole request. */
static struct err *apply_body(struct call *call, const struct desired_body *body)
{
	struct cluster c;
	struct operation op;

	TRY(in_body(desired_cluster(call->svc, &call->actor, body->desired, &c)));
	const struct op_request req = {.type = "cluster.apply",
		.target = c.name,
		.params = call->body};
	struct err *e = op_submit(call->svc, &call->actor, &req, &op);
	record_done(&cluster_type, &c);
	TRY(e);
	e = action_reply(call, &op);
	record_done(&operation_type, &op);
	return e;
}

static struct err *apply(struct call *call)
{
	struct desired_body body;

	record_init(&desired_body_type, &body);
	struct err *e = call_body(call, &body);
	if (e == NULL)
		e = apply_body(call, &body);
	record_done(&desired_body_type, &body);
	return e;
}

static struct err *export(struct call *call)
{
	struct cluster c;
	json_t *doc = NULL;

	TRY(cluster_find(call->svc, call->params[0], &c));
	struct err *e = desired_export(call->svc, &c, &doc);
	record_done(&cluster_type, &c);
	return e != NULL ? e : call_json(call, doc);
}

static const struct route routes_desired_rows[] = {
	{"POST", "/api/clusters/plan", ROLE_VIEWER, ROUTE_ANY_SCOPE | ROUTE_BODY_FREE, 200,
		ROUTE_REPLY_OBJECT, .body_type = &desired_body_type, .shape = &shape_desired_plan,
		.summary = "What it takes to bring a cluster to what a file says; changes nothing",
		.example = EXAMPLE, .handle = plan},
	{"POST", "/api/clusters/apply", ROLE_OPERATOR,
		ROUTE_ANY_SCOPE | ROUTE_BODY_FREE | ROUTE_IDEMPOTENT, 202, ROUTE_REPLY_OPERATION,
		.body_type = &desired_body_type,
		.summary = "Bring a cluster to what a file says; makes it when it is not there yet",
		.example = EXAMPLE, .handle = apply},
	{"GET", "/api/clusters/{id}/export", ROLE_VIEWER, .flags = ROUTE_ANY_SCOPE, .status = 200,
		.reply = ROUTE_REPLY_OBJECT, .shape = &shape_desired_file,
		.summary = "A cluster as a file; the plan of it is empty", .handle = export},
};
ROUTE_LIST(routes_desired, "desired state");
