/* The data of MicroK8s lies on a file system that it can live on. */
#include "model/check/check.h"

#include <string.h>

static const char *const bad[] = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "vfat",
	"exfat", "ntfs", "ntfs3", "squashfs"};

static enum check_result test(const struct check_run *run, const struct check_node *node,
	struct str *found)
{
	const char *type = said_text(node, "facts.mount.type");
	const char *options = said_text(node, "facts.mount.options");

	(void)run;
	if (type == NULL)
		return CHECK_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (strcmp(type, bad[i]) == 0)
			return check_say(found, CHECK_FAIL, "/var/snap lies on %s.", type);
	if (options != NULL && (strcmp(options, "ro") == 0 || strncmp(options, "ro,", 3) == 0))
		return check_say(found, CHECK_FAIL,
			"The file system of /var/snap is mounted read-only.");
	return CHECK_PASS;
}

static const struct check_vector vectors[] = {
	{"{\"facts\":{\"mount\":{\"type\":\"ext4\",\"options\":\"rw,relatime\"}}}", CHECK_PASS,
		NULL},
	{"{\"facts\":{\"mount\":{\"type\":\"nfs4\",\"options\":\"rw\"}}}", CHECK_FAIL, "nfs4"},
	{"{\"facts\":{\"mount\":{\"type\":\"ext4\",\"options\":\"ro,relatime\"}}}", CHECK_FAIL,
		"read-only"},
	{"{\"facts\":{\"mount\":7}}", CHECK_UNKNOWN, NULL},
};
CHECK(pre_filesystem, vectors, .code = "MKO-PRE-039", .title = "The file system does not suit",
	.severity = CHECK_BLOCKING, .uses = CHECK_PREREQUISITE | CHECK_DOCTOR, .rank = 14,
	.expected = "a local file system that is writable (ext4, xfs, btrfs, zfs)",
	.why = "The datastore needs locks and synchronous writes; a file system with errors is made read-only by the kernel.",
	.fix = "Put /var/snap on a local disk; for a read-only one: dmesg, then fsck from a rescue system",
	.test = test);
