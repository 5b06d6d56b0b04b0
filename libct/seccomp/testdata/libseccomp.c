/*
 * Test driver: lets the tests ask libseccomp for a filter. It reads lines
 * from standard input and answers on standard output:
 *
 *   resolve TOKEN NAME                    number
 *   init DEFAULT                          (no answer)
 *   arch TOKEN                            (no answer)
 *   drop TOKEN                            (no answer)
 *   rule ACTION NAME N [IDX OP A B]...    (no answer)
 *   export                                "err RC", or "ok N" and N lines
 */
#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/filter.h>
#include <unistd.h>

static scmp_filter_ctx ctx;
static int failed;

static void note(int rc)
{
	if (rc < 0 && !failed)
		failed = rc;
}

static void rule(void)
{
	struct scmp_arg_cmp args[6];
	char name[256];
	uint32_t action;
	unsigned int n;

	if (scanf("%u %255s %u", &action, name, &n) != 3 || n > 6)
		exit(2);
	for (unsigned int i = 0; i < n; i++) {
		unsigned long long a, b;
		unsigned int idx, op;
		if (scanf("%u %u %llu %llu", &idx, &op, &a, &b) != 4)
			exit(2);
		args[i] = (struct scmp_arg_cmp){ idx, op, a, b };
	}
	int nr = seccomp_syscall_resolve_name(name);
	if (nr != __NR_SCMP_ERROR) /* runc ignores unknown names */
		note(seccomp_rule_add_array(ctx, action, nr, n, args));
}

static void export(void)
{
	struct sock_filter insn;
	FILE *f = tmpfile();
	long n;

	if (!f)
		exit(2);
	if (!failed)
		note(seccomp_export_bpf(ctx, fileno(f)));
	if (failed) {
		printf("err %d\n", failed);
	} else {
		n = lseek(fileno(f), 0, SEEK_END) / sizeof(insn);
		lseek(fileno(f), 0, SEEK_SET);
		printf("ok %ld\n", n);
		while (read(fileno(f), &insn, sizeof(insn)) == sizeof(insn))
			printf("%u %u %u %u\n", insn.code, insn.jt, insn.jf, insn.k);
	}
	fclose(f);
	seccomp_release(ctx);
	fflush(stdout);
}

int main(void)
{
	char word[32], name[256];
	uint32_t value;

	while (scanf("%31s", word) == 1) {
		if (!strcmp(word, "resolve")) {
			if (scanf("%u %255s", &value, name) != 2)
				return 2;
			printf("%d\n", seccomp_syscall_resolve_name_arch(value, name));
			fflush(stdout);
		} else if (!strcmp(word, "init")) {
			if (scanf("%u", &value) != 1)
				return 2;
			failed = 0;
			ctx = seccomp_init(value);
			if (!ctx)
				return 3;
			/*
			 * Binary search, as runc for all but small profiles.
			 * Without it libseccomp 2.5 forgets to load the number
			 * of the call when x32 is in the filter.
			 */
			note(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2));
		} else if (!strcmp(word, "arch")) {
			if (scanf("%u", &value) != 1)
				return 2;
			int rc = seccomp_arch_add(ctx, value);
			if (rc != -EEXIST)
				note(rc);
		} else if (!strcmp(word, "drop")) {
			if (scanf("%u", &value) != 1)
				return 2;
			note(seccomp_arch_remove(ctx, value));
		} else if (!strcmp(word, "rule")) {
			rule();
		} else if (!strcmp(word, "export")) {
			export();
		} else {
			return 2;
		}
	}
	return 0;
}
