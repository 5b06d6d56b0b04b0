#include "textflag.h"

// handle is the signals' handler: write(pipe, &number, 1). It comes with the
// kernel's calling convention, on the alternate stack, all signals blocked, and
// may interrupt any thread anywhere.
TEXT ·handle(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	SUBQ $16, SP
	MOVQ DI, (SP)
	MOVL ·pipe(SB), DI
	MOVQ SP, SI
	MOVL $1, DX
	MOVL $1, AX // write
	SYSCALL
	ADDQ $16, SP
	RET

// restore is what handle returns to.
TEXT ·restore(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVL $15, AX // rt_sigreturn
	SYSCALL
	INT $3

// func addresses() (handler, restorer uintptr)
TEXT ·addresses(SB), NOSPLIT, $0-16
	LEAQ ·handle(SB), AX
	MOVQ AX, handler+0(FP)
	LEAQ ·restore(SB), AX
	MOVQ AX, restorer+8(FP)
	RET
