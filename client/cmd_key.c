/*
 * cmd_key: keys, contexts and the agent of one home.
 */
#include "client/cmd.h"

#include "keys/agent.h"
#include "proto/crypto.h"
#include "proto/ref.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	enum secret_purpose purpose;
} purposes[] = {
    {"officer", SECRET_OFFICER},
    {"broker", SECRET_BROKER},
    {"registrar", SECRET_REGISTRAR},
    {"root", SECRET_ROOT},
};

static bool purpose_of(const char *name, enum secret_purpose *out)
{
	for (unsigned i = 0; name != NULL && i < 4; i++)
		if (strcmp(purposes[i].name, name) == 0) {
			*out = purposes[i].purpose;
			return true;
		}
	return false;
}

static void set_line(
    json_t *o, const char *name, enum hf_key_type type, struct hf_key key)
{
	char line[HF_KEYLINE_MAX];

	hf_keyline(line, type, &key);
	json_object_set_new(o, name, json_string(line));
}

static json_t *public_keys(const struct secret *s)
{
	static const enum hf_key_type sign[] = {
	    [SECRET_OFFICER] = HF_KEY_OFFICER,
	    [SECRET_BROKER] = HF_KEY_LEDGER,
	    [SECRET_REGISTRAR] = HF_KEY_REGISTRAR,
	    [SECRET_ROOT] = HF_KEY_ROOT,
	};
	enum secret_purpose p = secret_purpose(s);
	struct hf_key key = secret_sign_key(s);
	json_t *o = json_object();
	char words[256];

	set_line(o, p == SECRET_BROKER ? "ledger" : "sign", sign[p], key);
	if (p == SECRET_OFFICER || p == SECRET_BROKER)
		set_line(o, "transport",
		    p == SECRET_BROKER ? HF_KEY_BROKER : HF_KEY_TRANSPORT,
		    secret_transport_key(s));
	if (p == SECRET_BROKER)
		set_line(o, "witness", HF_KEY_WITNESS, secret_witness_key(s));
	if (p == SECRET_OFFICER)
		set_line(o, "unwrap", HF_KEY_UNWRAP, secret_unwrap_key(s));
	hf_key_words(words, sizeof(words), &key);
	json_object_set_new(o, "words", json_string(words));
	return o;
}

static void print_keys(struct args *a, json_t *o)
{
	const char *key;
	json_t *v;

	if (a->out.mode == OUT_JSON) {
		out_json(o);
		return;
	}
	json_object_foreach (o, key, v)
		printf("%-10s %s\n", key, json_string_value(v));
	json_decref(o);
}

/* --passphrase-file FILE, or "-" for standard input. */
static bool read_passphrase(struct args *a, char out[256])
{
	const char *path = arg(a, "passphrase-file");
	FILE *opened = NULL, *f = stdin;
	bool ok;

	if (strcmp(path, "-") != 0)
		f = opened = fopen(path, "re");
	ok = f != NULL && fgets(out, 256, f) != NULL;
	if (opened != NULL)
		fclose(opened);
	if (ok)
		out[strcspn(out, "\r\n")] = '\0';
	return ok && out[0] != '\0';
}

/* A new secret, or --next-epoch FILE: a broker's with another ledger key. */
static enum hf_err make_secret(struct args *a, enum secret_purpose purpose,
    const char *passphrase, struct secret **out)
{
	const char *path = arg(a, "next-epoch");
	struct secret *old = NULL;
	enum hf_err err = hf_crypto_init();

	*out = NULL;
	if (err == HF_OK && path != NULL)
		err = secret_load(&old, path, SECRET_BROKER,
		    passphrase[0] != '\0' ? passphrase : NULL);
	if (err != HF_OK)
		return err;
	*out = path != NULL ? secret_next_epoch(old) : secret_new(purpose);
	secret_free(old);
	return *out != NULL ? HF_OK : HF_NOMEM;
}

static int run_new(struct args *a)
{
	enum secret_purpose purpose;
	const char *path = arg(a, "out");
	char passphrase[256] = "";
	struct secret *s;
	enum hf_err err;

	if (!purpose_of(arg(a, "purpose"), &purpose))
		return usage_error(
		    a, "--purpose wants officer, broker, registrar or root");
	if (path == NULL)
		return usage_error(a, "--out wants the file of the secret");
	if (arg_on(a, "next-epoch") && purpose != SECRET_BROKER)
		return usage_error(a, "--next-epoch is for a broker's key");
	if (!arg_on(a, "passphrase-file") && !arg_on(a, "unprotected"))
		return usage_error(a,
		    "give --passphrase-file, or --unprotected for a key that "
		    "anyone who reads the file can use");
	if (arg_on(a, "passphrase-file") && !read_passphrase(a, passphrase))
		return usage_error(a, "--passphrase-file: no passphrase in it");
	err = make_secret(a, purpose, passphrase, &s);
	if (err != HF_OK)
		return out_error(
		    &a->out, err, NULL, arg(a, "next-epoch"), NULL, NULL);
	if (a->out.dry_run) {
		secret_free(s);
		printf("dry run: %s was not written\n", path);
		return HF_EXIT_OK;
	}
	if (!secret_is_locked(s))
		out_warning(&a->out, HF_MEMLOCK);
	err = secret_save(s, path, passphrase[0] != '\0' ? passphrase : NULL);
	hf_wipe(passphrase, sizeof(passphrase));
	if (err == HF_OK)
		print_keys(a, public_keys(s));
	secret_free(s);
	return err == HF_OK ? HF_EXIT_OK
			    : out_error(&a->out, err,
				  "the key file was not written (it must not "
				  "exist)",
				  path, NULL, NULL);
}

/* The file says its purpose; asked for another, it is refused unread. */
static enum hf_err load_any(
    struct secret **s, const char *path, const char *passphrase)
{
	enum hf_err err = HF_KEYFILE;

	for (unsigned p = SECRET_OFFICER; p <= SECRET_ROOT && err == HF_KEYFILE;
	     p++)
		err = secret_load(s, path, (enum secret_purpose)p, passphrase);
	return err;
}

static int run_show(struct args *a)
{
	char passphrase[256] = "";
	const char *given = passphrase;
	struct secret *s = NULL;
	enum secret_purpose purpose;
	enum hf_err err;

	if (arg_on(a, "purpose") && !purpose_of(arg(a, "purpose"), &purpose))
		return usage_error(
		    a, "--purpose wants officer, broker, registrar or root");
	if (arg_on(a, "passphrase-file") && !read_passphrase(a, passphrase))
		return usage_error(a, "--passphrase-file: no passphrase in it");
	if (passphrase[0] == '\0')
		given = NULL;
	err = hf_crypto_init();
	if (err == HF_OK)
		err = arg_on(a, "purpose")
			  ? secret_load(&s, a->positional[0], purpose, given)
			  : load_any(&s, a->positional[0], given);
	hf_wipe(passphrase, sizeof(passphrase));
	if (err != HF_OK)
		return out_error(
		    &a->out, err, NULL, a->positional[0], NULL, NULL);
	if (!secret_is_locked(s))
		out_warning(&a->out, HF_MEMLOCK);
	print_keys(a, public_keys(s));
	secret_free(s);
	return HF_EXIT_OK;
}

/* Words of any typed key line: to be read on the telephone. */
static int run_fingerprint(struct args *a)
{
	char words[256];
	struct hf_key key;

	for (unsigned t = HF_KEY_OFFICER; t <= HF_KEY_ROOT; t++) {
		if (hf_keyline_read(
			&key, (enum hf_key_type)t, a->positional[0]) != HF_OK)
			continue;
		hf_key_words(words, sizeof(words), &key);
		if (a->out.mode == OUT_JSON)
			out_json(json_pack("{s:s, s:s}", "key",
			    a->positional[0], "words", words));
		else
			printf("%s\n", words);
		return HF_EXIT_OK;
	}
	return usage_error(a, "a typed key line such as hfr1:... is wanted");
}

/* ---- agent ---- */

static bool agent_lives(const char *path)
{
	struct signer *s;

	if (agent_connect(&s, path) != HF_OK)
		return false;
	signer_free(s);
	return true;
}

/* The agent in a session of its own, without the terminal.  Not daemon(3):
 * its parent has said "done" before the child has anything. */
static enum hf_err serve_behind(
    int listener, const char *path, struct secret *secret, unsigned idle_s)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = null >= 0 ? fork() : -1;
	enum hf_err err = HF_FILE;

	if (pid == 0) {
		setsid();
		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			dup2(null, fd);
		agent_serve(listener, path, secret, idle_s);
		_exit(HF_EXIT_OK);
	}
	/* first, so that a child that ended refuses who knocks */
	close(listener);
	if (pid < 0) {
		unlink(path);
	} else if (agent_lives(path)) {
		err = HF_OK;
	} else {
		kill(pid, SIGKILL);
		err = HF_AGENT;
	}
	if (null >= 0)
		close(null);
	secret_free(secret);
	return err;
}

/* The key that the agent is to hold; its passphrase may be asked for. */
static enum hf_err unlock_key(
    struct args *a, struct home *h, struct secret **secret)
{
	char passphrase[256] = "";
	bool is_protected = false;
	enum hf_err err = secret_is_protected(h->key_file, &is_protected);

	if (err == HF_OK && arg_on(a, "passphrase-file") &&
	    !read_passphrase(a, passphrase))
		err = HF_PASSPHRASE;
	if (err == HF_OK && is_protected && passphrase[0] == '\0' &&
	    !home_prompt(h, passphrase, sizeof(passphrase)))
		err = HF_PASSPHRASE;
	if (err == HF_OK)
		err = secret_load(secret, h->key_file, SECRET_OFFICER,
		    passphrase[0] != '\0' ? passphrase : NULL);
	hf_wipe(passphrase, sizeof(passphrase));
	/* said before it leaves the terminal */
	if (err == HF_OK && !secret_is_locked(*secret))
		out_warning(&a->out, HF_MEMLOCK);
	return err;
}

/* Status 0 in the background means: it answers. */
static enum hf_err start_agent(struct args *a, struct home *h, const char *path)
{
	const char *idle = arg(a, "idle");
	unsigned idle_s =
	    idle != NULL ? (unsigned)strtoul(idle, NULL, 10) : 3600;
	struct secret *secret = NULL;
	enum hf_err err = unlock_key(a, h, &secret);
	int listener;

	if (err == HF_OK)
		err = agent_listen(&listener, path);
	if (err != HF_OK) {
		secret_free(secret);
		return err;
	}
	if (!arg_on(a, "foreground"))
		return serve_behind(listener, path, secret, idle_s);
	agent_serve(listener, path, secret, idle_s);
	return HF_OK;
}

static int run_agent(struct args *a)
{
	char path[HOME_PATH_MAX + 16];
	struct home h;
	enum hf_err err;

	memset(&h, 0, sizeof(h));
	err = home_open(&h, a->home, a->context);
	if (err != HF_OK)
		return out_error(&a->out, err, h.problem, NULL, NULL, NULL);
	snprintf(path, sizeof(path), "%s/agent.sock", h.path);
	if (arg_on(a, "stop"))
		err = agent_stop(path);
	else if (!agent_lives(path))
		err = start_agent(a, &h, path);
	else {
		home_close(&h);
		return out_error(&a->out, HF_FILE,
		    "an agent serves this home already", path,
		    "it goes on; nothing was changed",
		    "to use another key: holdfast agent --stop, then again");
	}
	home_close(&h);
	return err == HF_OK ? HF_EXIT_OK
			    : out_error(&a->out, err, NULL, path, NULL, NULL);
}

/* ---- contexts ---- */

static void context_file(
    char out[HOME_PATH_MAX + 128], const char *home, const char *name)
{
	snprintf(out, HOME_PATH_MAX + 128, "%s/contexts/%s.json", home, name);
}

static bool home_path(struct args *a, char out[HOME_PATH_MAX])
{
	const char *home = a->home != NULL ? a->home : getenv("HOLDFAST_HOME");

	if (home != NULL)
		snprintf(out, HOME_PATH_MAX, "%s", home);
	else if (getenv("HOME") != NULL)
		snprintf(out, HOME_PATH_MAX, "%s/.holdfast", getenv("HOME"));
	else
		return false;
	return true;
}

static bool name_ok(const char *name)
{
	return name[0] != '\0' && strlen(name) < 60 &&
	       strspn(name,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789.-_") == strlen(name) &&
	       name[0] != '.';
}

static int make_current(struct args *a, const char *home, const char *name)
{
	char path[HOME_PATH_MAX + 128];
	enum hf_err err;

	snprintf(path, sizeof(path), "%s/current", home);
	err = home_write(path, name, strlen(name), 0600);
	return err == HF_OK ? HF_EXIT_OK
			    : out_error(&a->out, err, NULL, path, NULL, NULL);
}

static int run_context_new(struct args *a)
{
	static const char *const names[] = {
	    "broker", "broker-key", "country", "desk", "key"};
	static const char *const members[] = {
	    "broker", "broker_key", "country", "desk", "key"};
	char home[HOME_PATH_MAX], path[HOME_PATH_MAX + 128];
	const char *name = a->positional[0];
	json_t *o = json_object();
	char *text;
	enum hf_err err;

	if (!name_ok(name) || !home_path(a, home)) {
		json_decref(o);
		return usage_error(a, "a name of letters and digits is wanted");
	}
	for (unsigned i = 0; i < 5; i++) {
		const char *v = arg(a, names[i]);

		if (v == NULL && i < 4) {
			json_decref(o);
			return usage_error(a,
			    "--broker, --broker-key, --country and --desk are "
			    "wanted");
		}
		json_object_set_new(
		    o, members[i], json_string(v != NULL ? v : "officer.key"));
	}
	home_make_dir(home);
	snprintf(path, sizeof(path), "%s/contexts", home);
	home_make_dir(path);
	context_file(path, home, name);
	text = json_dumps(o, JSON_INDENT(2) | JSON_SORT_KEYS);
	json_decref(o);
	err = text == NULL ? HF_NOMEM
			   : home_write(path, text, strlen(text), 0600);
	free(text);
	if (err != HF_OK)
		return out_error(&a->out, err, NULL, path, NULL, NULL);
	return make_current(a, home, name);
}

static int run_context_ls(struct args *a)
{
	char home[HOME_PATH_MAX], path[HOME_PATH_MAX + 128];
	struct dirent **list = NULL;
	uint8_t *current = NULL;
	size_t size;
	enum hf_err err;
	int n;

	if (!home_path(a, home))
		return usage_error(a, "--home is wanted");
	snprintf(path, sizeof(path), "%s/current", home);
	err = home_read(path, 64, &current, &size);
	if (err == HF_OK)
		current[strcspn((char *)current, "\r\n")] = '\0';
	else if (err != HF_FILE || errno != ENOENT)
		return out_error(&a->out, err, NULL, path, NULL, NULL);
	snprintf(path, sizeof(path), "%s/contexts", home);
	n = scandir(path, &list, NULL, alphasort);
	if (n < 0 && errno != ENOENT)
		return out_error(&a->out, HF_FILE, NULL, path, NULL, NULL);
	for (int i = 0; i < n; i++) {
		char *name = list[i]->d_name;
		size_t length = strlen(name);

		if (length > 5 && strcmp(name + length - 5, ".json") == 0) {
			bool in_use;

			name[length - 5] = '\0';
			in_use = current != NULL &&
				 strcmp((char *)current, name) == 0;
			if (a->out.mode == OUT_JSON)
				out_json(json_pack("{s:s, s:b}", "name", name,
				    "current", (int)in_use));
			else
				printf("%s %s\n", in_use ? "*" : " ", name);
		}
		free(list[i]);
	}
	free(list);
	free(current);
	return HF_EXIT_OK;
}

static int run_context_show(struct args *a)
{
	struct home h;
	char line[HF_KEYLINE_MAX];
	enum hf_err err = home_open(&h, a->home, a->context);

	if (err != HF_OK)
		return out_error(&a->out, err, h.problem, NULL, NULL, NULL);
	hf_keyline(line, HF_KEY_BROKER, &h.broker_key);
	if (a->out.mode == OUT_JSON)
		out_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
		    "home", h.path, "context", h.context, "broker", h.broker,
		    "broker_key", line, "country", h.country.s, "desk",
		    h.desk.s, "key", h.key_file));
	else
		printf("home     %s\ncontext  %s\nbroker   %s\n         "
		       "%s\ncountry  %s\ndesk     %s\nkey      %s\n",
		    h.path, h.context, h.broker, line, h.country.s, h.desk.s,
		    h.key_file);
	home_close(&h);
	return HF_EXIT_OK;
}

static int run_context_use(struct args *a)
{
	char home[HOME_PATH_MAX], path[HOME_PATH_MAX + 128];

	if (!name_ok(a->positional[0]) || !home_path(a, home))
		return usage_error(a, "the name of a context is wanted");
	context_file(path, home, a->positional[0]);
	if (access(path, R_OK) != 0)
		return out_error(&a->out, HF_CONTEXT, NULL, path, NULL, NULL);
	return make_current(a, home, a->positional[0]);
}

#define END \
	{ \
		NULL, 0, false, false, NULL, NULL \
	}
#define PASS \
	{ \
		"passphrase-file", 0, true, false, "FILE", \
		    "first line is the passphrase (- for standard input)" \
	}
#define NONE \
	{ \
		NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL \
	}
static const struct option_spec key_new_options[] = {
    {"purpose", 0, true, false, "WHAT", "officer, broker, registrar, root"},
    {"out", 0, true, false, "FILE", "file of the secret (0600)"}, PASS,
    {"unprotected", 0, false, false, NULL, "no passphrase"},
    {"next-epoch", 0, true, false, "FILE",
	"a broker's key file: keep its transport and witness keys, make "
	"another "
	"ledger key"},
    END};
static const struct option_spec key_show_options[] = {
    {"purpose", 0, true, false, "WHAT",
	"refuse a file of another: officer, broker, registrar, root"},
    PASS, END};
static const struct option_spec agent_options[] = {PASS,
    {"idle", 0, true, false, "SECONDS", "end after so long (3600)"},
    {"foreground", 0, false, false, NULL, "do not go to the background"},
    {"stop", 0, false, false, NULL, "end the running agent"}, END};
static const struct option_spec context_options[] = {
    {"broker", 0, true, false, "ENDPOINT", "tcp://address:port"},
    {"broker-key", 0, true, false, "KEY", "hfb1: line of the broker"},
    {"country", 0, true, false, "CC", "own country"},
    {"desk", 0, true, false, "DESK", "own desk"},
    {"key", 0, true, false, "FILE", "secret file (officer.key)"}, END};

const struct command cmd_key[] = {
    {"key", "new", "--purpose WHAT --out FILE",
	"Make a key; prints its public halves",
	"  holdfast key new --purpose officer --out officer.key "
	"--passphrase-file -\n",
	CMD_OFFLINE, 0, 0, key_new_options, run_new},
    {"key", "show", "FILE", "Public halves of a key file", "",
	CMD_READS | CMD_OFFLINE, 1, 1, key_show_options, run_show},
    {"key", "fingerprint", "KEY", "Twelve words of a typed key line", "",
	CMD_READS | CMD_OFFLINE, 1, 1, NULL, run_fingerprint},
    {"agent", NULL, "[--idle SECONDS] [--stop]",
	"Hold the unlocked key, so that commands are quick", "", CMD_OFFLINE, 0,
	0, agent_options, run_agent},
    NONE,
};
const struct command cmd_context[] = {
    {"context", "new", "NAME --broker E --broker-key K --country CC --desk D",
	"Set up this home for a broker", "", CMD_OFFLINE, 1, 1, context_options,
	run_context_new},
    {"context", "ls", "", "Contexts of this home", "", CMD_READS | CMD_OFFLINE,
	0, 0, NULL, run_context_ls},
    {"context", "show", "", "The context in use", "", CMD_READS | CMD_OFFLINE,
	0, 0, NULL, run_context_show},
    {"context", "use", "NAME", "Use another context", "", CMD_OFFLINE, 1, 1,
	NULL, run_context_use},
    NONE,
};
