#include "broker/confine.h"

#include "broker/confine_internal.h"
#include "broker/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

struct confine_offer confine_probe(void)
{
	return (struct confine_offer){
	    confine_calls_offered(), confine_files_offered()};
}

bool confine_is_whole(const struct confine_offer *o)
{
	return o->seccomp && o->landlock >= 1;
}

void confine_harden(void)
{
	struct rlimit none = {0, 0};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

/* Files first: the filter forbids Landlock's own calls.  The supervisor has
 * decided whether a kernel that lacks something is good enough. */
static enum hf_err confine(
    enum confine_role role, const struct confine_files *files)
{
	bool calls = confine_calls_offered();
	int abi;

	confine_harden();
	abi = files == NULL ? 0 : confine_files(files);
	if (abi < 0 || (calls && !confine_calls(role))) {
		log_line(LOG_ERROR, HF_CONFINE, "cannot-confine: %s",
		    hf_err_text(HF_CONFINE));
		return HF_CONFINE;
	}
	log_line(LOG_INFO, HF_OK, "confined seccomp=%s landlock=%d ports=%s",
	    calls ? "yes" : "no", abi,
	    abi >= 4 && files != NULL &&
		    (files->hold_bind || files->hold_connect)
		? "yes"
		: "no");
	return HF_OK;
}

enum hf_err confine_gate(const char *endpoint, bool peers)
{
	const char *colon = strrchr(endpoint, ':');
	unsigned long port = colon == NULL ? 0 : strtoul(colon + 1, NULL, 10);
	struct confine_files f = {
	    .hold_bind = true,
	    .hold_connect = !peers && port != 0,
	    .ports = {{(uint16_t)port, true, true}},
	    .port_count = 1,
	};

	return confine(CONFINE_GATE, &f);
}

enum hf_err confine_core(const struct config *c)
{
	const struct confine_path paths[] = {
	    {c->data_dir, true},
	    {c->pins_dir, false},
	    {c->documents_dir[0] == '\0' ? NULL : c->documents_dir, false},
	    {NULL, false},
	};
	const struct confine_files f = {
	    .paths = paths, .hold_bind = true, .hold_connect = true};

	return confine(CONFINE_CORE, &f);
}

enum hf_err confine_signer(void)
{
	const struct confine_files f = {
	    .hold_bind = true, .hold_connect = true};

	return confine(CONFINE_SIGNER, &f);
}

enum hf_err confine_resolver(void)
{
	/* where the C library's name services have their files */
	static const struct confine_path paths[] = {
	    {"/etc", false},
	    {"/run", false},
	    {"/usr", false},
	    {"/lib", false},
	    {"/lib64", false},
	    {NULL, false},
	};
	const struct confine_files f = {
	    .paths = paths,
	    .hold_bind = true,
	    .hold_connect = true,
	    .ports = {{53, false, true}},
	    .port_count = 1,
	};

	return confine(CONFINE_RESOLVER, &f);
}

enum hf_err confine_supervisor(void)
{
	return confine(CONFINE_SUPERVISOR, NULL);
}
