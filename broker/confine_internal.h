#ifndef HF_BROKER_CONFINE_INTERNAL_H
#define HF_BROKER_CONFINE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFINE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CONFINE_SANITIZED 1
#endif
#endif

enum confine_role {
	CONFINE_GATE,
	CONFINE_CORE,
	CONFINE_SIGNER,
	CONFINE_RESOLVER,
	CONFINE_SUPERVISOR,
};

/* Load the filter of `role`, for this thread and those it will start. */
bool confine_calls(enum confine_role role);
bool confine_calls_offered(void);

struct confine_path {
	const char *path; /* one that is not there is left out; NULL ends */
	bool write;
};

struct confine_port {
	uint16_t port;
	bool bind, connect;
};

struct confine_files {
	const struct confine_path *paths; /* NULL: no file at all */
	bool hold_bind, hold_connect;     /* to the ports named */
	struct confine_port ports[2];
	unsigned port_count;
};

/* 0 when Landlock is not there, else its ABI; -1 when it failed. */
int confine_files(const struct confine_files *f);
int confine_files_offered(void);

#endif
