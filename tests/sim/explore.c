#include "tests/sim/sim.h"
int sim_explore(unsigned depth)
{
	(void)depth;
	return 0;
}
int sim_times(uint64_t jumps, uint64_t seed)
{
	(void)jumps;
	(void)seed;
	return 0;
}
