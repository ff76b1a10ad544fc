/* Records between processes: whole ones only. */
#include "broker/records.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[2];
static struct record *r;

static void set_up(void)
{
	r = malloc(sizeof(*r));
	cr_assert_not_null(r);
	cr_assert_eq(records_pair(fds), HF_OK);
}

static void tear_down(void)
{
	close(fds[0]);
	close(fds[1]);
	free(r);
}

TestSuite(records, .init = set_up, .fini = tear_down);

Test(records, carry_every_size_unchanged)
{
	static const uint32_t sizes[] = {0, 1, 31, 32, 33, 4096, HF_FRAME_MAX};
	static uint8_t payload[HF_FRAME_MAX];

	for (unsigned i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7u + i / 256u);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct record_header h = {.type = RECORD_FRAME,
		    .code = 2101,
		    .count = i,
		    .size = sizes[i],
		    .conn = UINT64_C(0x0102030405060708)};

		memset(h.key, (int)i, sizeof(h.key));
		cr_assert_eq(record_send(fds[0], &h, payload), HF_OK);
		cr_assert_eq(record_receive(fds[1], r), HF_OK);
		cr_assert_arr_eq(&r->h, &h, sizeof(h));
		cr_assert_arr_eq(r->payload, payload, sizes[i]);
	}
	cr_assert_eq(record_receive(fds[1], r), HF_BUSY);
}

Test(records, refuse_what_is_malformed_and_read_on)
{
	struct record_header good = {.type = RECORD_GONE};
	struct record_header h = {.type = RECORD_FRAME, .size = 10};
	static uint8_t huge[RECORD_MAX + 100];
	/* bytes sent under a header that promises 10 */
	static const size_t bad[] = {1, 8, sizeof(h) - 1, sizeof(h),
	    sizeof(h) + 9, sizeof(h) + 11, RECORD_MAX, RECORD_MAX + 1,
	    RECORD_MAX + 100};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		memcpy(huge, &h, sizeof(h));
		cr_assert_eq(
		    send(fds[0], huge, bad[i], MSG_NOSIGNAL), (ssize_t)bad[i]);
		cr_assert_eq(
		    record_receive(fds[1], r), HF_FRAME, "%zu bytes", bad[i]);
		cr_assert_eq(record_send(fds[0], &good, NULL), HF_OK);
		cr_assert_eq(record_receive(fds[1], r), HF_OK);
	}
	/* a size that would overflow when added */
	h.size = UINT32_MAX - 8;
	cr_assert_eq(
	    send(fds[0], &h, sizeof(h), MSG_NOSIGNAL), (ssize_t)sizeof(h));
	cr_assert_eq(record_receive(fds[1], r), HF_FRAME);
}

Test(records, say_busy_when_full_and_keep_the_order)
{
	struct record_header h = {.type = RECORD_FRAME, .size = HF_FRAME_MAX};
	static uint8_t payload[HF_FRAME_MAX];
	uint64_t sent = 0, received = 0;
	enum hf_err err;

	while ((err = record_send(fds[0], &h, payload)) == HF_OK) {
		h.conn = ++sent;
		cr_assert_lt(sent, 10000);
	}
	cr_assert_eq(err, HF_BUSY);
	cr_assert_geq(sent, 2);
	while ((err = record_receive(fds[1], r)) == HF_OK)
		cr_assert_eq(r->h.conn, received++);
	cr_assert_eq(err, HF_BUSY);
	cr_assert_eq(received, sent);
}

Test(records, say_unreachable_when_the_other_side_is_gone)
{
	struct record_header h = {.type = RECORD_STOP};

	cr_assert_eq(record_send(fds[0], &h, NULL), HF_OK);
	close(fds[0]);
	cr_assert_eq(record_receive(fds[1], r), HF_OK, "sent before the end");
	cr_assert_eq(record_receive(fds[1], r), HF_UNREACHABLE);
	cr_assert_eq(record_send(fds[1], &h, NULL), HF_UNREACHABLE);
	cr_assert_eq(records_pair((int[2]){0, 0}), HF_OK);
	h.size = HF_FRAME_MAX + 1;
	cr_assert_eq(record_send(fds[1], &h, NULL), HF_TOO_BIG);
	fds[0] = dup(fds[1]);
}

Test(records, pass_a_descriptor)
{
	struct record_header h = {.type = RECORD_GATE, .code = 1};
	int pipe_fds[2], got = -1;
	char c = 0;

	cr_assert_eq(pipe(pipe_fds), 0);
	cr_assert_eq(record_send_fd(fds[0], &h, pipe_fds[1]), HF_OK);
	close(pipe_fds[1]);
	cr_assert_eq(record_receive_fd(fds[1], r, &got), HF_OK);
	cr_assert_geq(got, 0);
	cr_assert_eq(write(got, "x", 1), 1);
	cr_assert_eq(read(pipe_fds[0], &c, 1), 1);
	cr_assert_eq(c, 'x');
	close(got);
	/* one that is not asked for is not left open */
	cr_assert_eq(record_send_fd(fds[0], &h, pipe_fds[0]), HF_OK);
	close(pipe_fds[0]);
	got = dup(0);
	close(got);
	cr_assert_eq(record_receive(fds[1], r), HF_OK);
	cr_assert_eq(dup(0), got, "a descriptor leaked");
	close(got);
}

/* A header that promises more bytes than come, with `count` descriptors. */
static void send_with(unsigned count, uint32_t promised, int passed)
{
	struct record_header h = {.type = RECORD_GATE, .size = promised};
	struct iovec part = {&h, sizeof(h)};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {{0}};
	struct msghdr m = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	cr_assert_not_null(c);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (unsigned i = 0; i < count; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &passed, sizeof(passed));
	cr_assert_eq(sendmsg(fds[0], &m, MSG_NOSIGNAL), (ssize_t)sizeof(h));
}

Test(records, keep_no_descriptor_of_what_is_malformed)
{
	int got = -1, free_one = dup(0);

	close(free_one);
	send_with(1, 10, fds[0]);
	cr_assert_eq(record_receive_fd(fds[1], r, &got), HF_FRAME);
	cr_assert_eq(got, -1);
	cr_assert_eq(dup(0), free_one, "one came with a malformed record");
	close(free_one);
	send_with(2, 0, fds[0]);
	cr_assert_eq(record_receive_fd(fds[1], r, &got), HF_OK);
	cr_assert_eq(got, -1, "one of two is not taken for the one");
	cr_assert_eq(dup(0), free_one, "two came where one may");
	close(free_one);
}
