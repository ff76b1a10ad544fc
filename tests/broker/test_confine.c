/*
 * The real walls of each role, put up in a forked child that then tries one
 * thing.  What is forbidden ends the child (SIGSYS) or is refused; what the
 * role needs is still allowed, or the table would prove nothing.
 */
#include "broker/confine.h"
#include "broker/confine_internal.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef CONFINE_SANITIZED
#define SANITIZED true
#else
#define SANITIZED false
#endif

enum outcome { WENT, REFUSED, KILLED };
static const char *const outcomes[] = {"went", "refused", "killed"};

static char dir[] = "/tmp/hf-confine-XXXXXX";
static char data_file[64], pin_file[64], outside[64];
static int memory_fd, listener;
static uint16_t other_port;
static pid_t victim; /* alive, of the same user */

static long sys(long call, long a, long b, long c)
{
	return syscall(call, a, b, c, 0, 0, 0);
}

static bool try_execve(void)
{
	char *const none[] = {NULL};

	return execve("/bin/true", none, none) == 0;
}
static bool try_fork(void)
{
	pid_t pid = (pid_t)sys(SYS_clone, SIGCHLD, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid > 0;
}
static bool try_ptrace(void)
{
	return sys(SYS_ptrace, 16 /* attach */, victim, 0) == 0;
}
static bool try_kill(void)
{
	return sys(SYS_kill, victim, SIGTERM, 0) == 0;
}
static bool try_tgkill(void)
{
	return sys(SYS_tgkill, victim, victim, SIGTERM) == 0;
}
static bool try_vm_readv(void)
{
	return sys(SYS_process_vm_readv, victim, 0, 0) == 0;
}
static bool try_bpf(void)
{
	return sys(SYS_bpf, 0, 0, 0) >= 0;
}
static bool try_io_uring(void)
{
	return sys(SYS_io_uring_setup, 1, 0, 0) >= 0;
}
static bool try_mount(void)
{
	return sys(SYS_mount, 0, 0, 0) == 0;
}
static bool try_unshare(void)
{
	return sys(SYS_unshare, 0, 0, 0) == 0;
}
static bool try_perf(void)
{
	return sys(SYS_perf_event_open, 0, 0, 0) >= 0;
}
static bool try_userfaultfd(void)
{
	return sys(SYS_userfaultfd, 0, 0, 0) >= 0;
}
static bool try_keyctl(void)
{
	return sys(SYS_keyctl, 0, -3, 0) >= 0;
}
static bool try_step_back(void)
{
	return sys(SYS_setpriority, PRIO_PROCESS, 0, 19) == 0;
}

/* Anything but itself, as PRIO_USER would be: it does nothing where it may. */
static bool try_renice(void)
{
	return sys(SYS_setpriority, PRIO_USER + 1, 0, 19) == 0;
}

static bool try_setuid(void)
{
	return sys(SYS_setuid, getuid(), 0, 0) == 0;
}
static bool try_module(void)
{
	return sys(SYS_init_module, 0, 0, 0) == 0;
}
static bool try_memfd(void)
{
	return sys(SYS_memfd_create, (long)"x", 0, 0) >= 0;
}
static bool try_chmod(void)
{
	return sys(SYS_fchmodat, AT_FDCWD, (long)data_file, 0777) == 0;
}
static bool try_unlink(void)
{
	return sys(SYS_unlinkat, AT_FDCWD, (long)data_file, 0) == 0;
}
static bool try_dumpable(void)
{
	return sys(SYS_prctl, PR_SET_DUMPABLE, 1, 0) == 0;
}
static bool try_exec_page(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}
static bool try_socket(int family, int type)
{
	return socket(family, type, 0) >= 0;
}
static bool try_unix(void)
{
	return try_socket(AF_UNIX, SOCK_STREAM);
}
static bool try_inet6(void)
{
	return try_socket(AF_INET6, SOCK_STREAM);
}
static bool try_packet(void)
{
	return try_socket(AF_PACKET, SOCK_RAW);
}
static bool try_netlink(void)
{
	return try_socket(AF_NETLINK, SOCK_RAW);
}
static bool try_udp(void)
{
	return try_socket(AF_INET, SOCK_DGRAM);
}
static bool try_tcp(void)
{
	return try_socket(AF_INET, SOCK_STREAM);
}
static struct sockaddr_in place(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return at;
}
static bool try_connect(void)
{
	struct sockaddr_in at = place(other_port);

	return connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&at,
		   sizeof(at)) == 0;
}
static bool try_bind(void)
{
	struct sockaddr_in at = place(0);

	return bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&at, sizeof(at)) ==
	       0;
}
static bool try_read_passwd(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0;
}
static bool try_read_outside(void)
{
	return open(outside, O_RDONLY) >= 0;
}
static bool try_write_outside(void)
{
	return open(outside, O_WRONLY) >= 0;
}
static bool try_make_outside(void)
{
	return open("/tmp/hf-confine-made", O_WRONLY | O_CREAT, 0600) >= 0;
}
static bool try_old_open(void)
{
#ifdef SYS_open
	return sys(SYS_open, (long)"/etc/passwd", O_RDONLY, 0) >= 0;
#else
	return false;
#endif
}
static bool try_read_pin(void)
{
	return open(pin_file, O_RDONLY) >= 0;
}
static bool try_write_pin(void)
{
	return open(pin_file, O_WRONLY) >= 0;
}
static bool try_write_data(void)
{
	int fd = open(data_file, O_RDWR | O_CREAT, 0600);

	return fd >= 0 && ftruncate(fd, 10) == 0 && fdatasync(fd) == 0;
}
static bool try_memory(void)
{
	return pwrite(memory_fd, "x", 1, 0) == 1;
}
static void *nothing(void *p)
{
	return p;
}
static bool try_thread(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL) == 0 &&
	       pthread_join(t, NULL) == 0;
}
static bool try_privileges(void)
{
	struct rlimit core;
	char text[4096] = "";
	int fd = open("/proc/self/status", O_RDONLY);

	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 &&
	       strstr(text, "NoNewPrivs:\t1") != NULL &&
	       getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0 &&
	       prctl(PR_GET_DUMPABLE) == 0;
}

static enum hf_err as_desks(void)
{
	return confine_gate("tcp://127.0.0.1:9", false);
}
static enum hf_err as_peers(void)
{
	return confine_gate("tcp://127.0.0.1:9", true);
}
static int by_byte(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

/* As the core sorts the keys of more than thirty officers. */
static bool try_sort(void)
{
	static unsigned char keys[256][32];

	for (unsigned i = 0; i < 256; i++)
		keys[i][0] = (unsigned char)(255 - i);
	qsort(keys, 256, sizeof(keys[0]), by_byte);
	return keys[0][0] == 0;
}

static enum hf_err as_core(void)
{
	static struct config c;

	snprintf(c.data_dir, sizeof(c.data_dir), "%s/data", dir);
	snprintf(c.pins_dir, sizeof(c.pins_dir), "%s/pins", dir);
	return confine_core(&c);
}

static const struct wall {
	const char *name;
	enum hf_err (*up)(void);
} walls[] = {
    {"desks", as_desks},
    {"peers", as_peers},
    {"core", as_core},
    {"signer", confine_signer},
    {"resolver", confine_resolver},
    {"supervisor", confine_supervisor},
};
enum { DESKS, PEERS, CORE, SIGNER, RESOLVER, SUPERVISOR, WALLS };

#define W WENT
#define R REFUSED
#define K KILLED
enum need { CALLS, FILES = 1, PORTS = 4 }; /* of Landlock's ABI */

/* `loose`: a sanitizer's run-time needs the call, so it is not held there. */
static const struct attempt {
	const char *name;
	bool (*attempt)(void);
	enum outcome want[WALLS];
	enum need need;
	bool loose;
} attempts[] = {
    /*                       desks peers core signer resolver supervisor */
    {"execve", try_execve, {K, K, K, K, K, W}, CALLS, false},
    {"fork", try_fork, {K, K, K, K, K, W}, CALLS, true},
    {"ptrace", try_ptrace, {K, K, K, K, K, K}, CALLS, true},
    {"kill", try_kill, {K, K, K, K, K, W}, CALLS, true},
    {"tgkill", try_tgkill, {K, K, K, K, K, W}, CALLS, true},
    {"process_vm_readv", try_vm_readv, {K, K, K, K, K, K}, CALLS, true},
    {"bpf", try_bpf, {K, K, K, K, K, K}, CALLS, false},
    {"io_uring", try_io_uring, {K, K, K, K, K, K}, CALLS, false},
    {"mount", try_mount, {K, K, K, K, K, K}, CALLS, false},
    {"unshare", try_unshare, {K, K, K, K, K, K}, CALLS, false},
    {"perf", try_perf, {K, K, K, K, K, K}, CALLS, false},
    {"userfaultfd", try_userfaultfd, {K, K, K, K, K, K}, CALLS, false},
    {"keyctl", try_keyctl, {K, K, K, K, K, K}, CALLS, false},
    {"step-back", try_step_back, {K, K, W, K, K, W}, CALLS, false},
    {"renice", try_renice, {K, K, K, K, K, R}, CALLS, false},
    {"setuid", try_setuid, {K, K, K, K, K, K}, CALLS, false},
    {"module", try_module, {K, K, K, K, K, K}, CALLS, false},
    {"memfd", try_memfd, {K, K, K, K, K, W}, CALLS, false},
    {"chmod", try_chmod, {K, K, K, K, K, W}, CALLS, false},
    {"unlink", try_unlink, {K, K, K, K, K, W}, CALLS, false},
    {"dumpable", try_dumpable, {K, K, K, K, K, W}, CALLS, true},
    {"exec-page", try_exec_page, {K, K, K, K, W, W}, CALLS, true},
    {"unix", try_unix, {R, R, K, K, W, W}, CALLS, false},
    {"inet6", try_inet6, {K, K, K, K, W, W}, CALLS, false},
    {"packet", try_packet, {K, K, K, K, K, W}, CALLS, false},
    {"netlink", try_netlink, {R, R, K, K, W, W}, CALLS, false},
    {"udp", try_udp, {K, K, K, K, W, W}, CALLS, false},
    {"tcp", try_tcp, {W, W, K, K, W, W}, CALLS, false},
    {"connect", try_connect, {R, W, K, K, R, W}, PORTS, false},
    {"bind", try_bind, {R, R, K, K, R, W}, PORTS, false},
    {"passwd", try_read_passwd, {R, R, R, K, W, W}, FILES, true},
    {"read-outside", try_read_outside, {R, R, R, K, R, W}, FILES, true},
    {"write-outside", try_write_outside, {R, R, R, K, R, W}, FILES, true},
    {"make-outside", try_make_outside, {R, R, R, K, R, W}, FILES, true},
    {"old-open", try_old_open, {K, K, K, K, W, W}, CALLS, true},
    {"read-pin", try_read_pin, {R, R, W, K, R, W}, FILES, true},
    {"write-pin", try_write_pin, {R, R, R, K, R, W}, FILES, true},
    {"write-data", try_write_data, {R, R, W, K, R, W}, FILES, true},
    {"sort", try_sort, {W, W, W, W, W, W}, CALLS, true},
    {"memory", try_memory, {K, K, W, W, K, W}, CALLS, false},
    {"thread", try_thread, {W, W, W, K, K, W}, CALLS, true},
    {"privileges", try_privileges, {R, R, R, K, R, W}, FILES, true},
};

static void make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	cr_assert_geq(fd, 0);
	close(fd);
}

static void set_up(void)
{
	char path[64];
	struct sockaddr_in at = place(0);
	socklen_t size = sizeof(at);

	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/data", dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/pins", dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(data_file, sizeof(data_file), "%s/data/file", dir);
	snprintf(pin_file, sizeof(pin_file), "%s/pins/JP.pin", dir);
	snprintf(outside, sizeof(outside), "%s/key", dir);
	make(pin_file);
	make(outside);
	snprintf(path, sizeof(path), "%s/memory", dir);
	memory_fd = open(path, O_RDWR | O_CREAT, 0600);
	cr_assert_geq(memory_fd, 0);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(bind(listener, (void *)&at, sizeof(at)), 0);
	cr_assert_eq(listen(listener, 64), 0);
	cr_assert_eq(getsockname(listener, (void *)&at, &size), 0);
	other_port = ntohs(at.sin_port);
}

static void tear_down(void)
{
	static const char *const names[] = {
	    "data/file", "pins/JP.pin", "key", "memory", "data", "pins", ""};
	char path[64];

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
	remove("/tmp/hf-confine-made");
}

TestSuite(confine, .init = set_up, .fini = tear_down);

static int run(const struct wall *w, const struct attempt *a)
{
	pid_t pid;
	int status;

	make(data_file);
	victim = fork();
	if (victim == 0) {
		pause();
		_exit(0);
	}
	pid = fork();
	if (pid == 0) {
		int quiet = open("/dev/null", O_WRONLY);

		signal(SIGSYS, SIG_DFL);
		dup2(quiet, STDERR_FILENO);
		if (w->up() != HF_OK)
			_exit(77);
		_exit(a->attempt() ? 0 : 1);
	}
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
	return status;
}

static bool held(const struct attempt *a, const struct confine_offer *offer)
{
	return offer->seccomp && (int)a->need <= offer->landlock &&
	       !(SANITIZED && a->loose);
}

static bool as_wanted(int status, enum outcome want)
{
	if (want == KILLED)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	return WIFEXITED(status) &&
	       WEXITSTATUS(status) == (want == REFUSED ? 1 : 0);
}

Test(confine, each_role_does_what_it_needs_and_nothing_else, .timeout = 120)
{
	struct confine_offer offer = confine_probe();
	unsigned count = 0, wrong = 0;

	if (!offer.seccomp)
		cr_skip_test("this kernel has no seccomp");
	for (unsigned i = 0; i < WALLS; i++)
		for (unsigned k = 0; k < sizeof(attempts) / sizeof(*attempts);
		     k++) {
			const struct attempt *a = &attempts[k];
			int status;

			if (!held(a, &offer))
				continue;
			status = run(&walls[i], a);
			count++;
			if (as_wanted(status, a->want[i]))
				continue;
			wrong++;
			fprintf(stderr, "%s %s: status %#x, wanted %s\n",
			    walls[i].name, a->name, (unsigned)status,
			    outcomes[a->want[i]]);
		}
	fprintf(stderr, "confine: %u attempts, landlock %d\n", count,
	    offer.landlock);
	cr_assert_eq(wrong, 0);
	cr_assert_gt(count, 6 * 15);
}

/* A process started as batch or idle work walls itself up, then sets the
 * policy of a thread, as libzmq does. */
static int run_with_policies(const struct wall *w, int own, int then)
{
	static const struct sched_param none;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSYS, SIG_DFL);
		if (sched_setscheduler(0, own, &none) != 0 || w->up() != HF_OK)
			_exit(77);
		_exit(sys(SYS_sched_setscheduler, 0, then, (long)&none) == 0
			  ? 0
			  : 1);
	}
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

Test(confine, threads_have_the_policy_the_broker_was_started_with)
{
	struct confine_offer offer = confine_probe();

	if (!offer.seccomp)
		cr_skip_test("this kernel has no seccomp");
	for (unsigned i = DESKS; i <= CORE; i++) {
		cr_expect(as_wanted(
		    run_with_policies(&walls[i], SCHED_IDLE, SCHED_IDLE),
		    WENT));
		cr_expect(as_wanted(
		    run_with_policies(&walls[i], SCHED_IDLE, SCHED_BATCH),
		    KILLED));
	}
}
