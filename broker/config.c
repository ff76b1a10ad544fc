#include "broker/config.h"

#include "proto/cosign.h"
#include "proto/wire.h"

#include <arpa/inet.h>
#include <confuse.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Every problem is told in one run: a check that fails prints its line and
 * lets the parser go on; only what libconfuse itself cannot read ends it.
 * It reports through a callback without a context, hence the two statics.
 */
static FILE *report;
static unsigned problems;

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
	fprintf(report, "%s:%d: ", cfg->filename != NULL ? cfg->filename : "?",
	    cfg->line);
	vfprintf(report, format, args);
	fputc('\n', report);
	problems++;
}

static int check_country(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *s = cfg_opt_getnstr(opt, 0);

	if (hf_country_ok(s, strlen(s)))
		return 0;
	cfg_error(cfg, "country: two capital letters are wanted, not '%s'", s);
	return 0;
}

/* Gates bind and dial literal addresses only. */
static int check_endpoint(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *s = cfg_opt_getnstr(opt, 0);
	const char *colon = strrchr(s, ':');
	char host[64], *end;
	struct in_addr address;
	long port;

	if (strncmp(s, "tcp://", 6) == 0 && colon > s + 5 &&
	    (size_t)(colon - s - 6) < sizeof(host)) {
		memcpy(host, s + 6, (size_t)(colon - s - 6));
		host[colon - s - 6] = '\0';
		port = strtol(colon + 1, &end, 10);
		if (colon[1] >= '0' && colon[1] <= '9' && *end == '\0' &&
		    port <= 65535 && inet_pton(AF_INET, host, &address) == 1)
			return 0;
	}
	cfg_error(cfg,
	    "%s: tcp://ADDRESS:PORT with a literal IPv4 address is wanted, "
	    "not '%s'",
	    opt->name, s);
	return 0;
}

static int check_size(cfg_t *cfg, cfg_opt_t *opt)
{
	long n = cfg_opt_getnint(opt, 0);

	if (n >= 16 && n <= 1048576)
		return 0;
	cfg_error(cfg, "map_size_mib: 16 to 1048576 MiB, not %ld", n);
	return 0;
}

static int check_reserve(cfg_t *cfg, cfg_opt_t *opt)
{
	long n = cfg_opt_getnint(opt, 0);

	if (n < 0 || n > 1048576)
		cfg_error(
		    cfg, "disk_reserve_mib: 0 to 1048576 MiB, not %ld", n);
	return 0;
}

static int check_epoch(cfg_t *cfg, cfg_opt_t *opt)
{
	long n = cfg_opt_getnint(opt, 0);

	if (n < 1 || n > 1000000)
		cfg_error(cfg, "ledger_epoch: 1 to 1000000, not %ld", n);
	return 0;
}

static int check_count(cfg_t *cfg, cfg_opt_t *opt)
{
	long n = cfg_opt_getnint(opt, 0);

	if (n >= 0 && n <= 1000000)
		return 0;
	cfg_error(cfg, "%s: 0 to 1000000, not %ld", opt->name, n);
	return 0;
}

static int check_percent(cfg_t *cfg, cfg_opt_t *opt)
{
	long n = cfg_opt_getnint(opt, 0);

	if (n < 1 || n > 100)
		cfg_error(cfg, "%s: 1 to 100, not %ld", opt->name, n);
	return 0;
}

static int check_from_one(cfg_t *cfg, cfg_opt_t *opt)
{
	long n = cfg_opt_getnint(opt, 0);
	long most = strcmp(opt->name, "session_hours_max") == 0 ? 24 : 100000;

	if (n < 1 || n > most)
		cfg_error(cfg, "%s: 1 to %ld, not %ld", opt->name, most, n);
	return 0;
}

static int check_witnesses(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned n = cfg_opt_size(opt);

	if (n > HF_WITNESSES_MAX)
		cfg_error(
		    cfg, "witnesses: at most %u, not %u", HF_WITNESSES_MAX, n);
	for (unsigned i = 0; i < n; i++)
		if (!hf_country_ok(cfg_opt_getnstr(opt, i),
			strlen(cfg_opt_getnstr(opt, i))))
			cfg_error(cfg,
			    "witnesses: two capital letters each, not '%s'",
			    cfg_opt_getnstr(opt, i));
	return 0;
}

static int check_quorum(cfg_t *cfg, cfg_opt_t *opt)
{
	long n = cfg_opt_getnint(opt, 0);

	if (n < 0 || n > (long)HF_COSIGNATURE_MAX)
		cfg_error(cfg, "witness_quorum: 0 to %u, not %ld",
		    HF_COSIGNATURE_MAX, n);
	return 0;
}

static bool has_text(cfg_t *cfg, cfg_opt_t *opt, size_t capacity)
{
	const char *s = cfg_opt_getnstr(opt, 0);

	if (s[0] != '\0' && strlen(s) < capacity)
		return true;
	cfg_error(cfg, "%s: %s", opt->name,
	    s[0] == '\0' ? "is empty" : "is too long");
	return false;
}

static int check_file(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *s = cfg_opt_getnstr(opt, 0);
	struct stat st;

	if (!has_text(cfg, opt, CONFIG_PATH_MAX))
		return 0;
	if (stat(s, &st) != 0)
		cfg_error(cfg, "%s: %s: %s", opt->name, s, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		cfg_error(cfg, "%s: %s is no file", opt->name, s);
	else if ((st.st_mode & 077) != 0)
		cfg_error(cfg,
		    "%s: %s is open to others (mode %04o): chmod 600",
		    opt->name, s, (unsigned)st.st_mode & 07777u);
	return 0;
}

static int check_dir(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *s = cfg_opt_getnstr(opt, 0);
	struct stat st;

	if (!has_text(cfg, opt, CONFIG_PATH_MAX))
		return 0;
	if (stat(s, &st) != 0)
		cfg_error(cfg, "%s: %s: %s", opt->name, s, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		cfg_error(cfg, "%s: %s is no directory", opt->name, s);
	return 0;
}

/* Made at the first start; then nobody else may look into it. */
static int check_data_dir(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *s = cfg_opt_getnstr(opt, 0);
	struct stat st;

	if (!has_text(cfg, opt, CONFIG_PATH_MAX - 32))
		return 0;
	if (stat(s, &st) != 0) {
		if (errno != ENOENT)
			cfg_error(
			    cfg, "%s: %s: %s", opt->name, s, strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		cfg_error(cfg, "%s: %s is no directory", opt->name, s);
	} else if ((st.st_mode & 077) != 0) {
		cfg_error(cfg,
		    "%s: %s is open to others (mode %04o): chmod 700",
		    opt->name, s, (unsigned)st.st_mode & 07777u);
	}
	return 0;
}

static void copy(
    char *out, size_t capacity, cfg_t *cfg, const char *name, bool mandatory)
{
	const char *s = cfg_getstr(cfg, name);

	out[0] = '\0';
	if (s != NULL) {
		snprintf(out, capacity, "%s", s);
	} else if (mandatory) {
		fprintf(report, "%s: %s is missing\n", cfg->filename, name);
		problems++;
	}
}

static void fill_quotas(struct admission_options *o, cfg_t *cfg)
{
	static const char *const of[] = {"routine", "urgent", "emergency"};

	for (unsigned i = 0; i < 3; i++) {
		char name[48];

		snprintf(name, sizeof(name), "desk_%s_per_minute", of[i]);
		o->desk_acts[i] = (uint32_t)cfg_getint(cfg, name);
		snprintf(name, sizeof(name), "peer_%s_per_minute", of[i]);
		o->peer_acts[i] = (uint32_t)cfg_getint(cfg, name);
	}
	o->desk_reads = (uint32_t)cfg_getint(cfg, "desk_reads_per_minute");
	o->peer_frames = (uint32_t)cfg_getint(cfg, "peer_frames_per_minute");
}

static void fill(struct config *c, cfg_t *cfg)
{
	copy(c->country.s, sizeof(c->country.s), cfg, "country", true);
	copy(c->data_dir, sizeof(c->data_dir), cfg, "data_dir", true);
	copy(c->key_file, sizeof(c->key_file), cfg, "key_file", true);
	copy(c->passphrase_file, sizeof(c->passphrase_file), cfg,
	    "passphrase_file", false);
	copy(c->desk_endpoint, sizeof(c->desk_endpoint), cfg, "desk_endpoint",
	    true);
	copy(c->peer_endpoint, sizeof(c->peer_endpoint), cfg, "peer_endpoint",
	    true);
	copy(c->pins_dir, sizeof(c->pins_dir), cfg, "pins_dir", true);
	copy(c->documents_dir, sizeof(c->documents_dir), cfg, "documents_dir",
	    false);
	c->map_size = (size_t)cfg_getint(cfg, "map_size_mib") << 20;
	c->disk_reserve = (uint64_t)cfg_getint(cfg, "disk_reserve_mib") << 20;
	c->epoch = (uint32_t)cfg_getint(cfg, "ledger_epoch");
	c->quota_acts_per_minute =
	    (uint32_t)cfg_getint(cfg, "quota_acts_per_minute");
	c->restarts_per_minute =
	    (uint32_t)cfg_getint(cfg, "restarts_per_minute");
	c->connections_max = (uint32_t)cfg_getint(cfg, "connections_max");
	c->source_connections_max =
	    (uint32_t)cfg_getint(cfg, "source_connections_max");
	c->handshakes_max = (uint32_t)cfg_getint(cfg, "handshakes_max");
	c->session_hours_max = (uint32_t)cfg_getint(cfg, "session_hours_max");
	fill_quotas(&c->admission, cfg);
	c->routine_percent = (uint32_t)cfg_getint(cfg, "routine_percent");
	c->emergency_percent = (uint32_t)cfg_getint(cfg, "emergency_percent");
	c->witness_count = cfg_size(cfg, "witnesses");
	for (unsigned i = 0; i < c->witness_count && i < HF_WITNESSES_MAX; i++)
		snprintf(c->witnesses[i].s, sizeof(c->witnesses[i].s), "%.2s",
		    cfg_getnstr(cfg, "witnesses", i));
	c->witness_quorum = (unsigned)cfg_getint(cfg, "witness_quorum");
	c->witness_max_age_s =
	    (uint32_t)cfg_getint(cfg, "witness_max_age_seconds");
}

static const struct {
	const char *name;
	cfg_validate_callback_t check;
} checks[] = {
    {"country", check_country},
    {"data_dir", check_data_dir},
    {"key_file", check_file},
    {"passphrase_file", check_file},
    {"desk_endpoint", check_endpoint},
    {"peer_endpoint", check_endpoint},
    {"pins_dir", check_dir},
    {"documents_dir", check_dir},
    {"map_size_mib", check_size},
    {"disk_reserve_mib", check_reserve},
    {"ledger_epoch", check_epoch},
    {"quota_acts_per_minute", check_count},
    {"restarts_per_minute", check_count},
    {"desk_routine_per_minute", check_count},
    {"desk_urgent_per_minute", check_count},
    {"desk_emergency_per_minute", check_count},
    {"desk_reads_per_minute", check_count},
    {"peer_routine_per_minute", check_count},
    {"peer_urgent_per_minute", check_count},
    {"peer_emergency_per_minute", check_count},
    {"peer_frames_per_minute", check_count},
    {"routine_percent", check_percent},
    {"emergency_percent", check_percent},
    {"connections_max", check_from_one},
    {"source_connections_max", check_from_one},
    {"handshakes_max", check_from_one},
    {"session_hours_max", check_from_one},
    {"witnesses", check_witnesses},
    {"witness_quorum", check_quorum},
    {"witness_max_age_seconds", check_count},
};

/* Text, and not too much of it: over NUL bytes, which a damaged file is full
 * of, libconfuse needs time by the square of their number. */
static bool is_text(const char *file, FILE *out)
{
	static char bytes[CONFIG_SIZE_MAX + 1];
	FILE *f = fopen(file, "re");
	size_t size;

	if (f == NULL) {
		fprintf(out, "%s: %s\n", file, strerror(errno));
		return false;
	}
	size = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	if (size == sizeof(bytes))
		fprintf(
		    out, "%s: longer than %u bytes\n", file, CONFIG_SIZE_MAX);
	else if (memchr(bytes, '\0', size) != NULL)
		fprintf(out, "%s: has a NUL byte: no text\n", file);
	else
		return true;
	return false;
}

enum hf_err config_read(struct config *c, const char *file, FILE *out)
{
	cfg_opt_t options[] = {
	    CFG_STR("country", NULL, CFGF_NONE),
	    CFG_STR("data_dir", NULL, CFGF_NONE),
	    CFG_STR("key_file", NULL, CFGF_NONE),
	    CFG_STR("passphrase_file", NULL, CFGF_NONE),
	    CFG_STR("desk_endpoint", NULL, CFGF_NONE),
	    CFG_STR("peer_endpoint", NULL, CFGF_NONE),
	    CFG_STR("pins_dir", NULL, CFGF_NONE),
	    CFG_STR("documents_dir", NULL, CFGF_NONE),
	    CFG_INT("map_size_mib", 4096, CFGF_NONE),
	    CFG_INT("disk_reserve_mib", 16, CFGF_NONE),
	    CFG_INT("ledger_epoch", 1, CFGF_NONE),
	    CFG_INT("quota_acts_per_minute", 0, CFGF_NONE),
	    CFG_INT("restarts_per_minute", 10, CFGF_NONE),
	    CFG_INT("desk_routine_per_minute", 6000, CFGF_NONE),
	    CFG_INT("desk_urgent_per_minute", 6000, CFGF_NONE),
	    CFG_INT("desk_emergency_per_minute", 600, CFGF_NONE),
	    CFG_INT("desk_reads_per_minute", 60000, CFGF_NONE),
	    CFG_INT("peer_routine_per_minute", 30000, CFGF_NONE),
	    CFG_INT("peer_urgent_per_minute", 30000, CFGF_NONE),
	    CFG_INT("peer_emergency_per_minute", 6000, CFGF_NONE),
	    CFG_INT("peer_frames_per_minute", 60000, CFGF_NONE),
	    CFG_INT("routine_percent", 80, CFGF_NONE),
	    CFG_INT("emergency_percent", 90, CFGF_NONE),
	    CFG_INT("connections_max", 512, CFGF_NONE),
	    CFG_INT("source_connections_max", 64, CFGF_NONE),
	    CFG_INT("handshakes_max", 128, CFGF_NONE),
	    CFG_INT("session_hours_max", 24, CFGF_NONE),
	    CFG_STR_LIST("witnesses", "{}", CFGF_NONE),
	    CFG_INT("witness_quorum", 1, CFGF_NONE),
	    CFG_INT("witness_max_age_seconds", 900, CFGF_NONE),
	    CFG_END(),
	};
	cfg_t *cfg = cfg_init(options, CFGF_NONE);
	int rc;

	memset(c, 0, sizeof(*c));
	report = out;
	problems = 0;
	if (cfg == NULL)
		return HF_NOMEM;
	if (!is_text(file, out)) {
		cfg_free(cfg);
		return HF_CONFIG;
	}
	cfg_set_error_function(cfg, on_error);
	for (unsigned i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		cfg_set_validate_func(cfg, checks[i].name, checks[i].check);
	rc = cfg_parse(cfg, file);
	if (rc == CFG_FILE_ERROR) {
		fprintf(out, "%s: %s\n", file, strerror(errno));
		problems++;
	} else if (snprintf(c->file, sizeof(c->file), "%s", file) >=
		   (int)sizeof(c->file)) {
		fprintf(out, "%s: the path is too long\n", file);
		problems++;
	} else if (rc == CFG_SUCCESS) {
		fill(c, cfg);
	} else if (problems == 0) {
		/* libconfuse says nothing when the file ends too early */
		fprintf(out, "%s: ends within a text or a setting\n", file);
		problems++;
	}
	cfg_free(cfg);
	return rc == CFG_SUCCESS && problems == 0 ? HF_OK : HF_CONFIG;
}
