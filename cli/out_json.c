/* out_json.c - the output of -f json: one object per line (LANGUAGE 5.7).  Objects are written with blanks, arrays without. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"

struct json {
	struct out *out;
	bool is_open;                    /* the string of a call that prints in parts: cat, system */
	unsigned char cut[4];            /* the beginning of a character whose other bytes have not come yet */
	size_t n_cut;
};

struct json *
json_new(struct out *out)
{
	struct json *j = calloc(1, sizeof(*j));

	if (j)
		j->out = out;
	return j;
}

static void
put(struct json *j, const char *text)
{
	out_text(j->out, text, strlen(text));
}

/* ---- strings ---- */

/* Bytes of the UTF-8 character at s; 0: there is none; -1: n bytes are not yet all of it. */
static int
utf8_length(const unsigned char *s, size_t n)
{
	unsigned len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80, high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;

	for (unsigned i = 1; i < len; i++) {
		if (i == n)
			return -1;
		if (s[i] < (i == 1 ? low : 0x80) || s[i] > (i == 1 ? high : 0xbf))
			return 0;
	}
	return (int)len;
}

static void
put_escape(struct json *j, unsigned char c)
{
	static const char *const known[] = { ['"'] = "\\\"", ['\\'] = "\\\\", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t" };
	char text[8];

	if (c < sizeof(known) / sizeof(known[0]) && known[c]) {
		put(j, known[c]);
		return;
	}
	snprintf(text, sizeof(text), "\\u%04x", c);
	put(j, text);
}

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* What is kept of a character, as far as that is decided.  A byte that is part of none is shown as the character of its number. */
static void
settle(struct json *j, bool is_last)
{
	while (j->n_cut) {
		int len = utf8_length(j->cut, j->n_cut);

		if (len < 0 && !is_last)
			return;
		if (len <= 0 || j->cut[0] < 0x80) {
			len = 1;
			if (is_plain(j->cut[0]))
				out_text(j->out, j->cut, 1);
			else
				put_escape(j, j->cut[0]);
		} else {
			out_text(j->out, j->cut, (size_t)len);
		}
		j->n_cut -= (size_t)len;
		memmove(j->cut, j->cut + len, j->n_cut);
	}
}

static void
put_part(struct json *j, const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		for (n = 0; !j->n_cut && i + n < len && is_plain((unsigned char)text[i + n]); n++)
			;
		if (n) {
			out_text(j->out, text + i, n);
			continue;
		}
		j->cut[j->n_cut++] = (unsigned char)text[i];
		settle(j, false);
		n = 1;
	}
}

static void
put_string(struct json *j, const char *text, size_t len)
{
	put(j, "\"");
	put_part(j, text, len);
	settle(j, true);
	put(j, "\"");
}

/* ---- values (LANGUAGE 5.2) ---- */
static void
put_i64(struct json *j, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)v);
	put(j, text);
}

static void
put_u64(struct json *j, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	put(j, text);
}

/* Readers that keep numbers as doubles would change these. */
static bool
is_exact(const struct sonde_value *v)
{
	if (v->kind == SONDE_UINT)
		return (double)v->num.u < 0x1p64 && (uint64_t)(double)v->num.u == v->num.u;
	return (double)v->num.i < 0x1p63 && (int64_t)(double)v->num.i == v->num.i;
}

static void
put_number(struct json *j, const struct sonde_value *v)
{
	const char *quote = is_exact(v) ? "" : "\"";

	put(j, quote);
	if (v->kind == SONDE_UINT)
		put_u64(j, v->num.u);
	else
		put_i64(j, v->num.i);
	put(j, quote);
}

static void put_value(struct json *, const struct sonde_value *);

static void
put_list(struct json *j, const struct sonde_value *v)
{
	put(j, "[");
	for (size_t i = 0; i < v->n_items; i++) {
		if (i)
			put(j, ",");
		put_value(j, &v->item[i]);
	}
	put(j, "]");
}

static void
put_object(struct json *j, const struct sonde_value *v)
{
	put(j, "{");
	for (size_t i = 0; i < v->n_items; i++) {
		if (i)
			put(j, ", ");
		put_string(j, v->item[i].name, strlen(v->item[i].name));
		put(j, ": ");
		put_value(j, &v->item[i]);
	}
	put(j, "}");
}

/* Closed intervals; the outermost may be open. */
static void
put_buckets(struct json *j, const struct sonde_value *v)
{
	put(j, "[");
	for (size_t i = 0; i < v->n_items && v->item[i].n_items == 3; i++) {
		const struct sonde_value *low = v->item[i].item, *high = low + 1, *count = low + 2;

		put(j, i ? ",{" : "{");
		if (low->kind != SONDE_NONE) {
			put(j, "\"min\": ");
			put_i64(j, low->num.i);
			put(j, ", ");
		}
		if (high->kind != SONDE_NONE) {
			put(j, "\"max\": ");
			put_i64(j, high->num.i);
			put(j, ", ");
		}
		put(j, "\"count\": ");
		put_u64(j, count->num.u);
		put(j, "}");
	}
	put(j, "]");
}

/* The one object without blanks. */
static void
put_series(struct json *j, const struct sonde_value *v)
{
	put(j, "[");
	for (size_t i = 0; i < v->n_items && v->item[i].n_items == 2; i++) {
		const struct sonde_value *start = v->item[i].item, *value = start + 1;

		put(j, i ? ",{\"interval_start\":" : "{\"interval_start\":");
		put_string(j, start->text, start->len);
		put(j, ",\"value\":");
		put_number(j, value);
		put(j, "}");
	}
	put(j, "]");
}

static void
put_bytes(struct json *j, const struct sonde_value *v)
{
	put(j, "[");
	for (size_t i = 0; i < v->len; i++) {
		if (i)
			put(j, ",");
		put_u64(j, (unsigned char)v->text[i]);
	}
	put(j, "]");
}

static void
put_value(struct json *j, const struct sonde_value *v)
{
	switch (v->kind) {
	case SONDE_INT:
	case SONDE_UINT:
	case SONDE_ENUM:
		put_number(j, v);
		break;
	case SONDE_PTR:
		put_u64(j, v->num.u);
		break;
	case SONDE_BOOL:
		put(j, v->num.u ? "true" : "false");
		break;
	case SONDE_STR:
	case SONDE_STACK:
		put_string(j, v->text, v->len);
		break;
	case SONDE_BYTES:
		put_bytes(j, v);
		break;
	case SONDE_TUPLE:
		put_list(j, v);
		break;
	case SONDE_HIST:
		put_buckets(j, v);
		break;
	case SONDE_TSERIES:
		put_series(j, v);
		break;
	case SONDE_RECORD:
	case SONDE_STATS:
		put_object(j, v);
		break;
	case SONDE_NONE:
		put(j, "null");
		break;
	}
}

/* ---- print() and maps ---- */

/* A key's text without any blanks; parts of a tuple are joined by commas. */
static void
put_key(struct json *j, const struct sonde_value *v)
{
	bool is_tuple = v->kind == SONDE_TUPLE && v->len >= 2 && v->text[0] == '(';
	const char *text = is_tuple ? v->text + 1 : v->text, *end = is_tuple ? v->text + v->len - 1 : v->text + v->len;

	put(j, "\"");
	for (; text < end; text++) {
		unsigned char c = (unsigned char)*text;
		char code[8];

		if (c == ' ')
			continue;
		if (v->kind == SONDE_BYTES && (c < 32 || c > 126)) {
			snprintf(code, sizeof(code), "\\x%02x", c);
			put_part(j, code, 4);
		} else {
			put_part(j, text, 1);
		}
	}
	settle(j, true);
	put(j, "\"");
}

struct rows { struct json *json; size_t n; };

static int
put_row(void *ud, const struct sonde_value *key, const struct sonde_value *val)
{
	struct rows *rows = ud;

	if (rows->n++)
		put(rows->json, ", ");
	if (key) {
		put_key(rows->json, key);
		put(rows->json, ": ");
	}
	put_value(rows->json, val);
	return 0;
}

static const char *
type_of(const struct sonde_event *e)
{
	static const char *const types[][2] = {
		{ "hist", "hist" }, { "lhist", "hist" }, { "avg", "stats" }, { "stats", "stats" }, { "tseries", "tseries" },
	};

	if (!e->map)
		return "value";
	for (size_t i = 0; e->aggr && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i][0], e->aggr) == 0)
			return types[i][1];
	return "map";
}

static void
put_shown(struct json *j, const struct sonde_event *e)
{
	struct rows rows = { j, 0 };

	put(j, "{\"type\": \"");
	put(j, type_of(e));
	put(j, "\", \"data\": ");
	if (e->map) {
		put(j, "{");
		put_string(j, e->map, strlen(e->map));
		put(j, e->is_keyed ? ": {" : ": ");
	}
	if (sonde_event_each(e, put_row, &rows) < 0 && !rows.n && !e->is_keyed)
		put(j, "null");          /* out of memory: the line is whole all the same */
	put(j, !e->map ? "}\n" : e->is_keyed ? "}}}\n" : "}}\n");
}

/* ---- other events ---- */
static void
put_text(struct json *j, const struct sonde_event *e)
{
	const char *type = e->source ? e->source : "printf";

	if (!j->is_open) {
		put(j, "{\"type\": \"");
		put(j, strcmp(type, "system") == 0 ? "syscall" : type);
		put(j, "\", \"data\": \"");
	}
	put_part(j, e->text, e->len);
	j->is_open = e->is_part;
	if (!e->is_part) {
		settle(j, true);
		put(j, "\"}\n");
	}
}

static void
put_place(struct json *j, const struct sonde_span *at)
{
	const char *file = at->file ? at->file : "";

	put(j, ", \"filename\": ");
	put_string(j, file, strlen(file));
	put(j, ", \"line\": ");
	put_u64(j, at->line);
	put(j, ", \"col\": ");
	put_u64(j, at->col);
}

static void
put_error(struct json *j, const struct sonde_event *e)
{
	put(j, e->helper ? "{\"type\": \"helper_error\", \"msg\": " : "{\"type\": \"runtime_error\", \"msg\": ");
	put_string(j, e->text, e->len);
	if (e->helper) {
		put(j, ", \"helper\": ");
		put_string(j, e->helper, strlen(e->helper));
		put(j, ", \"retcode\": ");
		put_i64(j, e->retcode);
	}
	put_place(j, &e->at);
	if (e->lost > 1) {
		put(j, ", \"count\": ");
		put_u64(j, e->lost);
	}
	put(j, "}\n");
}

static void
put_counted(struct json *j, const char *type, uint64_t n, const char *what)
{
	char text[128];

	snprintf(text, sizeof(text), "{\"type\": \"%s\", \"count\": %llu, \"data\": {\"%s\": %llu}}\n", type,
		 (unsigned long long)n, what, (unsigned long long)n);
	put(j, text);
}

void
json_attached(struct json *j, int n)
{
	put_counted(j, "attached_probes", (uint64_t)n, "probes");
}

void
json_test(struct json *j, const struct sonde_event *e, const char *text, size_t len)
{
	put(j, "{\"type\": \"test_result\", \"data\": {");
	put_string(j, e->text, e->len);
	put(j, ": {\"duration\": ");
	put_u64(j, e->duration_ns);
	put(j, e->is_passed ? ", \"passed\": true, \"output\": " : ", \"passed\": false, \"output\": ");
	put_string(j, text, len);
	put(j, "}}}\n");
}

void
json_bench(struct json *j, const struct sonde_event *e)
{
	put(j, "{\"type\": \"benchmark_result\", \"data\": {");
	put_string(j, e->text, e->len);
	put(j, ": {\"average\": ");
	put_u64(j, e->duration_ns);
	put(j, ", \"iters\": ");
	put_u64(j, e->n_runs);
	put(j, "}}}\n");
}

void
json_event(struct json *j, const struct sonde_event *e)
{
	switch (e->kind) {
	case SONDE_EV_TEXT:
		put_text(j, e);
		break;
	case SONDE_EV_VALUE:
		put_shown(j, e);
		break;
	case SONDE_EV_LOST:
		put_counted(j, "lost_events", e->lost, "events");
		break;
	case SONDE_EV_RUNTIME_ERROR:
		put_error(j, e);
		break;
	default:
		break;
	}
}
