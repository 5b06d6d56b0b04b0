/*
 * Test driver: lets the tests ask libseccomp for a filter. It reads lines
 * from standard input and answers on standard output:
 *
 *   resolve TOKEN NAME                    number
 *   init DEFAULT                          (no answer)
 *   arch TOKEN                            (no answer)
 *   native TOKEN                          (no answer)
 *   rule ACTION NAME N [IDX OP A B]...    (no answer)
 *   export                                "err RC", or "ok N" and N lines
 *   load N [CODE JT JF K]...              what seccomp(2) says of a program
 */
#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

/* The child may be unable to do anything but die once the filter is on. */
static void load(void)
{
	static struct sock_filter insns[BPF_MAXINSNS + 1];
	struct sock_fprog prog = { .filter = insns };
	volatile int *rc = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (rc == MAP_FAILED || scanf("%hu", &prog.len) != 1 || prog.len > BPF_MAXINSNS)
		exit(2);
	for (int i = 0; i < prog.len; i++)
		if (scanf("%hu %hhu %hhu %u", &insns[i].code, &insns[i].jt,
			  &insns[i].jf, &insns[i].k) != 4)
			exit(2);
	*rc = -1;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		exit(2);
	if (pid == 0) {
		long r;
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core file */
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
		*rc = r == 0 ? 0 : errno;
		_exit(0);
	}
	if (waitpid(pid, NULL, 0) != pid)
		exit(2);
	printf("%d\n", *rc);
	fflush(stdout);
	munmap((void *)rc, sizeof(int));
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
		} else if (!strcmp(word, "native")) {
			if (scanf("%u", &value) != 1)
				return 2;
			if (value != seccomp_arch_native()) {
				note(seccomp_arch_add(ctx, value));
				note(seccomp_arch_remove(ctx, seccomp_arch_native()));
			}
		} else if (!strcmp(word, "rule")) {
			rule();
		} else if (!strcmp(word, "export")) {
			export();
		} else if (!strcmp(word, "load")) {
			load();
		} else {
			return 2;
		}
	}
	return 0;
}
