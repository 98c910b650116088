/* Files can still be made. */
#include "model/check/check.h"

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	int64_t all = 0;
	int64_t free_ = 0;

	(void)run;
	if (!said_number(node, "facts.disk.inodes", &all) ||
		!said_number(node, "facts.disk.inodes_free", &free_) || all < 0 || free_ < 0)
		return CHECK_UNKNOWN;
	if (all == 0) /* file systems without a fixed number, as btrfs */
		return CHECK_SKIP;
	if (free_ >= all / 20)
		return CHECK_PASS;
	return check_say(found, CHECK_FAIL, "%lld of %lld inodes are free.", (long long)free_,
		(long long)all);
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"disk\":{\"inodes\":1000,\"inodes_free\":900}}}", CHECK_PASS, NULL},
	{"{\"facts\":{\"disk\":{\"inodes\":1000,\"inodes_free\":3}}}", CHECK_FAIL, "3 of 1000"},
	{"{\"facts\":{\"disk\":{\"inodes\":0,\"inodes_free\":0}}}", CHECK_SKIP, NULL},
	{"{\"facts\":{\"disk\":{\"inodes\":1000}}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_inodes, vectors, .code = "MKO-PRE-038", .title = "The file system is out of inodes",
	.severity = CHECK_WARNING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 17,
	.expected = "5 percent of the inodes free",
	.why = "Images are many small files; without inodes the disk is full although space is left.",
	.fix = "Remove unused images and old files, or make the file system anew with more inodes",
	.test = test);
