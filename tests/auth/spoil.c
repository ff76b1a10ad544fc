/*
 * spoil: one thing set up wrongly in a real broker, from outside: preloaded
 * into holdfastd, it stands between the program and libzmq or the kernel.
 *
 *   HF_SPOIL=ROLE:WAY   in the process of that role ("gate-desks", ...; "all")
 *
 *   drop-NAME       setting NAME is not set, and reads back so
 *   lie-NAME        nor is it, but it reads back as wanted
 *   no-handler      the ZAP handler is bound nowhere
 *   handler-dead    it takes no request
 *   handler-yes     it lets everybody in
 *   handler-no      and nobody
 *   no-seccomp, no-landlock   the kernel does not have it
 *
 * NAME: domain, enforce, server, secret.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zmq.h>

#define ENFORCE_DOMAIN 93 /* draft: not in Debian's header */
#define HANDLER "inproc://zeromq.zap.01"

/* What libseccomp declares, without its header. */
unsigned int seccomp_api_get(void);

static char way[64];
static void *router, *zap;
static char wanted[256];
static size_t wanted_size;

static bool is(const char *name)
{
	return strcmp(way, name) == 0;
}

/* Before main: afterwards a gate may open no file. */
__attribute__((constructor)) static void read_way(void)
{
	const char *spoil = getenv("HF_SPOIL");
	const char *colon = spoil == NULL ? NULL : strchr(spoil, ':');
	char line[512] = "", role[64];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0 || colon == NULL || (size_t)(colon - spoil) >= sizeof(role))
		return;
	memcpy(role, spoil, (size_t)(colon - spoil));
	role[colon - spoil] = '\0';
	if (strcmp(role, "all") == 0 ||
	    memmem(line, (size_t)n, role, strlen(role) + 1) != NULL)
		snprintf(way, sizeof(way), "%s", colon + 1);
}

static const char *name_of(int option)
{
	switch (option) {
	case ZMQ_ZAP_DOMAIN:
		return "domain";
	case ENFORCE_DOMAIN:
		return "enforce";
	case ZMQ_CURVE_SERVER:
		return "server";
	case ZMQ_CURVE_SECRETKEY:
		return "secret";
	default:
		return NULL;
	}
}

static bool is_spoilt(void *socket, int option, const char *how)
{
	const char *name = name_of(option);
	size_t length = strlen(how);

	return socket == router && name != NULL &&
	       strncmp(way, how, length) == 0 &&
	       strcmp(way + length, name) == 0;
}

#define REAL(name) \
	__typeof__(name) *real; \
	*(void **)&real = dlsym(RTLD_NEXT, #name)

void *zmq_socket(void *ctx, int type)
{
	REAL(zmq_socket);
	void *s = real(ctx, type);

	if (type == ZMQ_ROUTER)
		router = s;
	if (type == ZMQ_REP)
		zap = s;
	return s;
}

int zmq_setsockopt(void *s, int option, const void *value, size_t size)
{
	REAL(zmq_setsockopt);
	if (is_spoilt(s, option, "drop-"))
		return 0;
	if (is_spoilt(s, option, "lie-") && size <= sizeof(wanted)) {
		memcpy(wanted, value, size);
		wanted_size = size;
		return 0;
	}
	return real(s, option, value, size);
}

int zmq_getsockopt(void *s, int option, void *value, size_t *size)
{
	REAL(zmq_getsockopt);
	if (is_spoilt(s, option, "lie-") && wanted_size <= *size) {
		memset(value, 0, *size);
		memcpy(value, wanted, wanted_size);
		*size = wanted_size;
		return 0;
	}
	return real(s, option, value, size);
}

int zmq_bind(void *s, const char *address)
{
	REAL(zmq_bind);
	if (is("no-handler") && strcmp(address, HANDLER) == 0)
		return 0;
	return real(s, address);
}

int zmq_recv(void *s, void *data, size_t size, int flags)
{
	REAL(zmq_recv);
	if (is("handler-dead") && s == zap) {
		errno = EAGAIN;
		return -1;
	}
	return real(s, data, size, flags);
}

int zmq_send(void *s, const void *data, size_t size, int flags)
{
	REAL(zmq_send);
	bool status =
	    s == zap && size == 3 &&
	    (memcmp(data, "200", 3) == 0 || memcmp(data, "400", 3) == 0);

	if (status && is("handler-yes"))
		return real(s, "200", 3, flags);
	if (status && is("handler-no"))
		return real(s, "400", 3, flags);
	return real(s, data, size, flags);
}

unsigned int seccomp_api_get(void)
{
	REAL(seccomp_api_get);
	return is("no-seccomp") ? 0 : real();
}

long syscall(long number, ...)
{
	REAL(syscall);
	va_list args;
	long a[6];

	va_start(args, number);
	for (unsigned i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_landlock_create_ruleset && is("no-landlock")) {
		errno = ENOSYS;
		return -1;
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
