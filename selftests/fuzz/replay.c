// SPDX-License-Identifier: GPL-2.0
/*
 * replay: a fuzz target without libFuzzer, on the inputs of a directory.
 *
 * TARGET DIR...	each file once; prints how many there were, and the name of
 *			the one that something was found with
 */
#include <dirent.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#include <sys/stat.h>

#include "fuzz.h"

#define FILE_MAX (1024 * 1024)

static char current[512];

const char *__asan_default_options(void);

/* An expectation that fails is a report like any other. */
const char *__asan_default_options(void)
{
	return "handle_abort=1:allocator_may_return_null=1";
}

static void say_current(void)
{
	fprintf(stderr, "input: %s\n", current);
}

static void replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	static uint8_t data[FILE_MAX];
	size_t len;

	snprintf(current, sizeof(current), "%s", path);
	if (!file) {
		perror(path);
		exit(1);
	}
	len = fread(data, 1, sizeof(data), file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, len);
	if (__lsan_do_recoverable_leak_check()) {
		say_current();
		exit(1);
	}
}

static unsigned int directory(const char *name)
{
	struct dirent **entry;
	unsigned int inputs = 0;
	char path[512];
	struct stat st;
	int n = scandir(name, &entry, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", name, entry[i]->d_name);
		if (!stat(path, &st) && S_ISREG(st.st_mode)) {
			replay(path);
			inputs++;
		}
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	return inputs;
}

int main(int argc, char **argv)
{
	unsigned int inputs = 0;

	__sanitizer_set_death_callback(say_current);
	for (int i = 1; i < argc; i++)
		inputs += directory(argv[i]);
	printf("%u inputs\n", inputs);
	/* None is a mistake of whoever called. */
	return !inputs;
}
