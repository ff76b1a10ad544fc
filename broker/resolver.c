#include "broker/resolver.h"

#include "broker/confine.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENDPOINT_BYTES 128
#define PATIENCE_S 20u
#define SCHEME "tcp://"

static bool is_endpoint(const char *text, size_t size)
{
	const char *colon = size == 0 ? NULL : memrchr(text, ':', size);

	return size < ENDPOINT_BYTES && colon != NULL &&
	       colon > text + strlen(SCHEME) &&
	       memcmp(text, SCHEME, strlen(SCHEME)) == 0 &&
	       memchr(text, '\0', size) == NULL &&
	       memchr(text, ' ', size) == NULL &&
	       memchr(text, '\n', size) == NULL;
}

bool resolver_asks(const struct record *r)
{
	return r->h.type == RECORD_RESOLVE &&
	       is_endpoint((const char *)r->payload, r->h.size);
}

bool resolver_answers(const struct record *r)
{
	const char *text = (const char *)r->payload;
	const char *space =
	    r->h.size == 0 ? NULL : memchr(text, ' ', r->h.size);

	return r->h.type == RECORD_RESOLVED && space != NULL &&
	       is_endpoint(text, (size_t)(space - text)) &&
	       is_endpoint(space + 1, r->h.size - (size_t)(space - text) - 1);
}

/* The literal address of the endpoint's host. */
static bool look_up(const char *endpoint, const char *colon, char literal[64])
{
	struct addrinfo hints = {
	    .ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	char host[ENDPOINT_BYTES];
	bool ok;

	snprintf(host, sizeof(host), "%.*s",
	    (int)(colon - endpoint - (int)strlen(SCHEME)),
	    endpoint + strlen(SCHEME));
	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return false;
	ok = getnameinfo(list->ai_addr, list->ai_addrlen, literal, 64, NULL, 0,
		 NI_NUMERICHOST) == 0;
	freeaddrinfo(list);
	return ok;
}

int resolver_child(int fd)
{
	struct record *r = calloc(1, sizeof(*r));
	struct record_header h = {.type = RECORD_RESOLVED};
	char endpoint[ENDPOINT_BYTES], literal[64];
	char answer[2 * ENDPOINT_BYTES];
	const char *colon;
	int status = 1;

	if (r == NULL || !record_wait(fd, POLLIN, -1) ||
	    record_receive(fd, r) != HF_OK || !resolver_asks(r))
		goto out;
	memcpy(endpoint, r->payload, r->h.size);
	endpoint[r->h.size] = '\0';
	colon = strrchr(endpoint, ':');
	status = 0;
	if (!look_up(endpoint, colon, literal))
		goto out;
	h.size = (uint32_t)snprintf(answer, sizeof(answer), "%s %s%s%s",
	    endpoint, SCHEME, literal, colon);
	if (h.size < sizeof(answer) && record_send(fd, &h, answer) != HF_OK)
		status = 1;
out:
	free(r);
	return status;
}

int resolver_process(int fd)
{
	alarm(PATIENCE_S);
	return confine_resolver() == HF_OK ? resolver_child(fd) : 1;
}
