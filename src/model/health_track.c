/* Owns when an answer is believed. */
#include "model/health_track.h"

/* Worse than what is believed; at first everything but "up" is. */
static bool is_worse(const struct health_track *track, enum health_state heard)
{
	return track->known ? heard > track->state : heard != HEALTH_UP;
}

bool health_track_take(struct health_track *track, enum health_state heard, int64_t now)
{
	if (track->known && heard == track->state) {
		track->times = 0;
		return false;
	}
	if (track->times > 0 && is_worse(track, track->candidate) != is_worse(track, heard))
		track->times = 0; /* the other way: it begins anew */
	if (track->times == 0)
		track->candidate_since = now;
	track->candidate = heard;
	track->times++;
	int64_t needed = is_worse(track, heard) ? HEALTH_WORSE_TIMES : HEALTH_BETTER_TIMES;
	if (!track->known && heard == HEALTH_UP)
		needed = 1;
	if (track->times < needed)
		return false;
	*track = (struct health_track){.state = heard,
		.since = track->candidate_since,
		.known = true};
	return true;
}
