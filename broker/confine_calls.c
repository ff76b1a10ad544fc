/*
 * confine_calls: an allow list of system calls a role (seccomp-bpf by
 * libseccomp).  A call that is on no list kills the process: nothing of ours
 * makes it, so whoever does is not us.  It answers with an error only where
 * a library probes and goes on by another way; each such line says who.
 *
 * The lists were read off running brokers with strace(1) and hold for the C
 * libraries of Debian 12 on any architecture (libseccomp leaves out a call
 * that the machine's architecture does not have).
 */
#include "broker/confine_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define END (-1000000)
#define CALL(name) SCMP_SYS(name)

/* Memory, time, threads' locks, the pairs between the processes. */
static const int common[] = {CALL(read), CALL(write), CALL(readv), CALL(writev),
    CALL(close), CALL(poll), CALL(ppoll), CALL(recvmsg), CALL(sendmsg),
    CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(mlock),
    CALL(munlock), CALL(futex), CALL(getrandom), CALL(getpid), CALL(gettid),
    CALL(clock_gettime), CALL(gettimeofday), CALL(clock_nanosleep),
    CALL(nanosleep), CALL(restart_syscall), CALL(sched_yield),
    CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(exit),
    CALL(exit_group), CALL(fstat), CALL(newfstatat), CALL(lseek),
    CALL(sysinfo), /* glibc's qsort, of a KiB or more */
    END};

/* A thread that begins. */
static const int threads[] = {CALL(rseq), CALL(set_robust_list),
    CALL(sched_getaffinity), CALL(sched_getparam), CALL(sched_getscheduler),
    END};

/* libzmq: its sockets and their wake-ups. */
static const int gate[] = {CALL(accept), CALL(accept4), CALL(bind),
    CALL(connect), CALL(listen), CALL(shutdown), CALL(getpeername),
    CALL(getsockname), CALL(getsockopt), CALL(setsockopt), CALL(recvfrom),
    CALL(sendto), CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait),
    CALL(epoll_pwait), CALL(eventfd2), END};

/* LMDB, case keys, pins and documents; the kernel's bound of the clock. */
static const int core[] = {CALL(openat), CALL(pread64), CALL(pwrite64),
    CALL(pwritev), CALL(fsync), CALL(fdatasync), CALL(msync), CALL(ftruncate),
    CALL(fstatfs), CALL(getdents64), CALL(fallocate), CALL(uname), END};

static const int signer[] = {
    CALL(pread64), CALL(pwrite64), CALL(fsync), CALL(fdatasync), END};

/* getaddrinfo and the name services it loads */
static const int resolver[] = {CALL(openat), CALL(open), CALL(access),
    CALL(faccessat), CALL(faccessat2), CALL(readlink), CALL(readlinkat),
    CALL(stat), CALL(lstat), CALL(statx), CALL(pread64), CALL(connect),
    CALL(bind), CALL(getsockname), CALL(getpeername), CALL(getsockopt),
    CALL(setsockopt), CALL(recvfrom), CALL(sendto), CALL(sendmmsg),
    CALL(recvmmsg), CALL(ioctl), CALL(fcntl), CALL(uname), CALL(statfs),
    CALL(fstatfs), CALL(getdents64), CALL(geteuid), CALL(getuid), CALL(getegid),
    CALL(getgid), CALL(alarm), CALL(setitimer), CALL(mmap), CALL(mprotect),
    END};

/* What no process of a broker does; the supervisor's filter, the only one
 * that is a list of what is forbidden: it forks and executes, and all that
 * its children may do it must be able to do. */
static const int never[] = {CALL(process_vm_readv), CALL(process_vm_writev),
    CALL(bpf), CALL(io_uring_setup), CALL(io_uring_enter),
    CALL(io_uring_register), CALL(perf_event_open), CALL(userfaultfd),
    CALL(mount), CALL(umount2), CALL(pivot_root), CALL(chroot), CALL(setns),
    CALL(unshare), CALL(move_mount), CALL(open_tree), CALL(fsopen),
    CALL(fsmount), CALL(open_by_handle_at), CALL(init_module),
    CALL(finit_module), CALL(delete_module), CALL(kexec_load),
    CALL(kexec_file_load), CALL(reboot), CALL(swapon), CALL(swapoff),
    CALL(keyctl), CALL(add_key), CALL(request_key), CALL(kcmp),
    CALL(pidfd_getfd), CALL(clock_settime), CALL(settimeofday), CALL(setuid),
    CALL(setgid), CALL(setreuid), CALL(setregid), CALL(setresuid),
    CALL(setresgid), CALL(setgroups), CALL(personality),
#ifndef CONFINE_SANITIZED
    CALL(ptrace), /* how LeakSanitizer looks at its own threads */
#endif
    END};

#ifdef CONFINE_SANITIZED
/* What the run-time of a sanitizer does besides, at its reports and at the
 * search for leaks in the end; never in a build that is installed. */
static const int sanitized[] = {CALL(ptrace), CALL(clone), CALL(wait4),
    CALL(openat), CALL(open), CALL(readlink), CALL(readlinkat), CALL(getdents),
    CALL(getdents64), CALL(sigaltstack), CALL(prctl), CALL(mmap),
    CALL(mprotect), CALL(fcntl), CALL(ioctl), CALL(prlimit64), CALL(getrlimit),
    CALL(sched_getaffinity), CALL(stat), CALL(lstat), CALL(access),
    CALL(getppid), CALL(geteuid), CALL(getuid), CALL(kill), CALL(tgkill),
    CALL(set_robust_list), CALL(rseq), CALL(process_vm_readv), CALL(pipe),
    CALL(pipe2), CALL(unlink), CALL(dup), CALL(dup2), END};
#endif

struct filter {
	scmp_filter_ctx ctx;
	bool ok;
};

static void all(struct filter *f, uint32_t action, const int *list)
{
	for (; *list != END && f->ok; list++)
		f->ok = seccomp_rule_add(f->ctx, action, *list, 0) == 0;
}

/* Argument `n` under `mask` is `value`. */
static void when(struct filter *f, uint32_t action, int call, unsigned n,
    uint64_t mask, uint64_t value)
{
	f->ok = f->ok && seccomp_rule_add(f->ctx, action, call, 1,
			     SCMP_CMP(n, SCMP_CMP_MASKED_EQ, mask, value)) == 0;
}

static void is(struct filter *f, int call, unsigned n, uint64_t value)
{
	f->ok = f->ok && seccomp_rule_add(f->ctx, SCMP_ACT_ALLOW, call, 1,
			     SCMP_CMP(n, SCMP_CMP_EQ, value, 0)) == 0;
}

static void refuse(struct filter *f, int call, int error)
{
	f->ok = f->ok && seccomp_rule_add(f->ctx,
			     SCMP_ACT_ERRNO((uint32_t)error), call, 0) == 0;
}

/* No code is ever made at run time. */
static void memory(struct filter *f)
{
	when(f, SCMP_ACT_ALLOW, CALL(mmap), 2, PROT_EXEC, 0);
	when(f, SCMP_ACT_ALLOW, CALL(mprotect), 2, PROT_EXEC, 0);
	/* abort() */
	is(f, CALL(tgkill), 0, (uint64_t)getpid());
}

/* Threads, but no processes.  clone3 hides its flags from us behind a
 * pointer; the C library falls back to clone when it is not there. */
static void may_thread(struct filter *f)
{
	all(f, SCMP_ACT_ALLOW, threads);
	when(f, SCMP_ACT_ALLOW, CALL(clone), 0, CLONE_THREAD, CLONE_THREAD);
	refuse(f, CALL(clone3), ENOSYS);
	is(f, CALL(prctl), 0, PR_SET_NAME);
	/* libzmq sets its threads' policy to what it is already (ordinary, or
	 * what an operator's unit asks for) and ends the process when it may
	 * not */
	is(f, CALL(sched_setscheduler), 1, (uint64_t)sched_getscheduler(0));
}

static void for_gate(struct filter *f)
{
	all(f, SCMP_ACT_ALLOW, gate);
	may_thread(f);
	f->ok = f->ok &&
		seccomp_rule_add(f->ctx, SCMP_ACT_ALLOW, CALL(socket), 2,
		    SCMP_CMP(0, SCMP_CMP_EQ, AF_INET, 0),
		    SCMP_CMP(1, SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM)) == 0;
	/* libzmq asks for the interfaces' names before it takes an address as
	 * one, and only EINVAL lets it go on; the C library asks its cache */
	when(
	    f, SCMP_ACT_ERRNO(EINVAL), CALL(socket), 0, UINT32_MAX, AF_NETLINK);
	when(f, SCMP_ACT_ERRNO(EINVAL), CALL(socket), 0, UINT32_MAX, AF_UNIX);
	/* libpgm's look for protocols, malloc's for the number of CPUs */
	refuse(f, CALL(openat), EACCES);
	/* asks how many descriptors it may have, sets no limit */
	is(f, CALL(prlimit64), 2, 0);
	is(f, CALL(fcntl), 1, F_GETFL);
	is(f, CALL(fcntl), 1, F_SETFL);
	is(f, CALL(fcntl), 1, F_SETFD);
}

static void for_core(struct filter *f)
{
	all(f, SCMP_ACT_ALLOW, core);
	may_thread(f);
	is(f, CALL(fcntl), 1, F_GETFL);
	is(f, CALL(fcntl), 1, F_SETFD);
	is(f, CALL(fcntl), 1, F_SETLK);
	is(f, CALL(fcntl), 1, F_SETLKW);
	is(f, CALL(fcntl), 1, F_GETLK);
	/* a verifying thread steps back: itself, nobody else of its user */
	f->ok =
	    f->ok && seccomp_rule_add(f->ctx, SCMP_ACT_ALLOW, CALL(setpriority),
			 2, SCMP_CMP(0, SCMP_CMP_EQ, PRIO_PROCESS, 0),
			 SCMP_CMP(1, SCMP_CMP_EQ, 0, 0)) == 0;
	/* read only: without privilege the kernel refuses to set */
	f->ok = f->ok && seccomp_rule_add(f->ctx, SCMP_ACT_ALLOW,
			     CALL(clock_adjtime), 0) == 0;
	f->ok = f->ok && seccomp_rule_add(
			     f->ctx, SCMP_ACT_ALLOW, CALL(adjtimex), 0) == 0;
	/* LMDB makes its directory's files only; store_open makes the
	 * directory when it is missing, the supervisor has made it */
	refuse(f, CALL(mkdir), EEXIST);
}

static void rules_of(struct filter *f, enum confine_role role)
{
	if (role == CONFINE_SUPERVISOR) {
		all(f, SCMP_ACT_KILL_PROCESS, never);
		return;
	}
	all(f, SCMP_ACT_ALLOW, common);
	switch (role) {
	case CONFINE_GATE:
		memory(f);
		for_gate(f);
		break;
	case CONFINE_CORE:
		memory(f);
		for_core(f);
		break;
	case CONFINE_SIGNER:
		memory(f);
		all(f, SCMP_ACT_ALLOW, signer);
		break;
	case CONFINE_RESOLVER:
		all(f, SCMP_ACT_ALLOW, resolver);
		is(f, CALL(socket), 0, AF_UNIX);
		is(f, CALL(socket), 0, AF_INET);
		is(f, CALL(socket), 0, AF_INET6);
		is(f, CALL(socket), 0, AF_NETLINK);
		break;
	case CONFINE_SUPERVISOR:
		break;
	}
	/* the C library asks of an open directory or stream if it is a
	 * terminal */
	if (role != CONFINE_RESOLVER)
		refuse(f, CALL(ioctl), ENOTTY);
}

bool confine_calls(enum confine_role role)
{
	bool deny = role == CONFINE_SUPERVISOR;
	struct filter f = {
	    seccomp_init(deny ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS), true};

	if (f.ctx == NULL)
		return false;
	/* calls of another architecture (32 bits) kill, as the default */
	f.ok = seccomp_attr_set(f.ctx, SCMP_FLTATR_ACT_BADARCH,
		   SCMP_ACT_KILL_PROCESS) == 0 &&
	       seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0;
#ifdef CONFINE_SANITIZED
	if (!deny) {
		all(&f, SCMP_ACT_ALLOW, common);
		all(&f, SCMP_ACT_ALLOW, sanitized);
	}
#endif
	rules_of(&f, role);
	f.ok = f.ok && seccomp_load(f.ctx) == 0;
	seccomp_release(f.ctx);
	return f.ok;
}

bool confine_calls_offered(void)
{
	return seccomp_api_get() >= 3; /* kill-process and more */
}
