/* A host name of its own, not that of an image. */
#include "model/check/check.h"

static const char *const images[] = {"ubuntu", "raspberrypi", "debian", "raspberry", "localhost"};

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *name = said_text(node, "hostname");

	(void)run;
	if (name == NULL)
		return CHECK_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(images); i++)
		if (check_has_word(name, images[i]))
			return check_say(found, CHECK_FAIL, "The host name is \"%s\".", name);
	return CHECK_PASS;
}

static const struct check_vector vectors[] = {
	{"{\"hostname\":\"n1\"}", CHECK_PASS, NULL},
	{"{\"hostname\":\"ubuntu\"}", CHECK_FAIL, "ubuntu"},
	{"{}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_image_name, vectors, .code = "MKO-PRE-002",
	.title = "The host name is the one of a fresh image", .severity = CHECK_WARNING,
	.uses = CHECK_PREREQUISITE, .expected = "a name that no other machine has",
	.why = "The next machine from the same image has the same name, and two nodes of one name cannot be in a cluster.",
	.fix = "sudo hostnamectl set-hostname NAME, before MicroK8s is installed",
	.link = "https://github.com/canonical/microk8s/issues/1807", .test = test);
