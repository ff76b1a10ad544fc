/* holdfastd.conf: every problem, with its line. */
#include "broker/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/hf-config-XXXXXX";
static char file[64], said[4096];

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(text, f);
	cr_assert_eq(fclose(f), 0);
	cr_assert_eq(chmod(path, mode), 0);
}

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chdir(dir), 0);
	snprintf(file, sizeof(file), "%s/f.conf", dir);
	write_file("key", "x\n", 0600);
	write_file("open-key", "x\n", 0644);
	cr_assert_eq(mkdir("pins", 0755), 0);
	cr_assert_eq(mkdir("wide", 0700), 0);
	cr_assert_eq(chmod("wide", 0755), 0);
}

static void tear_down(void)
{
	unlink("key");
	unlink("open-key");
	unlink(file);
	rmdir("pins");
	rmdir("wide");
	rmdir(dir);
}

TestSuite(config, .init = set_up, .fini = tear_down);

static enum hf_err read_text(const char *text, struct config *c)
{
	FILE *out = fmemopen(said, sizeof(said), "w");
	enum hf_err err;

	memset(said, 0, sizeof(said));
	write_file(file, text, 0644);
	err = config_read(c, file, out);
	fclose(out);
	return err;
}

#define GOOD \
	"country = \"JP\"\n" \
	"data_dir = \"data\"\n" \
	"key_file = \"key\"\n" \
	"desk_endpoint = \"tcp://127.0.0.1:0\"\n" \
	"peer_endpoint = \"tcp://0.0.0.0:7247\"\n" \
	"pins_dir = \"pins\"\n"

Test(config, reads_a_good_file_and_its_defaults)
{
	struct config c;

	cr_assert_eq(read_text("# a remark\n" GOOD, &c), HF_OK, "%s", said);
	cr_assert_str_eq(said, "");
	cr_assert_str_eq(c.file, file);
	cr_assert_str_eq(c.country.s, "JP");
	cr_assert_str_eq(c.data_dir, "data");
	cr_assert_str_eq(c.key_file, "key");
	cr_assert_str_eq(c.passphrase_file, "");
	cr_assert_str_eq(c.desk_endpoint, "tcp://127.0.0.1:0");
	cr_assert_str_eq(c.peer_endpoint, "tcp://0.0.0.0:7247");
	cr_assert_str_eq(c.documents_dir, "");
	cr_assert_eq(c.map_size, (size_t)4096 << 20);
	cr_assert_eq(c.disk_reserve, UINT64_C(16) << 20);
	cr_assert_eq(c.epoch, 1);
	cr_assert_eq(c.quota_acts_per_minute, 0);
	cr_assert_eq(c.connections_max, 512);
	cr_assert_eq(c.source_connections_max, 64);
	cr_assert_eq(c.handshakes_max, 128);
	cr_assert_eq(c.session_hours_max, 24);
	cr_assert_eq(c.admission.desk_acts[HF_EMERGENCY], 600);
	cr_assert_eq(c.admission.peer_acts[HF_ROUTINE], 30000);
	cr_assert_eq(c.admission.peer_frames, 60000);
	cr_assert_eq(c.routine_percent, 80);
	cr_assert_eq(c.emergency_percent, 90);
	cr_assert_eq(c.witness_count, 0);
	cr_assert_eq(c.witness_quorum, 1);
	cr_assert_eq(c.witness_max_age_s, 900);
	cr_assert_eq(read_text(GOOD "map_size_mib = 64\nledger_epoch = 3\n"
				    "quota_acts_per_minute = 30\n"
				    "witnesses = {\"US\", \"DE\"}\n"
				    "witness_quorum = 2\n"
				    "witness_max_age_seconds = 60\n",
			 &c),
	    HF_OK, "%s", said);
	cr_assert_eq(c.map_size, (size_t)64 << 20);
	cr_assert_eq(c.epoch, 3);
	cr_assert_eq(c.quota_acts_per_minute, 30);
	cr_assert_eq(c.witness_count, 2);
	cr_assert_str_eq(c.witnesses[1].s, "DE");
	cr_assert_eq(c.witness_quorum, 2);
	cr_assert_eq(c.witness_max_age_s, 60);
}

Test(config, names_the_line_of_every_mistake)
{
	/* a line after the six good ones, so line 7 */
	static const struct {
		const char *line, *wanted;
	} cases[] = {
	    {"country = \"jp\"", "country: two capital letters"},
	    {"country = \"JPN\"", "country: two capital letters"},
	    {"country = \"\"", "country: two capital letters"},
	    {"colour = \"red\"", "no such option 'colour'"},
	    {"map_size_mib = lots", "invalid integer value"},
	    {"map_size_mib = 15", "16 to 1048576 MiB, not 15"},
	    {"map_size_mib = -1", "16 to 1048576 MiB, not -1"},
	    {"map_size_mib = 1048577", "16 to 1048576 MiB"},
	    {"disk_reserve_mib = -1", "0 to 1048576 MiB, not -1"},
	    {"disk_reserve_mib = 1048577", "0 to 1048576 MiB"},
	    {"ledger_epoch = 0", "ledger_epoch: 1 to"},
	    {"quota_acts_per_minute = -5", "quota_acts_per_minute: 0 to"},
	    {"witnesses = {\"US\", \"de\"}",
		"two capital letters each, not 'de'"},
	    {"connections_max = 0", "connections_max: 1 to 100000, not 0"},
	    {"handshakes_max = -1", "handshakes_max: 1 to"},
	    {"source_connections_max = 0", "source_connections_max: 1 to"},
	    {"session_hours_max = 25", "session_hours_max: 1 to 24, not 25"},
	    {"desk_urgent_per_minute = -1", "desk_urgent_per_minute: 0 to"},
	    {"peer_frames_per_minute = 1000001", "0 to 1000000, not 1000001"},
	    {"routine_percent = 101", "routine_percent: 1 to 100, not 101"},
	    {"emergency_percent = 0", "emergency_percent: 1 to 100, not 0"},
	    {"witness_quorum = 5", "witness_quorum: 0 to 4, not 5"},
	    {"witness_max_age_seconds = -1", "0 to 1000000, not -1"},
	    {"key_file = \"nokey\"", "nokey: No such file"},
	    {"key_file = \"pins\"", "pins is no file"},
	    {"key_file = \"open-key\"", "open to others (mode 0644)"},
	    {"key_file = \"\"", "key_file: is empty"},
	    {"passphrase_file = \"open-key\"", "open to others"},
	    {"pins_dir = \"key\"", "key is no directory"},
	    {"pins_dir = \"nowhere\"", "nowhere: No such file"},
	    {"documents_dir = \"key\"", "key is no directory"},
	    {"data_dir = \"wide\"", "open to others (mode 0755): chmod 700"},
	    {"data_dir = \"key\"", "key is no directory"},
	    {"data_dir = \"key/x\"", "Not a directory"},
	    {"desk_endpoint = \"tcp://broker.example:1\"", "literal IPv4"},
	    {"desk_endpoint = \"tcp://127.0.0.1\"", "literal IPv4"},
	    {"desk_endpoint = \"tcp://127.0.0.1:\"", "literal IPv4"},
	    {"desk_endpoint = \"tcp://127.0.0.1:65536\"", "literal IPv4"},
	    {"desk_endpoint = \"tcp://127.0.0.1:-1\"", "literal IPv4"},
	    {"desk_endpoint = \"tcp://127.0.0.1:7x\"", "literal IPv4"},
	    {"desk_endpoint = \"tcp://127.0.0.1:+7\"", "literal IPv4"},
	    {"desk_endpoint = \"tcp://127.0.0.1: 7\"", "literal IPv4"},
	    {"peer_endpoint = \"ipc:///tmp/x\"", "literal IPv4"},
	    {"peer_endpoint = \"\"", "literal IPv4"},
	    {"country \"JP\"", "missing equal sign"},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[1024], where[80];
		struct config c;

		snprintf(text, sizeof(text), GOOD "%s\n", cases[i].line);
		snprintf(where, sizeof(where), "%s:7: ", file);
		cr_assert_eq(read_text(text, &c), HF_CONFIG, "accepted: %s",
		    cases[i].line);
		cr_assert_eq(strncmp(said, where, strlen(where)), 0,
		    "%s: said: %s", cases[i].line, said);
		cr_assert_not_null(strstr(said, cases[i].wanted),
		    "%s: said: %s", cases[i].line, said);
	}
}

Test(config, tells_all_mistakes_at_once)
{
	static const char *const wanted[] = {":1: country", ":2: map_size_mib",
	    ":3: key_file", "data_dir is missing", "desk_endpoint is missing",
	    "peer_endpoint is missing", "pins_dir is missing"};
	struct config c;

	cr_assert_eq(read_text("country = \"x\"\nmap_size_mib = 1\n"
			       "key_file = \"none\"\n",
			 &c),
	    HF_CONFIG);
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		cr_assert_not_null(
		    strstr(said, wanted[i]), "not told: %s", wanted[i]);
	cr_assert_eq(read_text("", &c), HF_CONFIG);
	cr_assert_not_null(strstr(said, "country is missing"));
}

Test(config, says_which_file_it_cannot_read)
{
	FILE *out = fmemopen(said, sizeof(said), "w");
	struct config c;

	cr_assert_eq(config_read(&c, "/nowhere/x.conf", out), HF_CONFIG);
	fclose(out);
	cr_assert_not_null(strstr(said, "/nowhere/x.conf: No such file"));
}

Test(config, says_that_a_text_has_no_end)
{
	struct config c;

	cr_assert_eq(read_text(GOOD "documents_dir = \"docs\n", &c), HF_CONFIG);
	cr_assert_not_null(strstr(said, file), "said: %s", said);
}

/* As after a power cut: megabytes of zeros must not keep it busy. */
Test(config, refuses_a_file_that_is_no_text, .timeout = 10)
{
	static const char zeros[1u << 20];
	FILE *f = fopen(file, "w"), *out = fmemopen(said, sizeof(said), "w");
	struct config c;

	cr_assert_eq(
	    fwrite(zeros, 1, sizeof(zeros) / 32, f), sizeof(zeros) / 32);
	fclose(f);
	cr_assert_eq(config_read(&c, file, out), HF_CONFIG);
	fclose(out);
	cr_assert_not_null(strstr(said, "NUL"), "said: %s", said);
	f = fopen(file, "w");
	cr_assert_eq(fwrite(zeros, 1, sizeof(zeros), f), sizeof(zeros));
	fclose(f);
	out = fmemopen(said, sizeof(said), "w");
	cr_assert_eq(config_read(&c, file, out), HF_CONFIG);
	fclose(out);
	cr_assert_not_null(strstr(said, "longer"), "said: %s", said);
}
