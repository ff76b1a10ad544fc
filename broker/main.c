#include "broker/backup.h"
#include "broker/config.h"
#include "broker/log.h"
#include "broker/supervisor.h"

#include <getopt.h>
#include <string.h>

static int usage(FILE *out, int status)
{
	fprintf(out,
	    "usage: holdfastd [-c FILE] [--check | --backup DIR |\n"
	    "                 --restore DIR/COPY] [--accept-rollback]\n\n"
	    "The broker of one country.  Runs in the foreground.\n\n"
	    "  holdfastd --check -c /etc/holdfast/holdfastd.conf\n"
	    "  holdfastd -c /etc/holdfast/holdfastd.conf\n\n"
	    "  -c, --config FILE  configuration "
	    "(/etc/holdfast/holdfastd.conf)\n"
	    "      --check        check the configuration and end: 0 good, 9 "
	    "not\n"
	    "      --accept-rollback\n"
	    "                     once, after a loss that cannot be undone: "
	    "begin the\n"
	    "                     epoch of ledger_epoch with the data that are "
	    "here\n"
	    "      --backup DIR   copy the data, which may be in use, and "
	    "verify the copy\n"
	    "      --restore DIR/COPY\n"
	    "                     verify a copy and put it into data_dir\n"
	    "      --version\n"
	    "  -h, --help\n\n"
	    "SIGTERM stops cleanly, SIGHUP reads pins and documents again "
	    "and\nsays that the time is right.\n");
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"check", no_argument, NULL, 'k'},
	    {"accept-rollback", no_argument, NULL, 'a'},
	    {"backup", required_argument, NULL, 'b'},
	    {"restore", required_argument, NULL, 't'},
	    {"role", required_argument, NULL, 'r'},
	    {"version", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	const char *file = "/etc/holdfast/holdfastd.conf", *role = NULL;
	const char *backup = NULL, *restore = NULL;
	static struct config config;
	bool check = false, accept_rollback = false;
	int got;

	while ((got = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (got) {
		case 'c':
			file = optarg;
			break;
		case 'k':
			check = true;
			break;
		case 'a':
			accept_rollback = true;
			break;
		case 'b':
			backup = optarg;
			break;
		case 't':
			restore = optarg;
			break;
		case 'r':
			role = optarg;
			break;
		case 'v':
			printf("holdfastd " HOLDFAST_VERSION "\n");
			return 0;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, 2);
		}
	}
	if (optind < argc || (backup != NULL && restore != NULL))
		return usage(stderr, 2);
	if (role != NULL)
		return supervisor_child(role, file);
	if (config_read(&config, file, stderr) != HF_OK) {
		if (!check)
			log_line(LOG_ERROR, HF_CONFIG, "cannot start: %s: %s",
			    file, hf_err_info(HF_CONFIG)->cure);
		return 9;
	}
	if (check) {
		printf("%s: ok\n", file);
		return 0;
	}
	config.accept_rollback = accept_rollback;
	if (backup != NULL || restore != NULL)
		return backup_main(&config, backup, restore);
	return supervisor_run(&config);
}
