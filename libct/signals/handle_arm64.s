#include "textflag.h"

// handle is the signals' handler: write(pipe, &number, 1). It comes with the
// kernel's calling convention, on the alternate stack, all signals blocked, and
// may interrupt any thread anywhere. It returns to the kernel's own restorer.
TEXT ·handle(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	SUB $16, RSP
	MOVD R0, (RSP)
	MOVW ·pipe(SB), R0
	MOVD RSP, R1
	MOVD $1, R2
	MOVD $64, R8 // write
	SVC
	ADD $16, RSP
	RET

// func addresses() (handler, restorer uintptr)
TEXT ·addresses(SB), NOSPLIT, $0-16
	MOVD $·handle(SB), R0
	MOVD R0, handler+0(FP)
	MOVD ZR, restorer+8(FP)
	RET
