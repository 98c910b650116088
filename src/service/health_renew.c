/* Owns that we stay known to clusters: a kubeconfig that an API does not take any more, or that
 * ends soon, is fetched anew by an operation. */
#include <stdio.h>

#include "base/log.h"
#include "model/operation.h"
#include "service/health_int.h"
#include "service/op/op.h"
#include "service/query.h"

#define AGAIN_MS 3600000 /* until it is tried again */

static const struct actor watcher = {.name = "health",
	.role = ROLE_OPERATOR,
	.via = OP_VIA_SCHEDULE,
	.user_id = I64_NONE};

static struct err *ask(struct service *svc, int64_t cluster_id)
{
	char target[24];
	struct operation op;
	const struct op_request req = {.type = "cluster.fetch_kubeconfig", .target = target};

	(void)snprintf(target, sizeof(target), "%lld", (long long)cluster_id);
	TRY(tx_begin(svc));
	struct err *e = op_submit(svc, &watcher, &req, &op);
	if (e != NULL) {
		tx_rollback(svc);
		return e;
	}
	log_info(
		"health: the API of cluster %s takes our kubeconfig no longer, or not for long: operation %lld fetches it",
		op.target_name, (long long)op.id);
	record_done(&operation_type, &op);
	return tx_commit(svc);
}

static bool is_due(const struct health_subject *s, int64_t now)
{
	return s->kubeconfig.known && s->kubeconfig.state != HEALTH_UP &&
		(s->asked_at == 0 || now - s->asked_at >= AGAIN_MS);
}

void health_renew(struct service *svc)
{
	struct health_subjects *clusters = &svc->health->clusters;
	int64_t now = clock_utc(svc->clock);

	for (size_t i = 0; i < clusters->n; i++) {
		struct health_subject *s = &clusters->items[i];
		if (!is_due(s, now))
			continue;
		s->asked_at = now;
		struct err *e = ask(svc, s->id);
		if (e != NULL)
			log_warn("health: fetch the kubeconfig of cluster %lld: %s",
				(long long)s->id, err_message(e));
		err_free(e);
	}
}
