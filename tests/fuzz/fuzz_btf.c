/* fuzz_btf.c - any bytes as BTF: every question is asked of them, through memory that ends where they end. */
#include <stdlib.h>
#include "sema/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int
ignore_name(void *ud, const char *name, const char *doc)
{
	(void)doc;
	*(size_t *)ud += strlen(name);
	return 0;
}

static void
ask_record(struct kernel *k, struct types *ts, const struct type *t)
{
	struct near near = { 0 };
	struct field f;

	if (!t || t->kind != T_RECORD)
		return;
	kernel_expand(k, ts, t);
	for (uint32_t i = 0; i < t->n; i++) {    /* what the run side relies on when it prints a copy */
		const struct field *x = &t->fields[i];

		if (x->off > t->size || x->type->size > t->size - x->off ||
		    x->bit_off + x->bit_len > x->type->size * 8)
			abort();
	}
	kernel_field(k, ts, t, "no_such_member", &f);
	kernel_near_field(k, ts, t, "no_such_member", &near);
}

static void
ask_name(struct kernel *k, struct types *ts, const char *name)
{
	static const char *const prefix[] = { "", "struct ", "union ", "enum " };
	const struct type *type[4], *ret, *t;
	const char *names[4];
	char spelled[300];
	int64_t value;

	if (strlen(name) > 250)
		return;
	for (size_t i = 0; i < LENGTH(prefix); i++) {
		strcpy(spelled, prefix[i]);
		strcat(spelled, name);
		ask_record(k, ts, kernel_type(k, ts, spelled));
	}
	kernel_enum_value(k, ts, name, &value, &t);
	kernel_func_params(k, ts, name, names, type, 4, &ret);
}

static void
ask(struct kernel *k, struct types *ts)
{
	struct btf_rec r = { 0 };
	size_t total = 0;
	uint32_t n = 0;

	for (uint32_t at = 1; at < k->btf.strs_len && n < 32; at += (uint32_t)strlen(btf_str(&k->btf, at)) + 1, n++)
		ask_name(k, ts, btf_str(&k->btf, at));
	kernel_each_rawtracepoint(k, "*", ignore_name, &total);
	kernel_id(k);
	for (n = 0; btf_next(&k->btf, &r) && n < 256; n++) {
		struct btf_rec again;

		if (!btf_get(&k->btf, r.id, &again) || again.off != r.off)
			abort();
		ask_record(k, ts, btf_type(k, ts, r.id));
	}
	btf_get(&k->btf, UINT32_MAX, &r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sonde_opts opts = { .size = sizeof(opts), .sysroot = "/nonesuch" };
	const char *why;
	struct sonde *ctx;
	struct kernel *k;
	struct arena *mem = arena_new();
	void *copy = malloc(len ? len : 1);      /* its own block, so that a byte too far is seen */

	if (!mem || !copy || context_new(&opts, &ctx) != SONDE_OK)
		abort();
	if (len)
		memcpy(copy, data, len);
	k = kernel_open(ctx);
	k->btf_state = btf_open_memory(&k->btf, copy, len, &why) ? BTF_MISSING : BTF_READY;
	if (k->btf_state == BTF_READY)
		ask(k, types_new(mem));
	kernel_close(k);
	arena_free(mem);
	context_free(ctx);
	free(copy);
	return 0;
}
