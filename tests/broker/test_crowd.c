/* Who is turned away when there are too many strangers (broker/gate/crowd.c).
 */
#include "broker/gate/internal.h"

#include <criterion/criterion.h>
#include <string.h>

static struct gate_options options = {
    .source_max = 3, .handshakes_max = 5, .connections_max = 2};
static struct gate g = {.o = &options};
static struct connection all[16];
static unsigned count;

static struct connection *stranger(unsigned address)
{
	struct connection *c = &all[count++];

	c->fd = -1;
	c->address.sin_addr.s_addr = address;
	cr_assert_eq(gate_crowd_add(&g, c), HF_OK);
	return c;
}

/* Those that were cut, in the order in which they came. */
static void is_cut(const char *expected)
{
	char seen[sizeof(all) / sizeof(*all) + 1] = "";

	for (unsigned i = 0; i < count; i++)
		seen[i] = all[i].cut ? 'x' : '.';
	cr_assert_str_eq(seen, expected);
}

static void drop_all(void)
{
	for (unsigned i = 0; i < count; i++)
		gate_crowd_drop(&g, &all[i]);
	cr_assert_null(g.sources);
	cr_assert_null(g.pending);
	cr_assert_eq(g.pending_count, 0);
	cr_assert_eq(g.known_count, 0);
}

Test(crowd, a_full_address_pushes_out_its_oldest)
{
	for (unsigned i = 0; i < 3; i++)
		stranger(1);
	is_cut("...");
	stranger(1);
	is_cut("x...");
	stranger(2);
	is_cut("x....");
	stranger(1);
	is_cut("xx....");
	drop_all();
}

Test(crowd, a_full_room_pushes_out_the_largest_crowd)
{
	stranger(2);
	stranger(2);
	for (unsigned i = 0; i < 3; i++)
		stranger(1);
	is_cut(".....");
	stranger(3);
	is_cut("..x...");
	drop_all();
}

Test(crowd, strangers_take_no_place_of_who_is_known)
{
	cr_assert(gate_crowd_known(&g, stranger(1)));
	cr_assert(gate_crowd_known(&g, stranger(2)));
	for (unsigned i = 0; i < 6; i++)
		stranger(3 + i);
	is_cut("..x.....");
	cr_assert_not(gate_crowd_known(&g, &all[7]));
	is_cut("..x....x");
	drop_all();
}
