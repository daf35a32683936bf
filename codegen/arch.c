/* arch.c - what differs between machines: where struct pt_regs keeps arguments, one row per machine. */
#include <stddef.h>
#include "codegen/gen.h"

/* As struct pt_regs (x86) and struct user_pt_regs (arm64) of the kernel lay them out. */
static const struct arch archs[] = {
	{
		.name = "x86_64", .triple = "bpfel", .n_args = 6,
		.arg_off = { 112, 104, 96, 88, 72, 64 }, /* di si dx cx r8 r9 */
		.ret_off = 80, .ip_off = 128, .sp_off = 152, .syscall_nr_off = 120, .pt_regs_size = 168,
		.sys_arg_off = { 112, 104, 96, 56, 72, 64 }, /* r10 in the place of cx */
	},
	{
		.name = "aarch64", .triple = "bpfel", .n_args = 8,
		.arg_off = { 0, 8, 16, 24, 32, 40, 48, 56 },
		.ret_off = 0, .ip_off = 256, .sp_off = 248, .syscall_nr_off = 280, .pt_regs_size = 272,
		.sys_arg_off = { 272, 8, 16, 24, 32, 40 }, /* orig_x0: x0 becomes the result */
	},
};

const struct arch *
arch_host(void)
{
#if defined(__aarch64__)
	return &archs[1];
#else
	return &archs[0];
#endif
}
