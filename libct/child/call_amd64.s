#include "textflag.h"

// func call(nr, a, b, c, d, e, f uintptr) uintptr
TEXT ·call(SB), NOSPLIT|NOFRAME, $0-64
	MOVQ nr+0(FP), AX
	MOVQ a+8(FP), DI
	MOVQ b+16(FP), SI
	MOVQ c+24(FP), DX
	MOVQ d+32(FP), R10
	MOVQ e+40(FP), R8
	MOVQ f+48(FP), R9
	SYSCALL
	MOVQ AX, ret+56(FP)
	RET

// func fork(args, size uintptr) uintptr
TEXT ·fork(SB), NOSPLIT|NOFRAME, $0-24
	MOVQ args+0(FP), DI
	MOVQ size+8(FP), SI
	MOVL $435, AX // clone3
	SYSCALL
	TESTQ AX, AX
	JGT exit
	MOVQ AX, ret+16(FP)
	RET
exit:
	// The stack is the child's.
	MOVL $231, AX // exit_group
	XORL DI, DI
	SYSCALL
	JMP exit
