// SPDX-License-Identifier: GPL-2.0
/* key generate */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "cli/cli.h"
#include "config/keyfile.h"

static int key_write(const struct cli *cli, const char *path, const char *text)
{
	char line[KEYFILE_TEXT + 1];
	int fd, err = 0;

	snprintf(line, sizeof(line), "%s\n", text);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		return cli_error(cli, "%s is there already and was not touched; remove it first, if no member uses it",
				 path);
	if (fd < 0)
		return cli_error(cli, "%s: %s%s", path, strerror(errno), errno == ENOENT ?
				 "; make its directory first" : "");
	if (write(fd, line, strlen(line)) != (ssize_t)strlen(line) || fsync(fd))
		err = errno ? errno : EIO;
	if (close(fd) && !err)
		err = errno;
	sodium_memzero(line, sizeof(line));
	if (!err)
		return CLI_OK;
	unlink(path);
	return cli_error(cli, "%s: %s", path, strerror(err));
}

int cli_key(struct cli *cli, int argc, char **argv)
{
	const char *path = NULL;
	char text[KEYFILE_TEXT];
	int status = CLI_OK;

	if (cli_option(cli, argc, argv, NULL) != -1)
		return CLI_USAGE;
	if (optind == argc || strcmp(argv[optind], "generate"))
		return cli_usage("key", "say 'key generate [FILE]'");
	if (++optind < argc)
		path = argv[optind++];
	if (!cli_no_arguments("key generate", argc, argv))
		return CLI_USAGE;
	if (sodium_init() < 0)
		return cli_error(cli, "libsodium could not be started");
	keyfile_generate(text);
	if (path)
		status = key_write(cli, path, text);
	if (status != CLI_OK)
		;
	else if (cli->json && path)
		cli_print_json(json_pack("{s:b, s:o}", "ok", 1, "file",
					 cli_json_string(path)));
	else if (cli->json)
		cli_print_json(json_pack("{s:b, s:s}", "ok", 1, "key", text));
	else if (path)
		printf("%s: made; copy it to every member (mode 600, owner root)\n", path);
	else
		puts(text);
	sodium_memzero(text, sizeof(text));
	return status;
}
