#include "broker/config.h"

#include "proto/wire.h"

#include <arpa/inet.h>
#include <confuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* libconfuse reports through a callback without a context of its own. */
static FILE *report;

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
	fprintf(report, "%s:%d: ", cfg->filename != NULL ? cfg->filename : "?",
	    cfg->line);
	vfprintf(report, format, args);
	fputc('\n', report);
}

static int check_country(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *s = cfg_opt_getnstr(opt, 0);

	if (hf_country_ok(s, strlen(s)))
		return 0;
	cfg_error(cfg, "country: two capital letters are wanted, not '%s'", s);
	return -1;
}

/* Gates bind and dial literal addresses only. */
static int check_endpoint(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *s = cfg_opt_getnstr(opt, 0);
	const char *colon = strrchr(s, ':');
	char host[64], *end = NULL;
	struct in_addr address;
	long port = -1;

	if (strncmp(s, "tcp://", 6) == 0 && colon > s + 5 &&
	    (size_t)(colon - s - 6) < sizeof(host)) {
		memcpy(host, s + 6, (size_t)(colon - s - 6));
		host[colon - s - 6] = '\0';
		port = strtol(colon + 1, &end, 10);
		if (end != colon + 1 && *end == '\0' && port >= 0 &&
		    port <= 65535 && inet_pton(AF_INET, host, &address) == 1)
			return 0;
	}
	cfg_error(cfg,
	    "%s: tcp://ADDRESS:PORT with a literal IPv4 address is wanted, "
	    "not '%s'",
	    opt->name, s);
	return -1;
}

static int check_size(cfg_t *cfg, cfg_opt_t *opt)
{
	long n = cfg_opt_getnint(opt, 0);

	if (n >= 16 && n <= 1048576)
		return 0;
	cfg_error(cfg, "map_size_mib: 16 to 1048576 MiB, not %ld", n);
	return -1;
}

static int check_count(cfg_t *cfg, cfg_opt_t *opt)
{
	long n = cfg_opt_getnint(opt, 0);

	if (n >= 0 && n <= 1000000)
		return 0;
	cfg_error(cfg, "%s: 0 to 1000000, not %ld", opt->name, n);
	return -1;
}

static bool copy(
    char *out, size_t capacity, cfg_t *cfg, const char *name, bool mandatory)
{
	const char *s = cfg_getstr(cfg, name);

	if (s == NULL || s[0] == '\0') {
		out[0] = '\0';
		if (mandatory)
			fprintf(report, "%s: '%s' is missing\n", cfg->filename,
			    name);
		return !mandatory;
	}
	if (strlen(s) >= capacity) {
		fprintf(report, "%s: '%s' is too long\n", cfg->filename, name);
		return false;
	}
	memcpy(out, s, strlen(s) + 1);
	return true;
}

static bool file_ok(
    const struct config *c, const char *name, const char *path, bool directory)
{
	struct stat st;

	if (path[0] == '\0')
		return true;
	if (stat(path, &st) == 0 &&
	    (directory ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)))
		return true;
	fprintf(report, "%s: %s: %s is no %s\n", c->file, name, path,
	    directory ? "directory" : "file");
	return false;
}

static bool fill(struct config *c, cfg_t *cfg)
{
	bool ok = true;
	char country[8];

	ok &= copy(country, sizeof(country), cfg, "country", true);
	memcpy(c->country.s, country, 3);
	ok &= copy(c->data_dir, sizeof(c->data_dir), cfg, "data_dir", true);
	ok &= copy(c->key_file, sizeof(c->key_file), cfg, "key_file", true);
	ok &= copy(c->passphrase_file, sizeof(c->passphrase_file), cfg,
	    "passphrase_file", false);
	ok &= copy(c->desk_endpoint, sizeof(c->desk_endpoint), cfg,
	    "desk_endpoint", true);
	ok &= copy(c->peer_endpoint, sizeof(c->peer_endpoint), cfg,
	    "peer_endpoint", true);
	ok &= copy(c->pins_dir, sizeof(c->pins_dir), cfg, "pins_dir", true);
	ok &= copy(c->documents_dir, sizeof(c->documents_dir), cfg,
	    "documents_dir", false);
	ok &= file_ok(c, "key_file", c->key_file, false);
	ok &= file_ok(c, "passphrase_file", c->passphrase_file, false);
	ok &= file_ok(c, "pins_dir", c->pins_dir, true);
	ok &= file_ok(c, "documents_dir", c->documents_dir, true);
	c->map_size = (size_t)cfg_getint(cfg, "map_size_mib") << 20;
	c->epoch = (uint32_t)cfg_getint(cfg, "ledger_epoch");
	c->quota_acts_per_minute =
	    (uint32_t)cfg_getint(cfg, "quota_acts_per_minute");
	if (c->epoch == 0) {
		fprintf(report, "%s: ledger_epoch begins at 1\n", c->file);
		ok = false;
	}
	return ok;
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
	    CFG_INT("ledger_epoch", 1, CFGF_NONE),
	    CFG_INT("quota_acts_per_minute", 0, CFGF_NONE),
	    CFG_END(),
	};
	cfg_t *cfg = cfg_init(options, CFGF_NONE);
	enum hf_err err = HF_CONFIG;
	int rc;

	memset(c, 0, sizeof(*c));
	report = out;
	if (cfg == NULL)
		return HF_NOMEM;
	snprintf(c->file, sizeof(c->file), "%s", file);
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "country", check_country);
	cfg_set_validate_func(cfg, "desk_endpoint", check_endpoint);
	cfg_set_validate_func(cfg, "peer_endpoint", check_endpoint);
	cfg_set_validate_func(cfg, "map_size_mib", check_size);
	cfg_set_validate_func(cfg, "ledger_epoch", check_count);
	cfg_set_validate_func(cfg, "quota_acts_per_minute", check_count);
	rc = cfg_parse(cfg, file);
	if (rc == CFG_FILE_ERROR)
		fprintf(out, "%s: cannot be read\n", file);
	else if (rc == CFG_SUCCESS && fill(c, cfg))
		err = HF_OK;
	cfg_free(cfg);
	return err;
}
