#include "broker/unlock.h"

#include "proto/crypto.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PASSPHRASE_MAX 256u

/* The first line, without its end. */
static bool read_line(int fd, char out[PASSPHRASE_MAX])
{
	size_t at = 0;
	ssize_t n;

	while (at < PASSPHRASE_MAX - 1 && (n = read(fd, out + at, 1)) == 1 &&
	       out[at] != '\n')
		at++;
	out[at] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return at > 0;
}

static bool from_file(const char *path, char out[PASSPHRASE_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && read_line(fd, out);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* LoadCredential=passphrase:FILE of the unit */
static bool from_credentials(char out[PASSPHRASE_MAX])
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[CONFIG_PATH_MAX];

	return dir != NULL &&
	       snprintf(path, sizeof(path), "%s/passphrase", dir) <
		   (int)sizeof(path) &&
	       from_file(path, out);
}

static bool from_terminal(char out[PASSPHRASE_MAX])
{
	static const char prompt[] = "passphrase of the broker's key: ";
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios was, quiet;
	bool ok = false;

	if (fd < 0)
		return false;
	if (tcgetattr(fd, &was) == 0) {
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		/* before the prompt: who answers at once is not shown */
		if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0) {
			ok = write(fd, prompt, sizeof(prompt) - 1) > 0 &&
			     read_line(fd, out);
			tcsetattr(fd, TCSAFLUSH, &was);
			ok = write(fd, "\n", 1) == 1 && ok;
		}
	}
	close(fd);
	return ok;
}

enum hf_err unlock(struct secret **out, const struct config *c)
{
	char passphrase[PASSPHRASE_MAX] = "";
	bool is_protected = false, has;
	enum hf_err err = secret_is_protected(c->key_file, &is_protected);

	*out = NULL;
	if (err != HF_OK)
		return err;
	if (!is_protected)
		return secret_load(out, c->key_file, SECRET_BROKER, NULL);
	if (c->passphrase_file[0] != '\0')
		has = from_file(c->passphrase_file, passphrase);
	else
		has = from_credentials(passphrase) || from_terminal(passphrase);
	err = has ? secret_load(out, c->key_file, SECRET_BROKER, passphrase)
		  : HF_PASSPHRASE;
	hf_wipe(passphrase, sizeof(passphrase));
	return err;
}
