/*
 * confine_files: Landlock by its three system calls (no library is packaged
 * for C).  Every right that the running kernel knows is taken, then given
 * back for the paths and ports of the role.
 *
 * A rule holds the directory that was there, not its name: files in it may
 * come and go, but a directory that is put in its place is another one.
 *
 * A sanitizer's run-time reads /proc and writes its findings where its
 * options say: builds with one take no files away, only ports.
 */
#include "broker/confine_internal.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of Debian 12, from the kernel's own landlock.h. */
#define ABI_PORTS 4
#define ABI_DEVICES 5
#define ABI_SCOPES 6
#define FS_REFER (1ull << 13)
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)
#define NET_BIND (1ull << 0)
#define NET_CONNECT (1ull << 1)
#define SCOPE_ALL 3ull /* abstract unix sockets, signals */
#define RULE_PORT 2

#define FS_BASE ((1ull << 13) - 1)
#define READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define READ (READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_FILE (LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define WRITE \
	(READ | WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE)

struct attributes {
	uint64_t fs, net, scoped;
};

struct port_rule {
	uint64_t allowed, port;
};

int confine_files_offered(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static uint64_t fs_known(int abi)
{
	uint64_t known = FS_BASE;

	if (abi >= 2)
		known |= FS_REFER;
	if (abi >= 3)
		known |= FS_TRUNCATE;
	if (abi >= ABI_DEVICES)
		known |= FS_IOCTL_DEV;
	return known;
}

static bool add_path(int rules, const struct confine_path *p, uint64_t known)
{
	struct landlock_path_beneath_attr rule = {.parent_fd = -1};
	struct stat st;
	bool ok;

	rule.parent_fd = open(p->path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return true; /* not there: nothing to allow */
	ok = fstat(rule.parent_fd, &st) == 0;
	rule.allowed_access = (p->write ? WRITE : READ) & known;
	if (ok && !S_ISDIR(st.st_mode))
		rule.allowed_access &= READ_FILE | WRITE_FILE;
	ok = ok && syscall(SYS_landlock_add_rule, rules,
		       LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return ok;
}

static bool add_ports(int rules, const struct confine_files *f, uint64_t net)
{
	bool ok = true;

	for (unsigned i = 0; i < f->port_count && ok; i++) {
		struct port_rule rule = {0, f->ports[i].port};

		rule.allowed = ((f->ports[i].bind ? NET_BIND : 0) |
				   (f->ports[i].connect ? NET_CONNECT : 0)) &
			       net;
		if (rule.allowed != 0)
			ok = syscall(SYS_landlock_add_rule, rules, RULE_PORT,
				 &rule, 0) == 0;
	}
	return ok;
}

int confine_files(const struct confine_files *f)
{
	int abi = confine_files_offered(), rules;
	struct attributes a = {0, 0, 0};
	size_t size = offsetof(struct attributes, net);
	bool ok = true;

	if (abi == 0)
		return 0;
#ifndef CONFINE_SANITIZED
	a.fs = fs_known(abi);
#else
	(void)fs_known;
	a.fs = LANDLOCK_ACCESS_FS_MAKE_BLOCK;
#endif
	if (abi >= ABI_PORTS) {
		a.net = (f->hold_bind ? NET_BIND : 0) |
			(f->hold_connect ? NET_CONNECT : 0);
		size = offsetof(struct attributes, scoped);
	}
	if (abi >= ABI_SCOPES) {
		a.scoped = SCOPE_ALL;
		size = sizeof(a);
	}
	rules = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
	if (rules < 0)
		return -1;
	for (const struct confine_path *p = f->paths;
	     p != NULL && p->path != NULL && ok; p++)
		if (((p->write ? WRITE : READ) & a.fs) != 0)
			ok = add_path(rules, p, a.fs);
	ok = ok && add_ports(rules, f, a.net) &&
	     syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return ok ? abi : -1;
}
